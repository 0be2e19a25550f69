"""Taking back an import: what it made goes, what it changed is as before, unless touched since.

Field by field: what somebody wrote after the file stays, and the batch says so. One transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import get_history_manager_for_model

from directory import audit
from directory.histories import CHANGED, GONE, MADE, Trace
from directory.imports import rows
from directory.imports.batches import State, held, undone
from directory.imports.bounds import Refused
from directory.imports.entries import Entry, Outcome
from directory.imports.rows import REMOVED, RESTORED, STAYED
from directory.imports.writing import Writer
from directory.models import (
    Certification,
    ConsentBasis,
    Contact,
    DuplicatePair,
    Enterprise,
    EnterpriseBenefit,
    ImportBatch,
    ImportRow,
    Listing,
    Offering,
    Permit,
    Revision,
    User,
)
from directory.provenance import CHILDREN, said_with
from directory.resources import EnterpriseResource
from directory.transactions import long_transaction

BATCH = 500
#: What an import makes beside an enterprise, each with a history of its own.
PARTS = (Offering, Contact, Certification, EnterpriseBenefit, Permit)
#: What may be of an enterprise that nobody did anything with.
BESIDE: tuple[type[Model], ...] = (DuplicatePair, ConsentBasis, Listing)
UNTOLD = {*PARTS, *BESIDE, ImportRow}


def undo(*, pk: int, by: User) -> dict[str, int]:
    """Undo an import that was applied; gives how many of its rows were removed, restored, and
    stayed in part or whole, which each row then tells. Raises Refused where there is nothing to
    undo, or no more, and `batches.Busy`."""
    with long_transaction(), held(pk) as batch:
        if batch.state == State.UNDONE:
            raise Refused(undone())
        if batch.state != State.APPLIED:
            raise Refused(_("Rien de cet import n’est enregistré\xa0: rien à annuler."))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directory_import'))")
        work = Undoing(batch, by)
        work.remove()
        work.restore()
        work.take_back()
        work.keep()
        counts = Counter(batch.rows.values_list("outcome", flat=True))
        batch.state, batch.undone_at, batch.undone_by = State.UNDONE, timezone.now(), by
        batch.counts = dict(counts)
        batch.save(update_fields=["state", "undone_at", "undone_by", "counts"])
        said = {name: counts[name] for name in (REMOVED, RESTORED, STAYED)}
        audit.record(act="import.undone", by=by, subject=batch, **said)
    return said


class Undoing:
    def __init__(self, batch: ImportBatch, by: User):
        self.batch, self.by = batch, by
        self.trace = Trace(by, _("import annulé\xa0: %(file)s") % {"file": batch.file_name})
        self.resource = EnterpriseResource()
        written = batch.rows.filter(outcome__in=[Outcome.CREATED, Outcome.UPDATED])
        # Of an enterprise that is gone since, there is nothing to undo.
        self.rows = list(written.exclude(enterprise=None).order_by("-version_after", "-number"))
        self.made = {whose(row) for row in self.rows if row.outcome == Outcome.CREATED}
        Enterprise.objects.lock({whose(row) for row in self.rows})

    # --- What it made

    def remove(self) -> None:
        """Delete the listings that it made and nobody touched."""
        writes = Counter(row.enterprise_id for row in self.rows)
        uses = attached(self.made, self.batch)
        stays: dict[int | None, str] = {}
        for enterprise in Enterprise.objects.filter(pk__in=self.made).only("state", "version"):
            if enterprise.state != Enterprise.State.DRAFT:
                stays[enterprise.pk] = _("La fiche reste\xa0: elle n’est plus un brouillon.")
            elif enterprise.version != writes[enterprise.pk]:
                stays[enterprise.pk] = _("La fiche reste\xa0: elle a été modifiée depuis.")
            elif enterprise.pk in uses:
                text = _("La fiche reste\xa0: on s’en est servi depuis (%(uses)s).")
                stays[enterprise.pk] = text % {"uses": ", ".join(sorted(uses[enterprise.pk]))}
        for row in self.rows:
            if row.enterprise_id in self.made:
                row.outcome = STAYED if row.enterprise_id in stays else REMOVED
                if reason := stays.get(row.enterprise_id):
                    row.messages = [*row.messages, told(reason)]
        self.delete([pk for pk in self.made if pk not in stays])

    def delete(self, pks: Collection[int]) -> None:
        """Statements of the database's own, a few whatever their number: Django's would be one and
        more for each row. What is not foreseen here keeps its listing (`attached`)."""
        for beside in BESIDE:
            for name in leading(beside):
                beside._base_manager.filter(**{f"{name}__in": pks}).delete()
        ImportRow.objects.filter(enterprise__in=pks).update(enterprise=None)
        self.trace.keep(Enterprise, pks, GONE)
        for model in PARTS:
            rows = model._default_manager.filter(enterprise__in=pks)
            keys = list(rows.values_list("pk", flat=True))
            self.trace.keep(model, keys, GONE)
            delete_with_links(model, keys)
        delete_with_links(Enterprise, pks)

    # --- What it changed

    def restore(self) -> None:
        """Put back what was there, field by field, the last row of an enterprise first."""
        left = [row for row in self.rows if row.enterprise_id not in self.made]
        writer = Writer(self.trace)
        while left:
            first = {row.enterprise_id: row for row in reversed(left)}
            for some in batched(list(first.values())):
                writer.write(self.undone(some))
            left = [row for row in left if row is not first[row.enterprise_id]]

    def undone(self, some: list[ImportRow]) -> list[Entry]:
        """What writing it puts back what was there before these rows, one of an enterprise."""
        befores: list[dict[str, Any]] = [row.before or {} for row in some]
        names = {name for before in befores for name in before["fields"]}
        records = self.resource.records([whose(row) for row in some], names, traced=True)
        people = Contact.objects.in_bulk(
            [before["contact"]["pk"] for before in befores if "contact" in before]
        )
        entries = []
        for row, before, record in zip(some, befores, records, strict=True):
            entry = Entry(row.number, pk=whose(row), outcome=Outcome.UPDATED, said={})
            stays = self.put_back(entry, before, record)
            if "contact" in before:
                stays += self.put_back_person(entry, before, people, record)
            row.outcome = STAYED if stays else RESTORED
            row.messages = [*row.messages, *map(told, stays)]
            if entry.changes or entry.said:
                entries.append(entry)
            for model in PARTS:
                if CHILDREN[model] in entry.changes:
                    self.bring_back(
                        model, [key for name, key in before["gone"] if name == model.__name__]
                    )
        return entries

    def bring_back(self, model: type[Model], keys: Collection[int]) -> None:
        """Make again, as their history says they were, rows that the import deleted."""
        if keys:
            gone = get_history_manager_for_model(model).filter(id__in=keys, history_type=GONE)
            made = model._default_manager.bulk_create(
                {row.id: row.instance for row in gone.order_by("history_id")}.values()
            )
            self.trace.keep(model, [row.pk for row in made], MADE)

    def put_back(self, entry: Entry, before: dict[str, Any], record: dict[str, Any]) -> list[str]:
        """Give an entry the values of before; what somebody changed since, in words."""
        stays = []
        for name, (was, became) in before["fields"].items():
            column, said = self.resource.columns[name], said_with(name)
            was, became = rows.load(was), rows.load(became)
            same = record[name] == became or (
                name not in ("city", "borough") and column.widget.same(record[name], became)
            )
            if not same or record["provenance"].get(said) != Enterprise.Source.IMPORT:
                stays.append(_("%(field)s\xa0: changé depuis, reste.") % {"field": column.label})
                continue
            entry.changes[name] = was
            if name == "latitude":
                entry.changes["geo_precision"] = before["geo_precision"]
            assert entry.said is not None
            entry.said[said] = before["said"].get(said, "")
        return stays

    def put_back_person(
        self,
        entry: Entry,
        before: dict[str, Any],
        people: dict[int, Contact],
        record: dict[str, Any],
    ) -> list[str]:
        given = before["contact"]
        found = people.get(given["pk"])
        if found is None:
            return []
        touched = record["provenance"].get("contacts") != Enterprise.Source.IMPORT or any(
            getattr(found, name) != value for name, value in given["after"].items()
        )
        if touched:
            return [_("%(person)s\xa0: changé depuis, reste.") % {"person": found.name}]
        if given["before"] is None:
            Contact.objects.filter(pk=found.pk).delete()
            self.trace.sign(Contact, [found.pk])
        else:
            for name, value in given["before"].items():
                setattr(found, name, value)
            found.skip_history_when_saving = True  # type: ignore[attr-defined]
            found.save(update_fields=[*given["before"]])
            self.trace.keep(Contact, [found.pk], CHANGED)
        assert entry.said is not None
        entry.said["contacts"] = before["said"].get("contacts", "")
        return []

    # --- What it gave besides

    def take_back(self) -> None:
        """What it proposed and nobody decided, and the rights to write that it noted."""
        beside = [row.before or {} for row in self.batch.rows.exclude(before=None)]
        revisions = [pk for one in beside for pk in one["revisions"]]
        consents = [pk for one in beside for pk in one["consents"]]
        Revision.objects.filter(pk__in=revisions, state=Revision.State.WAITING).update(
            state=Revision.State.WITHDRAWN,
            decided_at=timezone.now(),
            decided_by=self.by,
            reason=_("L’import a été annulé."),
        )
        ConsentBasis.objects.filter(pk__in=consents, withdrawn_on=None).delete()

    def keep(self) -> None:
        """Say of each row what became of it."""
        for row in self.rows:
            if row.outcome == REMOVED:
                row.enterprise = None
        fields = ["outcome", "messages", "enterprise"]
        ImportRow.objects.bulk_update(self.rows, fields, batch_size=BATCH)


def leading(model: type[Model]) -> list[str]:
    """The fields of a table that lead to an enterprise."""
    return [field.name for field in model._meta.fields if field.related_model is Enterprise]


def delete_with_links(model: type[Model], keys: Collection[int]) -> None:
    """Delete these rows and what ties them, many to many, to others."""
    through: list[tuple[Any, Any]] = [
        (field, getattr(field.remote_field, "through", None)) for field in model._meta.many_to_many
    ]
    links = [
        (table._meta.db_table, field.m2m_column_name())
        for field, table in through
        if table._meta.auto_created
    ]
    with connection.cursor() as cursor:
        for table, column in [*links, (model._meta.db_table, "id")]:
            cursor.execute(f'DELETE FROM "{table}" WHERE "{column}" = ANY(%s)', [list(keys)])


def told(reason: str) -> dict[str, str]:
    return {"kind": "undone", "reason": reason}


def batched(some: list[ImportRow]) -> Iterator[list[ImportRow]]:
    for start in range(0, len(some), BATCH):
        yield some[start : start + BATCH]


def whose(row: ImportRow) -> int:
    assert row.enterprise_id
    return row.enterprise_id


def attached(pks: Collection[int], batch: ImportBatch) -> dict[int, set[str]]:
    """What leads to each of these enterprises that an import does not make: whose it is, what was
    proposed of it, a call… as the names of those tables."""
    found: dict[int, set[str]] = defaultdict(set)
    for relation in Enterprise._meta.get_fields(include_hidden=True):
        if not (relation.one_to_many or relation.one_to_one) or relation.concrete:
            continue
        model: Any = relation.related_model
        if model in UNTOLD or model._meta.auto_created or model.__name__.startswith("Historical"):
            continue
        name = relation.remote_field.name  # type: ignore[union-attr]
        for pk in model._base_manager.filter(**{f"{name}__in": pks}).values_list(name, flat=True):
            found[pk].add(str(model._meta.verbose_name))
    return found
