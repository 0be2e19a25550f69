"""What happened to a listing: who changed what, when and why, read from the history of its rows.

Rows written by one person for one reason within a few seconds are one event, as they were for
whoever did it. A constant number of statements, however long the history.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from directory import histories, wording
from directory.models import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    Recognition,
    Reference,
)
from directory.models.fields import PhoneField

PARTS = (Offering, Contact, Certification, EnterpriseBenefit, Permit, Reference, Recognition)
#: What is kept for the program, and says nothing to a reader.
UNTOLD = {"id", "enterprise", "version", "created_at", "updated_at", "provenance", "position"}
UNTOLD |= {"confirm_every_months"}
#: What staff write for themselves.
PRIVATE: dict[type[models.Model], set[str]] = {
    Enterprise: {"archive_reason"},
    Recognition: {"evidence", "criteria", "reviewer"},
}
STAFF, OWNERS = "staff", "owners"
TOGETHER = timedelta(seconds=5)
#: Events of one page; history itself is never shortened.
MOST = 200


@dataclass(frozen=True)
class Change:
    """One field of a listing or of one of its parts. `part` names the part, "" for the listing
    itself; `before` is "" for what was added, `after` for what was removed."""

    part: str
    label: str
    before: str
    after: str


@dataclass
class Event:
    """`until` is when its last row was written: from then on the listing was what it made it."""

    at: datetime
    until: datetime
    by: str
    reason: str
    changes: list[Change] = field(default_factory=list)
    created: bool = False


@dataclass
class _Row:
    at: datetime
    by: str
    reason: str
    changes: list[Change]
    created: bool


def events(enterprise: Enterprise, audience: str = STAFF) -> list[Event]:
    """The last events of a listing, the newest first; to its owners, without what staff write for
    themselves."""
    rows = [*_of(Enterprise, enterprise, "", audience)]
    for model in PARTS:
        rows += _of(model, enterprise, str(model._meta.verbose_name), audience)
    rows.sort(key=lambda row: row.at)
    told: list[Event] = []
    for row in rows:
        if not row.changes and not row.created:
            continue
        last = told[-1] if told else None
        same = (
            last and (last.by, last.reason) == (row.by, row.reason) and row.at - last.at < TOGETHER
        )
        if not last or not same:
            last = Event(row.at, row.at, row.by, row.reason)
            told.append(last)
        last.until = row.at
        last.changes += row.changes
        last.created |= row.created
    return told[::-1][:MOST]


def _of(
    model: type[models.Model], enterprise: Enterprise, part: str, audience: str
) -> Iterator[_Row]:
    """What each history row of this table says against the one before it."""
    untold = UNTOLD | (PRIVATE.get(model, set()) if audience == OWNERS else set())
    history = model.history.model  # type: ignore[attr-defined]
    key = "id" if model is Enterprise else "enterprise_id"
    rows = list(
        history.objects.filter(**{key: enterprise.pk})
        .select_related("history_user")
        .order_by("history_date", "history_id")
    )
    linked = histories.links(history, rows)
    names = _names(model, rows, linked)
    before: dict[int, dict[str, Any]] = {}
    for row in rows:
        values = {} if row.history_type == "-" else _values(model, row, linked[row.pk])
        changes = []
        title = ""
        if part:
            title = f"{part}\xa0: {_title(row)}" if _title(row) else part
        # Of a row that history met already made, what it was before is not known.
        known = row.id in before or row.history_type == "+"
        old = before.get(row.id, {} if known else values)
        for name in values or old:
            if name in untold or old.get(name) == values.get(name):
                continue
            if all(side.get(name) in (None, False) for side in (old, values)):
                continue  # of what was made or removed, a « no » says nothing
            said = [_shown(model, name, side.get(name), names) for side in (old, values)]
            if said[0] != said[1]:
                changes.append(Change(title, _label(model, name), *said))
        # A listing made, told field by field, would be a listing.
        created = model is Enterprise and row.history_type == "+"
        yield _Row(
            row.history_date,
            str(row.history_user) if row.history_user else "",
            row.history_change_reason or "",
            [] if created else changes,
            created,
        )
        before[row.id] = values


def _title(row: Any) -> str:
    for name in ("name", "number", "kind", "client"):
        if value := getattr(row, name, ""):
            return str(value)
    return ""


def _values(model: type[models.Model], row: Any, linked: dict[str, list[int]]) -> dict[str, Any]:
    values = {
        field.name: getattr(row, field.attname)
        for field in model._meta.concrete_fields
        if field.name not in UNTOLD
    }
    return values | {name: sorted(keys) for name, keys in linked.items()}


def _label(model: type[models.Model], name: str) -> str:
    label = str(getattr(model._meta.get_field(name), "verbose_name", name))
    return label[:1].upper() + label[1:]


_Names = dict[str, dict[Any, str]]


def _names(
    model: type[models.Model], rows: Iterable[Any], linked: dict[int, dict[str, list[int]]]
) -> _Names:
    """What foreign keys and links point to, by field then by key: one statement a field used."""
    names: _Names = {}
    for link in [*model._meta.concrete_fields, *model._meta.many_to_many]:
        target = link.related_model
        if link.name in UNTOLD or target is None or isinstance(target, str):
            continue
        if link.many_to_many:
            keys = {key for fields in linked.values() for key in fields.get(link.name, ())}
        else:
            keys = {getattr(row, link.attname) for row in rows} - {None}
        found = target._default_manager.in_bulk(keys) if keys else {}
        names[link.name] = {key: str(row) for key, row in found.items()}
    return names


def _shown(model: type[models.Model], name: str, value: Any, names: _Names) -> str:
    """A value in words; "" for none."""
    field: Any = model._meta.get_field(name)
    if value in (None, "", [], {}):
        return ""
    if field.is_relation:
        keys = value if isinstance(value, list) else [value]
        return ", ".join(sorted(names[name].get(key, _("effacé")) for key in keys))
    if isinstance(field, PhoneField):
        return wording.phone(value)
    if name == "logo":
        return _("une image")
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    choices = dict(getattr(field, "base_field", field).choices or ())
    if isinstance(value, list):
        return ", ".join(str(choices.get(item, item)) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}\xa0: {item}" for key, item in value.items())
    return wording.day(value) if isinstance(value, date) else str(choices.get(value, value))
