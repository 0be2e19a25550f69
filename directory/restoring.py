"""A listing put back as it was at some moment, field by field, by staff.

What it said then is read from the history of its rows, in the spelling of `sections`, and becomes
the listing by `sections.apply`, as any other change: checked, kept in history, undone the same way.
Its logo (whose file is gone), its state, its recognition and its confirmation are no part of it.
See docs/decisions/0016.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory import audit, histories, sections
from directory.models import Enterprise, Offering, User
from directory.retention import CONTACTS_REMEMBERED
from directory.sections import MANY, ROWS, Rows, Value
from directory.timeline import PARTS

FIELDS = tuple(name for name in sections.SECTION_OF if name != "logo")
#: Characters of a reason: history keeps it after the day of the version.
LONGEST_REASON = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoSuchVersion(Exception):
    """No row of the listing was written at that moment."""


class Changed(Exception):
    """The listing is no longer what the person was shown; nothing was written."""


@dataclass(frozen=True)
class Field:
    """What a field says today, what it said then, and what is to be known before going back."""

    now: Value
    then: Value
    notes: list[str]


@dataclass(frozen=True)
class Version:
    at: datetime
    #: Those that said something else, in the order of the sections.
    fields: dict[str, Field]
    #: What cannot come back in fields that say the same: the words were deleted since.
    lost: dict[str, list[str]]
    #: Those of which history does not go back so far.
    unknown: list[str]
    #: What tells the listing of today from any other.
    seen: str


@dataclass
class _Then:
    """The fields as they were; those of `gone` had so many words that no longer exist."""

    values: dict[str, Value] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    gone: Counter[str] = field(default_factory=Counter)
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


# --- A version is known by the moment of its last row


def number(at: datetime) -> int:
    """What stands for a moment in an address: its microseconds."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    """Raises NoSuchVersion for what no calendar has."""
    try:
        return EPOCH + timedelta(microseconds=number)
    except OverflowError as error:
        raise NoSuchVersion from error


def version(enterprise: Enterprise, at: datetime) -> Version:
    """What the listing said at `at`, once a row of it was written, against what it says now; as
    many statements however long the history. Raises NoSuchVersion."""
    if not _written(enterprise, at):
        raise NoSuchVersion
    now = sections.present_all(enterprise)
    then = _Then()
    _read_own(enterprise, at, now, then)
    for name in ROWS:
        _read_rows(enterprise, name, at, now[name], then)
    for name, number in then.gone.items():
        text = ngettext(
            "Un choix de cette version n’existe plus\xa0: il ne reviendra pas.",
            "%(n)d choix de cette version n’existent plus\xa0: ils ne reviendront pas.",
            number,
        )
        then.notes[name].append(text % {"n": number})
    fields = {
        name: Field(now[name], then.values[name], then.notes[name])
        for name in FIELDS
        if name in then.values and _content(name, then.values[name]) != _content(name, now[name])
    }
    return Version(
        at,
        fields,
        {name: then.notes[name] for name in then.gone if name not in fields},
        [name for name in FIELDS if name in then.unknown],
        sections.digest({name: now[name] for name in FIELDS}),
    )


def restore(
    *,
    enterprise: Enterprise,
    at: datetime,
    fields: Collection[str],
    seen: str,
    reason: str,
    by: User,
) -> frozenset[str]:
    """Make these fields say again what they said at `at`, and give those that did not already:
    where there is none, nothing is written.

    `seen` is what `version` gave when the person read it. Raises Changed where the listing has
    moved since, NoSuchVersion, Enterprise.DoesNotExist, and ValidationError by field for what the
    listing may no longer hold: a NEQ that another has taken."""
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        held = Enterprise.objects.select_related("city", "borough").get(pk=enterprise.pk)
        found = version(held, at)
        wanted = {name: said.then for name, said in found.fields.items() if name in fields}
        if not wanted:
            return frozenset()
        if seen != found.seen:
            raise Changed
        by_section = {
            section: {name: wanted[name] for name in names if name in wanted}
            for section, names in sections.FIELDS.items()
        }
        _check(held, by_section.values())
        said = f"{_('Retour au %(moment)s') % {'moment': told(at)}} – {reason}"
        for section, changes in by_section.items():
            if changes:
                sections.apply(
                    enterprise=held,
                    section=section,
                    changes=changes,
                    by=by,
                    source=Enterprise.Source.STAFF,
                    reason=said,
                )
        if "offerings" in wanted:
            _complete_offerings(held, at, found.fields["offerings"], by, said)
        audit.record(
            act="listing.restored",
            by=by,
            subject=held,
            version=at.isoformat(),
            fields=sorted(wanted),
        )
    return frozenset(wanted)


def told(at: datetime) -> str:
    """« 3 novembre 2026, 14 h 02 », as on the page of the history."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


