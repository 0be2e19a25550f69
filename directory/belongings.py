"""What belongs to a listing and changes hands when it is merged into another: one rule a table.

A row of the listing that goes either joins a row of the other that says the same thing, which then
takes what it lacks, or is moved. What was moved, changed and removed is remembered whole, so that a
merge can be undone.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import FileField, Max, Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.gazetteer import key
from directory.models import (
    Certification,
    Claim,
    ConsentBasis,
    Contact,
    Draft,
    EnterpriseBenefit,
    ErrorReport,
    Invitation,
    Offering,
    Permit,
    PhoneCall,
    ProfileVisits,
    Recognition,
    Reference,
    Reminder,
    Representative,
    Revision,
    Role,
)

#: What history rows say of a merge, and of one undone.
REASON, REASON_UNDONE = "fusion", "fusion défaite"
#: What was added up is taken off again, whatever was counted since.
COUNTED = {"views"}
Row = Any
Memory = dict[str, Any]


def is_empty(value: Any) -> bool:
    """Whether a value says nothing; zero says something."""
    return value is None or value is False or value in ("", [], (), {})


class Encoder(DjangoJSONEncoder):
    """To the microsecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def plain(value: Any) -> Any:
    """As JSON has it; `read_back` reads it."""
    return json.loads(json.dumps(value, cls=Encoder))


def values_of(row: Model) -> dict[str, Any]:
    """Every column of a row, and the keys of what it is linked to."""
    own = {
        one.attname: one.value_to_string(row)
        if isinstance(one, FileField)
        else plain(one.value_from_object(row))
        for one in row._meta.concrete_fields
    }
    linked = {
        one.name: sorted(getattr(row, one.name).values_list("pk", flat=True))
        for one in row._meta.many_to_many
        if one.remote_field.through._meta.auto_created  # type: ignore[union-attr]
    }
    return own | linked


def read_back(model: type[Model], name: str, value: Any) -> Any:
    """A value as its column has it, from what `values_of` gave."""
    column = next(one for one in model._meta.concrete_fields if one.attname == name)
    target = getattr(column, "target_field", column)
    return target.to_python(value)


@dataclass
class Ledger:
    """Rows written by a merge, each with what it was."""

    kept: int
    gone: int
    moved: dict[str, list[int]] = field(default_factory=dict)
    changed: list[list[Any]] = field(default_factory=list)  # label, key, {column: [before, after]}
    removed: list[list[Any]] = field(default_factory=list)  # label, {column: value}

    def move(self, row: Row) -> None:
        write(row, {"enterprise_id": self.kept}, REASON)
        self.moved.setdefault(row._meta.label_lower, []).append(row.pk)

    def change(self, row: Row, changes: dict[str, Any]) -> None:
        known = {name: plain(getattr(row, name)) for name in changes}
        write(row, changes, REASON)
        said = {name: [known[name], plain(getattr(row, name))] for name in changes}
        self.changed.append([row._meta.label_lower, row.pk, said])

    def remove(self, row: Row) -> None:
        self.removed.append([row._meta.label_lower, values_of(row)])
        row._change_reason = REASON
        row.delete()

    def memory(self) -> Memory:
        return {"moved": self.moved, "changed": self.changed, "removed": self.removed}


def put_back(kept: int, gone: int, memory: Memory) -> None:
    """What a ledger wrote, as it was. A row that somebody moved, changed or removed since stays as
    they left it."""
    for label, keys in memory["moved"].items():
        rows = apps.get_model(label)._base_manager.filter(pk__in=keys, enterprise_id=kept)
        for row in rows.order_by("pk"):
            write(row, {"enterprise_id": gone}, REASON_UNDONE)
    for label, pk, said in reversed(memory["changed"]):
        model = apps.get_model(label)
        row = model._base_manager.filter(pk=pk).first()
        if row is None:
            continue
        changes = {
            name: read_back(model, name, before)
            for name, (before, after) in said.items()
            if plain(getattr(row, name)) == after
        }
        for name in said.keys() & COUNTED:
            before, after = said[name]
            changes[name] = max(0, getattr(row, name) - (after - before))
        if changes:
            write(row, changes, REASON_UNDONE)
    for label, values in memory["removed"]:
        recreate(apps.get_model(label), values)


