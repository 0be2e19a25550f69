"""What an enterprise, or a file, changes in a listing: at once where it is safe, else it waits.

The values come from a section's form, in its spelling (`sections`). A field that somebody else
changed since the form was opened is never overwritten: both versions are shown. See
docs/decisions/0011.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import sections
from directory.models import Enterprise, Revision, User
from directory.sections import Changes, Value


@dataclass(frozen=True)
class Outcome:
    """The two halves of what was submitted; None where there was nothing of the kind."""

    applied: Revision | None = None
    waiting: Revision | None = None
    #: Of a form sent again, the fields that are no longer what it said.
    since: tuple[str, ...] = ()


@dataclass(frozen=True)
class Versions:
    theirs: Value
    yours: Value


@dataclass
class Conflict(Exception):
    """Somebody else changed the same fields meanwhile; nothing was written."""

    fields: dict[str, Versions] = field(default_factory=dict)


def submit(
    *,
    enterprise: Enterprise,
    section: str,
    changes: Changes,
    base_version: int,
    by: User | None,
    source: str,
    key: str,
    seen: Mapping[str, str] | None = None,
) -> Outcome:
    """Take the new values of some fields of a section.

    Those that are so already are left out; those of `sections.SENSITIVE` wait for the Pôle in one
    revision, replacing what the same person still had waiting of the same fields; the others are
    applied, and kept in a second one, to be looked at afterwards. `seen` is field → `digest` of
    the value that the person had before them; without it, any change since `base_version` may be
    one of these fields. `key` tells a form from others: sent again with the same changes, it
    writes nothing, and gives what became of them by now.

    Raises Conflict; ValidationError by field; Enterprise.DoesNotExist where the listing is gone or,
    for a change said to come from its owner, is not `by`'s to edit."""
    keys = [_key(key, enterprise, by, changes, half) for half in ("applied", "waiting")]
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        held = _editable(by, source).select_related("city", "borough").get(pk=enterprise.pk)
        sent = {revision.key: revision for revision in Revision.objects.filter(key__in=keys)}
        if sent:
            return _as_it_is(held, section, *(sent.get(key) for key in keys))
        now = sections.present(held, section)
        new = _new(now, changes, seen)
        _refuse_conflicts(held, now, new, base_version, seen)
        sections.check(held, new)
        earlier = list(
            _earlier(held, section, by, source).select_for_update(of=("self",), no_key=True)
        )
        safe, waiting = _parted(new, earlier)
        revision = Revision(
            enterprise=held,
            section=section,
            base_version=held.version,
            source=source,
            submitted_by=by,
        )
        return Outcome(
            _apply(revision, now, safe, keys[0]) if safe else None,
            _keep_waiting(revision, now, waiting, earlier, keys[1]) if waiting else None,
        )


def foresee(
    *,
    enterprise: Enterprise,
    section: str,
    changes: Changes,
    by: User | None,
    source: str,
    seen: Mapping[str, str] | None = None,
) -> tuple[dict[str, Value], dict[str, Value]]:
    """What `submit` would write at once of the same changes, and what of them would wait, were
    nothing of it in conflict. KeyError for a field of another section."""
    new = _new(sections.present(enterprise, section), changes, seen)
    return _parted(new, _earlier(enterprise, section, by, source))


def _new(now: Changes, changes: Changes, seen: Mapping[str, str] | None) -> dict[str, Value]:
    return {
        name: value
        for name, value in changes.items()
        # What the person left as it was is nobody's change, whatever became of it.
        if value != now[name] and not (seen and seen.get(name) == sections.digest(value))
    }


def _as_it_is(
    held: Enterprise, section: str, applied: Revision | None, waiting: Revision | None
) -> Outcome:
    """What became, by now, of what a form that is sent again had asked."""
    now = sections.present(held, section)
    asked = {} if applied is None else applied.changes
    if waiting and waiting.state != Revision.State.WAITING:
        asked, waiting = asked | waiting.changes, None
    since = tuple(
        name for name, change in asked.items() if not _still(now[name], change["proposed"])
    )
    return Outcome(None if since else applied, waiting, since)


def _still(now: Value, asked: Value) -> bool:
    """Rows that were asked for have keys since, and say also what nobody asked of them."""
    if isinstance(now, list) and isinstance(asked, list) and len(now) == len(asked):
        return all(map(_same_row, now, asked))
    return now == asked


def _same_row(now: Any, asked: Any) -> bool:
    if isinstance(now, dict) and isinstance(asked, dict):
        return all(now.get(name) == text for name, text in asked.items() if name != "id")
    return bool(now == asked)


