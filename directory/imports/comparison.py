"""A row against the enterprise it speaks of: what is the same, what changes, what is kept.

Who said a field prevails: the enterprise over the Pôle, the Pôle over a file. A file fills what is
empty and changes what a file wrote; where it says otherwise than a person did, that is reported.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.gazetteer import key
from directory.imports.entries import Entry, Heading, Outcome, short
from directory.imports.mapping import Layout
from directory.models import Contact, Enterprise
from directory.models.enterprises import neq_checks
from directory.provenance import prevailing, said_with
from directory.resources import CONTACT, EnterpriseResource, Record

Source = Enterprise.Source
Where = Callable[[str], Heading]


class Comparison:
    def __init__(self, layout: Layout, resource: EnterpriseResource, columns: Collection[str]):
        """`columns` are those that rows may give, and are read of each enterprise."""
        self.layout, self.resource, self.columns = layout, resource, columns

    def where(self, name: str) -> Heading:
        return self.layout.where(name, self.resource)

    def compare(self, read: Sequence[tuple[Entry, Record]]) -> None:
        """What each row would change of the enterprise it speaks of; a few statements a batch."""
        pks = [entry.pk for entry, _values in read if entry.pk]
        if not pks:
            return
        kept = {row["id"]: row for row in self.resource.records(pks, self.columns, traced=True)}
        people: dict[int, list[Contact]] = {}
        if CONTACT & set(self.layout.positions):
            for contact in Contact.objects.filter(enterprise_id__in=pks).order_by("position", "pk"):
                people.setdefault(contact.enterprise_id, []).append(contact)
        for entry, values in read:
            if entry.pk and not entry.refused:
                record = kept[entry.pk]
                entry.version = record["version"]
                self.compare_fields(entry, values, record)
                self.compare_person(entry, values, record, people.get(entry.pk, []))
                check_orders(entry, record | entry.changes, self.where)
                if entry.refused:
                    entry.drop()
                    continue
                self.keep_what_was(entry, record)
                changed = entry.changes or entry.contact
                entry.outcome = Outcome.UPDATED if changed else Outcome.LEFT
                if changed and entry.archived:
                    ask_to_reopen(entry)

    def compare_fields(self, entry: Entry, values: Record, record: Record) -> None:
        for name, value in values.items():
            if name == "slug" or name in CONTACT:
                continue
            widget = self.resource.columns[name].widget
            before = record[name]
            if name in ("city", "borough") and before == value or widget.same(before, value):
                continue
            source = prevailing(record["provenance"], said_with(name), before)
            if source is not None:
                self.say_kept(entry, name, before, value, source)
                entry.kept[name] = (before, value)
            else:
                entry.changes[name] = value
        # A borough is of its city: both change, or neither.
        if "city" in entry.changes and "borough" not in values and record["borough"]:
            entry.changes["borough"] = None
        elsewhere = values.get("city", record.get("city")) != record.get("city")
        if elsewhere and "city" not in entry.changes:
            entry.changes.pop("borough", None)
        self.extend(entry, values, record)
        if "neq" in entry.changes:
            warn_of_neq(entry, entry.changes, self.where)

    def extend(self, entry: Entry, values: Record, record: Record) -> None:
        """An extension is of its number: kept where another is, gone where another comes."""
        if "phone" in entry.kept and "phone_extension" in entry.changes:
            value = entry.changes.pop("phone_extension")
            entry.kept["phone_extension"] = (record["phone_extension"], value)
        elsewhere = "phone" in entry.changes and record["phone"] and record["phone_extension"]
        if elsewhere and "phone_extension" not in values:
            entry.changes["phone_extension"] = ""

    def keep_what_was(self, entry: Entry, record: Record) -> None:
        """What undoing the import would put back."""
        entry.before = {name: record[name] for name in entry.changes}
        if "latitude" in entry.changes:
            entry.before["geo_precision"] = record["geo_precision"]
        said = {said_with(name) for name in entry.changes} | (
            {"contacts"} if entry.contact else set()
        )
        entry.said_before = {name: record["provenance"].get(name, "") for name in said}

    def say_kept(self, entry: Entry, name: str, before: Any, value: Any, source: str) -> None:
        widget = self.resource.columns[name].widget
        entry.say(
            "kept",
            _("gardé «\xa0%(before)s\xa0», %(source)s.")
            % {"before": short(str(widget.render(before))), "source": SOURCES[source]},
            self.where(name),
            str(widget.render(value)),
        )

    def compare_person(
        self, entry: Entry, values: Record, record: Record, people: list[Contact]
    ) -> None:
        given = person(values)
        if not given:
            return
        same = next((one for one in people if key(one.name) == key(given["name"])), None)
        if same is None:
            source = prevailing(record["provenance"], "contacts", people)
            if people and source is not None:
                self.say_kept(entry, "contact_name", people[0].name, given["name"], source)
                entry.kept_person = given
            else:
                entry.contact = given
            return
        for field, value in given.items():
            column, before = f"contact_{field}", getattr(same, field)
            if field == "name" or self.resource.columns[column].widget.same(before, value):
                continue
            source = prevailing(record["provenance"], "contacts", before)
            if before and source is not None:
                self.say_kept(entry, column, before, value, source)
                entry.kept_person |= {"name": same.name, field: value}
            else:
                entry.contact[field] = value
                entry.contact_before[field] = before
                entry.contact_pk = same.pk
        if "phone" in entry.kept_person and "phone_extension" in entry.contact:
            entry.kept_person["phone_extension"] = entry.contact.pop("phone_extension")
            entry.contact_before.pop("phone_extension")
        elsewhere = "phone" in entry.contact and same.phone and same.phone_extension
        if elsewhere and "phone_extension" not in given:
            entry.contact["phone_extension"] = ""
            entry.contact_before["phone_extension"] = same.phone_extension


#: Who said what is kept; "" where nothing tells, as before imports.
SOURCES = {
    Source.OWNER: gettext_lazy("confirmé par l’entreprise"),
    Source.STAFF: gettext_lazy("écrit par le Pôle"),
    "": gettext_lazy("déjà inscrit"),
}


def person(values: Record) -> Record:
    """The fields of `Contact` that a row gives."""
    if "contact_name" not in values:
        return {}
    return {name.removeprefix("contact_"): values[name] for name in CONTACT if name in values}


def check_orders(entry: Entry, values: Record, where: Where) -> None:
    smallest, largest = values.get("smallest_order"), values.get("largest_order")
    if smallest is not None and largest is not None and smallest > largest:
        entry.say(
            "refusal",
            _("la plus petite commande dépasse la plus grande (%(largest)d)\xa0: corrigez.")
            % {"largest": largest},
            where("smallest_order"),
            str(smallest),
        )


def warn_of_neq(entry: Entry, values: Record, where: Where) -> None:
    neq = values.get("neq")
    if neq and not neq_checks(neq):
        reason = _("ce NEQ a peut-être une faute de frappe\xa0: vérifiez-le au registre.")
        entry.say("note", reason, where("neq"), neq)


def ask_to_reopen(entry: Entry) -> None:
    entry.outcome = Outcome.PROPOSED
    entry.drop()
    entry.say(
        "proposal",
        _("la fiche «\xa0%(name)s\xa0» est archivée\xa0: rouvrez-la avant d’importer.")
        % {"name": entry.name},
        topic=_("Fiches archivées, à rouvrir avant d’importer"),
    )