def write(row: Row, changes: dict[str, Any], reason: str) -> None:
    """Give a row these values; with a row of history where its table has one. Columns that date
    themselves are left alone."""
    for name, value in changes.items():
        setattr(row, name, value)
    if hasattr(row, "history"):
        row._change_reason = reason
        row.save(update_fields=list(changes))
    else:
        type(row)._base_manager.filter(pk=row.pk).update(**changes)


def recreate(model: type[Model], values: dict[str, Any]) -> None:
    columns = {one.attname for one in model._meta.concrete_fields}
    own = {name: read_back(model, name, value) for name, value in values.items() if name in columns}
    row: Any = model(**own)
    row._change_reason = REASON_UNDONE
    row.save(force_insert=True)
    # Columns that date themselves took the time of now.
    model._base_manager.filter(pk=row.pk).update(**own)
    for name in values.keys() - columns:
        getattr(row, name).set(values[name])


# --- The rules


def moved(kept: Row, gone: Row) -> bool:
    """No two rows are one."""
    return False


def filling(*names: str) -> Callable[[Row, Row], dict[str, Any]]:
    """The row that stays takes of the other what it lacks."""

    def join(kept: Row, gone: Row) -> dict[str, Any]:
        return {
            name: getattr(gone, name)
            for name in names
            if is_empty(getattr(kept, name)) and not is_empty(getattr(gone, name))
        }

    return join


def agree(kept: Row, gone: Row, *names: str) -> bool:
    """Whether nothing that both say differs."""
    pairs = [(getattr(kept, name), getattr(gone, name)) for name in names]
    return all(one == other or is_empty(one) or is_empty(other) for one, other in pairs)


@dataclass(frozen=True)
class Table:
    """`same` says whether a row of the listing that stays and one of the other are one, and how
    surely (2 rather than 1). Then `join`
    gives what the first takes and the second goes; or `close`, what the second becomes, moved."""

    model: type[Model]
    rule: Any
    same: Callable[[Row, Row], int] = moved
    join: Callable[[Row, Row], dict[str, Any]] = lambda kept, gone: {}
    close: Callable[[Row], dict[str, Any]] | None = None
    #: What any row becomes as it moves.
    moving: Callable[[Row], dict[str, Any]] = lambda gone: {}
    #: Rows have an order of their own: those moved come after the others.
    ordered: bool = False

    @property
    def label(self) -> str:
        return self.model._meta.label_lower

    def rows_of(self, enterprise: int) -> QuerySet[Any]:
        rows = self.model._base_manager.filter(enterprise_id=enterprise)
        return rows.order_by(*(["position"] if self.ordered else []), "pk")

    def held(self, enterprise: int) -> Sequence[Row]:
        return list(self.rows_of(enterprise).select_for_update(of=("self",), no_key=True))

    def pairs(self, kept: int, gone: int) -> list[tuple[Row | None, Row]]:
        """Each row of the listing that goes, with the row that it joins, if any: those that are
        the most surely one are put together first."""
        there, coming = self.held(kept), self.held(gone)
        alike = [
            (-strength, mine, other)
            for mine, row in enumerate(coming)
            for other, one in enumerate(there)
            if (strength := int(self.same(one, row)))
        ]
        match: dict[int, int] = {}
        for _strength, mine, other in sorted(alike):
            if mine not in match and other not in match.values():
                match[mine] = other
        return [
            (there[match[mine]] if mine in match else None, row) for mine, row in enumerate(coming)
        ]

    def move(self, ledger: Ledger) -> None:
        last = -1
        if self.ordered:
            rows = self.model._base_manager.filter(enterprise_id=ledger.kept)
            highest = rows.aggregate(last=Max("position"))["last"]
            last = -1 if highest is None else highest
        for match, row in self.pairs(ledger.kept, ledger.gone):
            if match is not None and self.close is None:
                changes = self.join(match, row)
                ledger.remove(row)
                if changes:
                    ledger.change(match, changes)
                continue
            changes = self.moving(row)
            if match is not None and self.close is not None:
                changes |= self.close(row)
            if self.ordered:
                last += 1
                changes["position"] = last
            if changes:
                ledger.change(row, changes)
            ledger.move(row)


def later(one: date | None, other: date | None) -> bool:
    """Whether the second day is known, and later than the first."""
    return other is not None and (one is None or other > one)


