"""What the site knows of its data before it reads any: version, labels, whole-directory counts.

One statement a request gives the version; what it covers is kept in the process until the version
moves. The version moves when a write commits, so nothing is kept under one not yet visible.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from directory import labels as labels_module
from directory.labels import Labels
from directory.search import fold

#: Up to so many listings the counts of the whole directory are exact; above, at most so late.
EXACT_UP_TO = 50_000
LATE_BY = timedelta(seconds=60)

SQL = f"""
SELECT v.version, v.vocabulary, s.version, s.day, s.taken_at, s.total, s.words_version,
    CASE WHEN (s.version, s.day) IS DISTINCT FROM (%s, %s::date) THEN s.counts END,
    CASE WHEN (s.version, s.day) IS DISTINCT FROM (%s, %s::date) THEN s.recent END,
    CASE WHEN v.vocabulary <> %s THEN {labels_module.SQL} END
FROM directory_version v, directory_snapshot s
"""


@dataclass(frozen=True)
class Snapshot:
    """The unfiltered directory: how many listings, how many of each facet, the newest."""

    version: int = -1
    day: date = date.min
    total: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    recent: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    version: int
    today: date
    labels: Labels
    snapshot: Snapshot
    words_version: int

    @property
    def etag(self) -> str:
        return f"{self.version}-{self.today:%Y%m%d}-{settings.RELEASE}"


@dataclass(frozen=True)
class _Kept:
    """What the process already read; replaced whole, so that two threads never see half of it."""

    vocabulary: int = -1
    labels: Labels = field(default_factory=Labels)
    snapshot: Snapshot = Snapshot()
    words_version: int = -1
    words: dict[str, str] = field(default_factory=dict)


_kept = _Kept()


def forget() -> None:
    """Read everything anew, as a process just started does."""
    global _kept
    _kept = _Kept()


def current(*, counts: bool = False) -> State:
    """The state of the data now, in one statement; with `counts`, a snapshot that is not stale,
    for which one more statement counts the directory where it has changed."""
    global _kept
    today = timezone.localdate()
    kept = _kept
    known = (kept.snapshot.version, kept.snapshot.day)
    with connection.cursor() as cursor:
        cursor.execute(SQL, [*known, *known, kept.vocabulary])
        row = cursor.fetchone()
        version, vocabulary, taken, day, taken_at, total, words_version, tally, recent, rows = row
        if rows is not None:
            kept = replace(kept, vocabulary=vocabulary, labels=labels_module.read(rows))
        if tally is not None:
            kept = replace(kept, snapshot=_snapshot(taken, day, total, tally, recent))
        if counts and _stale(kept.snapshot, version, today, taken_at):
            cursor.execute(
                "SELECT version, day, total, counts, recent"
                " FROM public.directory_take_snapshot(%s)",
                [today],
            )
            kept = replace(kept, snapshot=_snapshot(*cursor.fetchone()))
    _kept = kept
    return State(version, today, kept.labels, kept.snapshot, words_version)


def _snapshot(version: int, day: date, total: int, counts: str, recent: str) -> Snapshot:
    tally = {int(code): count for code, count in json.loads(counts).items()}
    return Snapshot(version, day, total, tally, json.loads(recent))


def _stale(snapshot: Snapshot, version: int, today: date, taken_at: datetime) -> bool:
    if snapshot.day != today:
        return True
    if snapshot.version == version:
        return False
    return snapshot.total <= EXACT_UP_TO or timezone.now() - taken_at > LATE_BY


def words(state: State) -> dict[str, str]:
    """Folded word → the word as the directory most often writes it, in lower case, to correct
    what was typed; one statement, none while the words are those already read."""
    global _kept
    kept = _kept
    if kept.words_version != state.version:
        stale = state.words_version != state.version and state.snapshot.total <= EXACT_UP_TO
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT public.directory_take_words()"
                if stale
                else "SELECT words FROM directory_snapshot"
            )
            (rows,) = cursor.fetchone()
        found: dict[str, str] = {}
        for word, _ in json.loads(rows):  # the most frequent first
            found.setdefault(fold(word), word.lower())
        _kept = kept = replace(kept, words=found, words_version=state.version)
    return kept.words
