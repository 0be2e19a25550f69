"""Writing what was planned, in batches: statement-level triggers run once for each.

Inside the caller's transaction. What a file wrote bears « import » in `provenance`, and each row
written leaves one in its history.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Max, Model
from django.utils import timezone
from simple_history.utils import get_history_manager_for_model

from directory.cells import pair
from directory.histories import CHANGED, GONE, MADE, Trace
from directory.imports.entries import Entry, Outcome
from directory.models import (
    Certification,
    City,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
)
from directory.provenance import said_with
from directory.slugs import Slugs

Source = Enterprise.Source
#: Columns kept as rows of a table between two others: table, and its key of the other side.
LINKS: dict[str, tuple[type[Model], str]] = {
    "sectors": (Enterprise.sectors.through, "sector_id"),
    "benefits": (EnterpriseBenefit, "benefit_id"),
    "statuses": (Certification, "status_id"),
    "served_regions": (Enterprise.served_regions.through, "region_id"),
    "served_counties": (Enterprise.served_counties.through, "regionalcounty_id"),
    "served_cities": (Enterprise.served_cities.through, "city_id"),
}
OTHERS = {*LINKS, "offerings", "permits"}
HISTORICAL = {EnterpriseBenefit, Certification}


class Writer:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.slugs = Slugs.of_the_site()
        self.cities = dict(City.objects.values_list("pk", "slug"))

    def write(self, entries: Sequence[Entry]) -> None:
        """Write one batch of entries; those to be left are. Their enterprises are held already."""
        created = [entry for entry in entries if entry.outcome == Outcome.CREATED]
        updated = [entry for entry in entries if entry.outcome == Outcome.UPDATED]
        self.create(created)
        self.update(updated)
        written = [*created, *updated]
        for name, (table, column) in LINKS.items():
            link(table, column, with_change(written, name), self.trace)
        write_offerings(with_change(written, "offerings"), self.trace)
        write_permits(with_change(written, "permits"), self.trace)
        write_people([entry for entry in written if entry.contact], self.trace)
        self.tell_gone(written)
        # Once what hangs from them is written: it is kept beside them.
        self.trace.keep(Enterprise, [entry.pk for entry in created], MADE)
        self.trace.keep(Enterprise, [entry.pk for entry in updated], CHANGED)

    def tell_gone(self, entries: Sequence[Entry]) -> None:
        """Say in each entry which rows it made go, for whoever would put them back."""
        by_pk = {entry.pk: entry for entry in entries}
        for model, keys in self.trace.gone.items():
            if model is Enterprise:
                continue  # taken back whole: nothing of it is put back
            history = get_history_manager_for_model(model).filter(id__in=keys, history_type=GONE)
            for owner, key in history.values_list("enterprise_id", "id"):
                if entry := by_pk.get(owner):
                    entry.gone.append((model.__name__, key))
        self.trace.gone.clear()

    def create(self, entries: Sequence[Entry]) -> None:
        """Drafts, which nobody has recognised."""
        enterprises = []
        for entry in entries:
            enterprise = Enterprise(state=Enterprise.State.DRAFT)
            set_fields(enterprise, entry)
            enterprise.slug = self.slugs.new(enterprise.name, self.cities[enterprise.city_id])
            enterprises.append(enterprise)
        Enterprise.objects.bulk_create(enterprises)
        for entry, enterprise in zip(entries, enterprises, strict=True):
            entry.pk, entry.slug = enterprise.pk, enterprise.slug
            entry.version = enterprise.version

    def update(self, entries: Sequence[Entry]) -> None:
        enterprises = Enterprise.objects.in_bulk([entry.pk for entry in entries])
        now = timezone.now()
        fields = {"provenance", "version", "updated_at"}
        for entry in entries:
            enterprise = enterprises[entry.pk]
            fields |= set_fields(enterprise, entry)
            enterprise.version += 1
            enterprise.updated_at = now
            entry.version = enterprise.version
        Enterprise.objects.bulk_update(enterprises.values(), sorted(fields))


def set_fields(enterprise: Enterprise, entry: Entry) -> set[str]:
    """Give an enterprise its new values and their source; gives the fields that were set."""
    fields = set()
    for name, value in entry.changes.items():
        if entry.said is None:
            enterprise.provenance[said_with(name)] = Source.IMPORT
        if name in OTHERS:
            continue
        if name in ("city", "borough"):
            setattr(enterprise, f"{name}_id", value)
        elif name == "akcelos":
            others = {key: kept for key, kept in enterprise.external_ids.items() if key != name}
            enterprise.external_ids = others | ({"akcelos": value} if value else {})
            name = "external_ids"
        else:
            setattr(enterprise, name, list(value) if isinstance(value, tuple) else value)
        if name == "latitude":
            # A file that gives a position gives that of the address.
            enterprise.geo_precision = Enterprise.GeoPrecision.EXACT
            fields.add("geo_precision")
        fields.add(name)
    if entry.contact and not entry.contact_pk:
        enterprise.provenance.setdefault("contacts", Source.IMPORT)
    for name, source in (entry.said or {}).items():
        if source:
            enterprise.provenance[name] = source
        else:
            enterprise.provenance.pop(name, None)
    return fields


def with_change(entries: Iterable[Entry], name: str) -> dict[int, Any]:
    return {entry.pk: entry.changes[name] for entry in entries if name in entry.changes}


def link(table: type[Model], column: str, wanted: dict[int, Sequence[int]], trace: Trace) -> None:
    """Make the rows of each enterprise those wanted; one that stays keeps what else it says."""
    if not wanted:
        return
    rows = table._default_manager.filter(enterprise_id__in=wanted)
    there: dict[int, set[int]] = {pk: set() for pk in wanted}
    extra = []
    for row, pk, other in rows.values_list("pk", "enterprise_id", column):
        there[pk].add(other)
        if other not in wanted[pk]:
            extra.append(row)
    if extra:
        table._default_manager.filter(pk__in=extra).delete()
        if table in HISTORICAL:
            trace.sign(table, extra)
    added = [
        table(**{"enterprise_id": pk, column: other})
        for pk, others in wanted.items()
        for other in others
        if other not in there[pk]
    ]
    if added:
        made = table._default_manager.bulk_create(added)
        if table in HISTORICAL:
            trace.keep(table, [row.pk for row in made], MADE)


def write_offerings(wanted: dict[int, Sequence[tuple[str, str]]], trace: Trace) -> None:
    """Make the offerings of each enterprise those wanted, in that order. One whose name stays keeps
    its description, category and territory."""
    if not wanted:
        return
    there: dict[int, list[Offering]] = {pk: [] for pk in wanted}
    for offering in Offering.objects.filter(enterprise_id__in=wanted).order_by("position", "pk"):
        there[offering.enterprise_id].append(offering)
    gone, moved, added = [], [], []
    for pk, given in wanted.items():
        pairs, new = pair([(row.kind, row.name) for row in there[pk]], given)
        for place, offering in enumerate(there[pk]):
            if place not in pairs:
                gone.append(offering.pk)
            elif offering.position != pairs[place] + 1:
                offering.position = pairs[place] + 1
                moved.append(offering)
        for place in new:
            kind, name = given[place]
            added.append(
                Offering(
                    enterprise_id=pk,
                    kind=kind or Offering.Kind.SERVICE,
                    name=name,
                    position=place + 1,
                )
            )
    if gone:
        Offering.objects.filter(pk__in=gone).delete()
        trace.sign(Offering, gone)
    if moved:
        Offering.objects.bulk_update(moved, ["position"])
        trace.keep(Offering, [row.pk for row in moved], CHANGED)
    if added:
        trace.keep(Offering, [row.pk for row in Offering.objects.bulk_create(added)], MADE)


def write_permits(wanted: dict[int, Sequence[tuple]], trace: Trace) -> None:
    if not wanted:
        return
    there: dict[int, set[tuple]] = {pk: set() for pk in wanted}
    gone = []
    for permit in Permit.objects.filter(enterprise_id__in=wanted):
        said = (permit.kind, permit.number, permit.expires_on)
        if said in wanted[permit.enterprise_id]:
            there[permit.enterprise_id].add(said)
        else:
            gone.append(permit.pk)
    if gone:
        Permit.objects.filter(pk__in=gone).delete()
        trace.sign(Permit, gone)
    added = [
        Permit(enterprise_id=pk, kind=kind, number=number, expires_on=until)
        for pk, permits in wanted.items()
        for kind, number, until in permits
        if (kind, number, until) not in there[pk]
    ]
    if added:
        trace.keep(Permit, [row.pk for row in Permit.objects.bulk_create(added)], MADE)


def write_people(entries: Sequence[Entry], trace: Trace) -> None:
    """Complete the person that each row names, or add them after the others; nobody is removed."""
    if not entries:
        return
    known = Contact.objects.in_bulk([entry.contact_pk for entry in entries if entry.contact_pk])
    last = dict(
        Contact.objects.filter(enterprise__in=[entry.pk for entry in entries])
        .order_by()
        .values_list("enterprise")
        .annotate(Max("position"))
    )
    added, changed, fields = {}, [], set()
    for entry in entries:
        if contact := known.get(entry.contact_pk):
            for name, value in entry.contact.items():
                setattr(contact, name, value)
                fields.add(name)
            changed.append(contact)
        else:
            position = last.get(entry.pk, -1) + 1
            added[entry.pk] = Contact(enterprise_id=entry.pk, position=position, **entry.contact)
    if changed:
        Contact.objects.bulk_update(changed, sorted(fields))
        trace.keep(Contact, [row.pk for row in changed], CHANGED)
    if added:
        Contact.objects.bulk_create(added.values())
        trace.keep(Contact, [row.pk for row in added.values()], MADE)
        for entry in entries:
            if entry.pk in added:
                entry.contact_pk = added[entry.pk].pk
