"""The phone, e-mail and site of a listing as proofs: an editor changes them at once, so that what
was just written there shows nothing of who may speak for the enterprise (decision 0010).

A detail proves something once the listing has borne it for thirty days, or where the Pôle or a file
said it; never to the person who wrote it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from directory.models import Enterprise, User

BORNE_FOR = timedelta(days=30)
PHONE, EMAIL, WEBSITE = "phone", "email", "website"
SAID_FOR_IT = {Enterprise.Source.STAFF, Enterprise.Source.IMPORT}


@dataclass(frozen=True)
class Change:
    """What a detail was, what it became, when; `by` is nobody where a program wrote it, or where
    the account is gone."""

    before: str
    after: str
    at: datetime
    by: User | None


def proves(enterprise: Enterprise, name: str, user: User) -> bool:
    """Whether this detail shows something of this person, who claims the listing."""
    if not getattr(enterprise, name):
        return False
    last = next(_changes(enterprise, name), None)
    if last is None:
        return True
    if last.by == user:
        return False
    return enterprise.provenance.get(name) in SAID_FOR_IT or not _recent(last)


def doubtful(enterprise: Enterprise, name: str, user: User) -> list[Change]:
    """The changes that leave this detail proving nothing to them, the last first: recent, or
    theirs. What it was before the oldest of them is what can be relied on."""
    if proves(enterprise, name, user):
        return []
    changes = list(_changes(enterprise, name))
    while changes and not (_recent(changes[-1]) or changes[-1].by == user):
        changes.pop()
    return changes


def _recent(change: Change) -> bool:
    return change.at > timezone.now() - BORNE_FOR


def _changes(enterprise: Enterprise, name: str) -> Iterator[Change]:
    """Each change that history knows, the last first; whether in capitals or not is none."""
    history: Any = Enterprise.history  # type: ignore[attr-defined]
    rows = history.filter(id=enterprise.pk).select_related("history_user")
    after, at, by = getattr(enterprise, name), enterprise.updated_at, None
    for row in rows.order_by("-history_date", "-history_id"):
        before = getattr(row, name)
        if before.lower() != after.lower():
            yield Change(before, after, at, by)
        after, at, by = before, row.history_date, row.history_user