def same_certification(kept: Row, gone: Row) -> int:
    if kept.status_id != gone.status_id or not agree(kept, gone, "number"):
        return 0
    return 2 if kept.number == gone.number else 1


def join_certifications(kept: Row, gone: Row) -> dict[str, Any]:
    if later(kept.expires_on, gone.expires_on):
        names = ("issuer", "issued_on", "expires_on")
        changes = {name: getattr(gone, name) or getattr(kept, name) for name in names}
        return changes | filling("number")(kept, gone)
    return filling("number", "issuer", "issued_on")(kept, gone)


def join_permits(kept: Row, gone: Row) -> dict[str, Any]:
    return {"expires_on": gone.expires_on} if later(kept.expires_on, gone.expires_on) else {}


def join_benefits(kept: Row, gone: Row) -> dict[str, Any]:
    longer = len(gone.evidence) > len(kept.evidence)
    return {"evidence": gone.evidence} if longer else {}


def same_offering(kept: Row, gone: Row) -> bool:
    return (
        (kept.kind, key(kept.name)) == (gone.kind, key(gone.name))
        and agree(kept, gone, "description", "category_id", "unspsc")
        and _territory(kept) == _territory(gone)
    )


def _territory(row: Row) -> list[Any]:
    names = ("served_regions", "served_counties", "served_cities")
    linked = [sorted(getattr(row, name).values_list("pk", flat=True)) for name in names]
    return [row.serves_province, *linked]


def same_contact(kept: Row, gone: Row) -> bool:
    return key(kept.name) == key(gone.name) and agree(
        kept, gone, "email", "phone", "phone_extension"
    )


def join_contacts(kept: Row, gone: Row) -> dict[str, Any]:
    changes = filling("function", "email", "phone", "phone_extension")(kept, gone)
    for name in ("email", "phone"):
        if name in changes:
            # What a person reserved stays reserved.
            changes[f"{name}_visibility"] = getattr(gone, f"{name}_visibility")
    return changes


def same_reference(kept: Row, gone: Row) -> bool:
    named = [(key(row.client), key(row.work)) for row in (kept, gone)]
    return named[0] == named[1] and agree(kept, gone, "year", "amount", "url")


def join_representatives(kept: Row, gone: Row) -> dict[str, Any]:
    promoted = gone.role == Role.OWNER and kept.role != Role.OWNER
    return {"role": Role.OWNER} if promoted else {}


OPEN_CLAIMS = {Claim.State.CODE, Claim.State.WAITING}


def same_claim(kept: Row, gone: Row) -> bool:
    return kept.user_id == gone.user_id and {kept.state, gone.state} <= OPEN_CLAIMS


def withdraw_claim(_row: Row) -> dict[str, Any]:
    return {"state": Claim.State.WITHDRAWN, "decided_at": timezone.now()}


def same_invitation(kept: Row, gone: Row) -> bool:
    pending = all(row.accepted_at is None and row.withdrawn_at is None for row in (kept, gone))
    return pending and kept.email.lower() == gone.email.lower()


def withdraw_invitation(_row: Row) -> dict[str, Any]:
    return {"withdrawn_at": timezone.now()}


def from_elsewhere(row: Row) -> dict[str, Any]:
    """Begun from a version of another listing, so from none of this one."""
    waiting = not isinstance(row, Revision) or row.state == Revision.State.WAITING
    return {"base_version": 0} if waiting else {}


def same_draft(kept: Row, gone: Row) -> bool:
    return (kept.user_id, kept.section) == (gone.user_id, gone.section)


def join_drafts(kept: Row, gone: Row) -> dict[str, Any]:
    if gone.updated_at <= kept.updated_at:
        return {}
    return {"data": gone.data, "base_version": 0, "updated_at": gone.updated_at}


def same_basis(kept: Row, gone: Row) -> bool:
    return (
        kept.withdrawn_on is None
        and gone.withdrawn_on is None
        and (kept.email.lower(), kept.basis) == (gone.email.lower(), gone.basis)
    )


def join_bases(kept: Row, gone: Row) -> dict[str, Any]:
    older = gone.given_on < kept.given_on
    names = ("given_on", "source", "recorded_by_id")
    return {name: getattr(gone, name) for name in names} if older else {}