def _editable(by: User | None, source: str) -> QuerySet[Enterprise]:
    """Those of the person, asked again once held: they may have been removed meanwhile."""
    if source == Enterprise.Source.OWNER:
        return Enterprise.objects.editable_by(by or AnonymousUser())
    return Enterprise.objects.all()


def _key(key: str, enterprise: Enterprise, by: User | None, changes: Changes, half: str) -> str:
    said = json.dumps(
        [key, enterprise.pk, by.pk if by else None, dict(changes), half], sort_keys=True
    )
    return hashlib.sha256(said.encode()).hexdigest()


def _refuse_conflicts(
    held: Enterprise,
    now: Changes,
    new: Changes,
    base_version: int,
    seen: Mapping[str, str] | None,
) -> None:
    def moved(name: str) -> bool:
        if seen is None:
            return held.version != base_version
        return seen.get(name) != sections.digest(now[name])

    fields = {name: Versions(now[name], value) for name, value in new.items() if moved(name)}
    if fields:
        raise Conflict(fields)


def _earlier(
    enterprise: Enterprise, section: str, by: User | None, source: str
) -> QuerySet[Revision]:
    """What the same person still has waiting in this section."""
    return Revision.objects.filter(
        enterprise=enterprise,
        section=section,
        state=Revision.State.WAITING,
        submitted_by=by,
        source=source,
    ).order_by("pk")


def _parted(new: Changes, earlier: Iterable[Revision]) -> tuple[dict[str, Value], dict[str, Value]]:
    """What is written at once, and what waits: the latter with what makes no sense before a field
    that waits, in what the same person has asked for `earlier` or asks now."""
    asked = set(new).union(*(revision.changes for revision in earlier))
    companions = set[str]().union(
        *(names for name, names in sections.WITH.items() if name in asked)
    )
    later = sections.SENSITIVE | companions
    return (
        {name: value for name, value in new.items() if name not in later},
        {name: value for name, value in new.items() if name in later},
    )


def _changes(now: Changes, new: Changes) -> dict[str, dict[str, Value]]:
    return {name: {"before": now[name], "proposed": value} for name, value in new.items()}


def _apply(revision: Revision, now: Changes, safe: Changes, key: str) -> Revision:
    sections.apply(
        enterprise=revision.enterprise,
        section=revision.section,
        changes=safe,
        by=revision.submitted_by,
        source=revision.source,
        reason=_("Modifié par l’entreprise") if revision.source == "owner" else "",
    )
    return _made(revision, Revision.State.APPLIED, _changes(now, safe), key)


def _keep_waiting(
    revision: Revision, now: Changes, waiting: Changes, earlier: list[Revision], key: str
) -> Revision:
    proposed = _changes(now, waiting)
    for other in earlier:
        if proposed.items() <= other.changes.items():
            return other  # asked for already, in as many words
    for other in earlier:
        if proposed.keys() & other.changes.keys():
            # What is still asked for goes on in the new one.
            proposed = other.changes | proposed
            _withdraw(other, _("Remplacée par une proposition plus récente."))
    return _made(revision, Revision.State.WAITING, proposed, key)


def _made(revision: Revision, state: str, changes: dict, key: str) -> Revision:
    made = Revision(
        enterprise=revision.enterprise,
        section=revision.section,
        base_version=revision.base_version,
        source=revision.source,
        submitted_by=revision.submitted_by,
        changes=changes,
        state=state,
        key=key,
    )
    made.save(force_insert=True)
    return made


def _withdraw(revision: Revision, reason: str) -> None:
    revision.state = Revision.State.WITHDRAWN
    revision.decided_at = timezone.now()
    revision.reason = reason
    revision.save(update_fields=["state", "decided_at", "reason"])


def withdraw(*, revision: Revision, by: User) -> bool:
    """Take back what waits; False where staff decided, or somebody took it back, meanwhile. Any
    representative of the enterprise may: what is asked for is asked in its name."""
    with transaction.atomic():
        Enterprise.objects.lock([revision.enterprise_id])
        held = Revision.objects.select_for_update(of=("self",)).get(
            pk=revision.pk, enterprise__in=Enterprise.objects.editable_by(by)
        )
        if held.state != Revision.State.WAITING:
            return False
        held.decided_by = by
        held.save(update_fields=["decided_by"])
        _withdraw(held, _("Retirée par l’entreprise."))
        return True


def waiting(enterprise: Enterprise) -> QuerySet[Revision]:
    """What the enterprise asked for and staff have not decided yet, the oldest first."""
    return (
        Revision.objects.filter(enterprise=enterprise, state=Revision.State.WAITING)
        .select_related("submitted_by")
        .order_by("submitted_at", "pk")
    )
