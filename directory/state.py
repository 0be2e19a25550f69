"""What the site knows of its data before it reads any: version, labels, whole-directory counts.

One statement a request gives the version; what it covers is kept in the process until the version
moves. The version moves when a write commits, so nothing is kept under one not yet visible.
"""

import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from directory import labels as labels_module
from directory.labels import Labels
from directory.search import fold
from directory.transactions import as_first_statement, long_transaction

logger = logging.getLogger(__name__)

#: Up to so many listings the counts of the whole directory are exact; above, at most so late.
EXACT_UP_TO = 50_000
LATE_BY = timedelta(seconds=60)

SQL = """
SELECT version, vocabulary,
    CASE WHEN (version, vocabulary) <> (%s, %s) OR %s
        THEN public.directory_state(%s, %s, %s) END
FROM directory_version
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
    #: The version of the labels.
    vocabulary: int
    today: date
    labels: Labels
    #: The last counts of the whole directory; `whole` says whether they still hold.
    snapshot: Snapshot
    taken_at: datetime
    words_version: int
    #: What pages drew from labels and counts, for the next to show again; forgotten with them.
    drawn: dict = field(default_factory=dict)

    @property
    def etag(self) -> str:
        # Counts that lag behind change without the data.
        counted = f"-{self.snapshot.version}" if self.large else ""
        return f"{self.version}{counted}-{self.today:%Y%m%d}-{settings.RELEASE}"

    @property
    def large(self) -> bool:
        """Whether the directory is too large to be counted anew at each change."""
        return self.snapshot.total > EXACT_UP_TO

    def recount_if_late(self) -> None:
        """In a large directory: seconds of counting are not for a reader to wait for."""
        if timezone.now() - self.taken_at > LATE_BY or self.snapshot.day != self.today:
            _recount_apart(self.today)

    @property
    def whole(self) -> Snapshot:
        """The counts of the whole directory, as of now or, where it is large, not long ago;
        one statement where they have to be taken."""
        snapshot = _kept.state.snapshot
        if (snapshot.version, snapshot.day) == (self.version, self.today):
            return snapshot
        if self.large:
            self.recount_if_late()
            return self.snapshot
        if self.snapshot.version:
            return _keep(_take(self.today))
        # The first ever may have a large directory to count.
        return _keep(recount(self.today, patient=False))


def recount(day: date, *, patient: bool = True) -> Snapshot:
    """Count the whole directory anew for `day`, however long it takes, and where it is large, the
    cells of its map; `patient` with what others lock, unless a reader waits for it."""
    with long_transaction(patient=patient):
        snapshot = _take(day)
        if snapshot.total > EXACT_UP_TO:
            with connection.cursor() as cursor:
                cursor.execute("SELECT public.directory_take_cells()")
        return snapshot


def _take(day: date) -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT json_build_object('version', version, 'day', day, 'total', total,
                'counts', counts, 'recent', recent) FROM public.directory_take_snapshot(%s)""",
            [day],
        )
        return _snapshot(cursor.fetchone()[0])


def _keep(snapshot: Snapshot) -> Snapshot:
    global _kept
    _kept = replace(_kept, state=replace(_kept.state, snapshot=snapshot, drawn={}))
    return snapshot


def take_words() -> None:
    """Gather the words of the directory that corrections are chosen among, however long it takes;
    nothing where those gathered are of the data as they are."""
    with long_transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT public.directory_take_words()")


#: Held by the one thread of the process that counts.
_recounting = threading.Lock()


def _recount_apart(day: date) -> None:
    """Count in a thread, unless one does; other processes are told by the database that one is at
    it. What it finds is read by the next request."""

    def work() -> None:
        try:
            recount(day)
        except DatabaseError:
            logger.exception("The directory could not be counted")
        finally:
            connection.close()
            _recounting.release()

    if _recounting.acquire(blocking=False):
        threading.Thread(target=work, name="recount", daemon=True).start()


#: Of a process that has read nothing.
UNKNOWN = State(-1, -1, date.min, Labels(), Snapshot(), datetime.min.replace(tzinfo=UTC), -1)


@dataclass(frozen=True)
class _Kept:
    """What the process already read; replaced whole, so that two threads never see half of it."""

    state: State = UNKNOWN
    words_version: int = -1
    words: dict[str, str] = field(default_factory=dict)


_kept = _Kept()


def forget() -> None:
    """Read everything anew, as a process just started does."""
    global _kept
    _kept = _Kept()


def current() -> State:
    """The state of the data now, in one statement. Where counts are late, or move by themselves as
    those of a large directory do, it is read whether the version has moved or not."""
    global _kept
    kept, today = _kept.state, timezone.localdate()
    known = (kept.snapshot.version, kept.snapshot.day)
    late = kept.large or known != (kept.version, today) or kept.today != today

    def ask() -> tuple:
        with connection.cursor() as cursor:
            cursor.execute(SQL, [kept.version, kept.vocabulary, late, *known, kept.vocabulary])
            return cursor.fetchone()

    version, vocabulary, moved = as_first_statement(ask)
    if moved is None:
        return kept
    labels, snapshot = kept.labels, kept.snapshot
    if moved["labels"] is not None:
        labels = labels_module.read(moved["labels"])
    if moved["counts"] is not None:
        snapshot = _snapshot(moved)
    found = State(
        version,
        vocabulary,
        today,
        labels,
        snapshot,
        datetime.fromisoformat(moved["taken_at"]),
        moved["words_version"],
        kept.drawn if labels is kept.labels and snapshot is kept.snapshot else {},
    )
    _kept = replace(_kept, state=found)
    return found


def _snapshot(row: dict) -> Snapshot:
    tally = {int(code): count for code, count in row["counts"].items()}
    return Snapshot(
        row["version"], date.fromisoformat(row["day"]), row["total"], tally, row["recent"]
    )


def keep_words(version: int, rows: list) -> dict[str, str]:
    """Keep the words of the directory, [word, occurrences] with the most frequent first, as
    folded word → the word in lower case, for corrections."""
    global _kept
    found: dict[str, str] = {}
    for word, _ in rows:
        found.setdefault(fold(word), word.lower())
    _kept = replace(_kept, words=found, words_version=version)
    return found


def words(state: State) -> dict[str, str] | None:
    """The words kept, None if they are those of another version."""
    return _kept.words if _kept.words_version == state.version else None