def same_reminder(kept: Row, gone: Row) -> bool:
    return (kept.due_on, kept.step) == (gone.due_on, gone.step)


def same_month(kept: Row, gone: Row) -> bool:
    return kept.month == gone.month


def add_visits(kept: Row, gone: Row) -> dict[str, Any]:
    return {"views": kept.views + gone.views}


#: In the order in which they are moved, and shown.
TABLES = [
    Table(
        Offering,
        _("Réunis\xa0; deux identiques n’en font qu’un."),
        same_offering,
        filling("description", "category_id", "unspsc"),
        ordered=True,
    ),
    Table(
        Contact,
        _("Réunies\xa0; la même personne n’y est qu’une fois, complétée."),
        same_contact,
        join_contacts,
        ordered=True,
    ),
    Table(
        Certification,
        _("Réunies\xa0; de deux qui portent le même numéro, celle qui expire le plus tard."),
        same_certification,
        join_certifications,
    ),
    Table(
        EnterpriseBenefit,
        _("Réunis\xa0; du même, la preuve la plus longue."),
        lambda kept, gone: kept.benefit_id == gone.benefit_id,
        join_benefits,
    ),
    Table(
        Permit,
        _("Réunis\xa0; de deux qui portent le même numéro, celui qui expire le plus tard."),
        lambda kept, gone: (kept.kind, kept.number) == (gone.kind, gone.number),
        join_permits,
    ),
    Table(
        Reference,
        _("Réunies\xa0; deux identiques n’en font qu’une."),
        same_reference,
        filling("year", "amount", "url"),
    ),
    Table(Recognition, _("Toutes gardées.")),
    Table(
        Representative,
        _("Réunies\xa0; qui est responsable d’une des deux fiches l’est de la fiche gardée."),
        lambda kept, gone: kept.user_id == gone.user_id,
        join_representatives,
    ),
    Table(
        Claim,
        _("Toutes gardées\xa0; d’une même personne, une seule reste ouverte."),
        same_claim,
        close=withdraw_claim,
    ),
    Table(
        Invitation,
        _("Toutes gardées\xa0; à une même adresse, une seule reste ouverte."),
        same_invitation,
        close=withdraw_invitation,
    ),
    Table(
        Revision,
        _("Toutes gardées\xa0; celles qui attendent sont à relire."),
        moving=from_elsewhere,
    ),
    Table(
        Draft,
        _("Réunis\xa0; de deux de la même personne, le plus récent."),
        same_draft,
        join_drafts,
        moving=from_elsewhere,
    ),
    Table(ErrorReport, _("Toutes gardées.")),
    Table(
        ConsentBasis,
        _("Réunis\xa0; du même, le plus ancien. Un retrait vaut pour les deux fiches."),
        same_basis,
        join_bases,
    ),
    Table(Reminder, _("Réunis."), same_reminder),
    Table(PhoneCall, _("Tous gardés.")),
    Table(ProfileVisits, _("Additionnées, mois par mois."), same_month, add_visits),
]


def move_all(kept: int, gone: int) -> Memory:
    """Every row of these tables, from one listing to the other; what to remember of it."""
    ledger = Ledger(kept, gone)
    withdrawn = {side: _withdrawals(side) for side in (kept, gone)}
    bases = {side: set(_active(side).values_list("pk", flat=True)) for side in (kept, gone)}
    for table in TABLES:
        table.move(ledger)
    for basis in _active(kept).order_by("pk"):
        # Who said no to one of the two listings has said no.
        other = withdrawn[kept if basis.pk in bases[gone] else gone]
        day = other.get(basis.email.lower())
        if day and day >= basis.given_on:
            ledger.change(basis, {"withdrawn_on": day})
    return ledger.memory()


def _active(enterprise: int) -> Any:
    return ConsentBasis.objects.filter(enterprise_id=enterprise, withdrawn_on=None)


def _withdrawals(enterprise: int) -> dict[str, date]:
    """Address → the last day on which it was taken back."""
    rows = ConsentBasis.objects.filter(enterprise_id=enterprise, withdrawn_on__isnull=False)
    return {
        row.email.lower(): row.withdrawn_on
        for row in rows.order_by("withdrawn_on", "pk")
        if row.withdrawn_on
    }