# --- What history says


def _written(enterprise: Enterprise, at: datetime) -> bool:
    own = Enterprise.history.filter(id=enterprise.pk, history_date=at)
    parts = (
        _history(model).filter(enterprise_id=enterprise.pk, history_date=at) for model in PARTS
    )
    found = [rows.order_by().values_list("history_id") for rows in (own, *parts)]
    return found[0].union(*found[1:], all=True).exists()


def _history(model: type[models.Model]) -> Any:
    return model.history.model.objects  # type: ignore[attr-defined]


def _latest(model: type[models.Model], at: datetime, **of: Any) -> list[Any]:
    """Of each such row, the last thing that history says of it at `at`."""
    rows = _history(model).filter(history_date__lte=at, **of)
    return list(rows.order_by("id", "-history_date", "-history_id").distinct("id"))


def _read_own(enterprise: Enterprise, at: datetime, now: Mapping[str, Value], then: _Then) -> None:
    """The columns of the enterprise, and what it is linked to."""
    names = [name for name in FIELDS if name not in ROWS]
    row = next(iter(_latest(Enterprise, at, id=enterprise.pk)), None)
    if row is None:
        # Nothing written of it since either: it was as it is.
        if not _history(Enterprise).filter(id=enterprise.pk).exists():
            then.values |= {name: now[name] for name in names}
        else:
            then.unknown += names
        return
    linked = histories.links(Enterprise.history.model, [row])[row.pk]
    for name in names:
        if name in MANY:
            words = _words(*MANY[name], linked[name], name, then)
            then.values[name] = sorted(set(words.values()))
            if gone := len(linked[name]) - len(words):
                then.gone[name] += gone
            continue
        try:
            then.values[name] = sections.own(row, name)
        except ObjectDoesNotExist:  # a place that is no longer
            then.values[name] = now[name]
            then.gone[name] += 1


def _words(
    model: type[models.Model], key: str, ids: Iterable[int], name: str, then: _Then
) -> dict[int, str]:
    """What stands today for these rows of a vocabulary: of one that was merged, the other."""
    found = {}
    for pk, (row, into) in sections.standing_for(model, "id", ids).items():
        found[pk] = getattr(into, key)
        if into is not row:
            text = _("«\xa0%(old)s\xa0» est devenu «\xa0%(new)s\xa0».")
            then.notes[name].append(text % {"old": row, "new": into})
    return found


def _read_rows(
    enterprise: Enterprise, name: str, at: datetime, now: list[dict[str, Value]], then: _Then
) -> None:
    """A field that is rows of another table."""
    rows = ROWS[name]
    ever = _history(rows.model).filter(enterprise_id=enterprise.pk).values_list("id", flat=True)
    there, told, unknown = _as_of(rows.model, at, {*ever, *(row["id"] for row in now)})
    if unknown or (name == "contacts" and at < timezone.now() - CONTACTS_REMEMBERED):
        then.unknown.append(name)
        return
    there = [row for row in there if row.enterprise_id == enterprise.pk]
    place = {said["id"]: rank for rank, said in enumerate(now)}
    said = [
        (row.position if rows.ordered else place.get(row.id, len(place)), spelt)
        for row, spelt in _spelt(rows, there, name, then)
    ]
    # Of which nothing was written, before or since: they were as they are.
    said += [(place[row["id"]], row) for row in now if row["id"] not in told]
    said.sort(key=lambda pair: (pair[0], pair[1]["id"]))
    then.values[name] = _recognised([row for _rank, row in said], now)
    if name == "contacts" and any(row["id"] not in place for row in then.values[name]):
        then.notes[name].append(
            _("Des personnes retirées depuis reviendraient\xa0: assurez-vous qu’elles le veulent.")
        )


def _as_of(
    model: type[models.Model], at: datetime, ids: Iterable[int]
) -> tuple[list[Any], set[int], bool]:
    """Rows of history that say what these rows were at `at`; the keys of which history says
    anything; and whether some were, of which it does not say what."""
    ids = set(ids)
    latest = _latest(model, at, id__in=ids)
    known = {row.id for row in latest}
    since = _history(model).filter(history_date__gt=at, id__in=ids - known)
    first = list(since.order_by("id", "history_date", "history_id").distinct("id"))
    there = [row for row in latest if row.history_type != histories.GONE]
    # What a row was when it was deleted, it was until then.
    there += [row for row in first if row.history_type == histories.GONE]
    unknown = any(row.history_type == histories.CHANGED for row in first)
    return there, known | {row.id for row in first}, unknown


def _spelt(
    rows: Rows, there: list[Any], name: str, then: _Then
) -> Iterable[tuple[Any, dict[str, Value]]]:
    """These rows of history as `sections` spells them; without those that were about a word that is
    no longer, nor one said twice since two words became one."""
    words = {
        column: _words(
            model, key, {getattr(row, f"{column}_id") for row in there} - {None}, name, then
        )
        for column, (model, key) in rows.keyed.items()
    }
    seen = set()
    for row in there:
        spelt: dict[str, Value] = {"id": row.id}
        lost = False
        for column in rows.columns:
            if column not in words:
                spelt[column] = sections.plain(getattr(row, column))
                continue
            pk = getattr(row, f"{column}_id")
            spelt[column] = words[column].get(pk)
            if pk and pk not in words[column]:
                then.gone[name] += 1
                lost |= not rows.model._meta.get_field(column).null  # type: ignore[union-attr]
        key = tuple(spelt[column] for column in rows.unique) or row.id
        if not lost and key not in seen:
            seen.add(key)
            yield row, spelt


def _recognised(
    said: list[dict[str, Value]], now: list[dict[str, Value]]
) -> list[dict[str, Value]]:
    """Rows that were removed and made again since are taken for those of today."""
    claimed = {row["id"] for row in said}
    free = [row for row in now if row["id"] not in claimed]
    here = {row["id"] for row in now}
    found = []
    for row in said:
        if row["id"] not in here:
            twin = next((other for other in free if _bare(other) == _bare(row)), None)
            if twin:
                free.remove(twin)
                row = twin
        found.append(row)
    return found


def _bare(row: Mapping[str, Value]) -> dict[str, Value]:
    return {column: value for column, value in row.items() if column != "id"}


def _content(name: str, value: Value) -> Value:
    """What two values of a field are compared by: rows without their keys, nor an order that says
    nothing."""
    if name not in ROWS:
        return value
    rows = [_bare(row) for row in value]
    return rows if ROWS[name].ordered else sorted(map(sections.digest, rows))


# --- Writing


def _check(enterprise: Enterprise, parts: Iterable[Mapping[str, Value]]) -> None:
    """Raise one ValidationError for what the listing may no longer hold, of whatever section."""
    mistakes: dict[str, list[str]] = {}
    for changes in parts:
        try:
            sections.check(enterprise, changes)
        except ValidationError as error:
            mistakes |= error.message_dict
    if mistakes:
        raise ValidationError(mistakes)


def _complete_offerings(
    enterprise: Enterprise, at: datetime, said: Field, by: User, reason: str
) -> None:
    """Give the offerings that are made again the territory and the code that were theirs, which no
    section spells."""
    here = {row["id"] for row in said.now}
    made = {rank: row["id"] for rank, row in enumerate(said.then) if row["id"] not in here}
    rows = {row.id: row for row in _as_of(Offering, at, made.values())[0]}
    linked = histories.links(Offering.history.model, rows.values())
    for offering in Offering.objects.filter(enterprise=enterprise, position__in=made):
        row = rows[made[offering.position]]
        offering._history_user, offering._change_reason = by, reason[:100]  # type: ignore[attr-defined]
        offering.skip_history_when_saving = True  # type: ignore[attr-defined]
        for name, keys in linked[row.pk].items():
            links = getattr(offering, name)
            links.set(links.model.objects.filter(pk__in=keys))
        del offering.skip_history_when_saving  # type: ignore[attr-defined]
        offering.unspsc, offering.serves_province = row.unspsc, row.serves_province
        offering.save()
