"""A file from one end to the other: read once to say what it would do, once more to do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from directory import duplicates
from directory.histories import Trace
from directory.imports import files, mapping
from directory.imports.bounds import Refused
from directory.imports.entries import Entry, Message, Outcome
from directory.imports.files import Table
from directory.imports.mapping import Answers, Layout
from directory.imports.plan import Planner
from directory.imports.rights import Consent, allow_writing
from directory.imports.suggesting import suggest
from directory.imports.unread import Unread
from directory.imports.writing import Writer
from directory.models import Enterprise, User
from directory.resources import EnterpriseResource
from directory.transactions import long_transaction

#: Rows and values of one message that are kept to be shown.
SHOWN = 5
VALUES = 1_000

Progress = Callable[[int], None]
Each = Callable[[Entry], None]


@dataclass
class Group:
    """What is said of several rows for the same reason."""

    message: Message  # as said of the first
    count: int = 0
    rows: list[int] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)

    def add(self, row: int, message: Message) -> None:
        self.count += 1
        if len(self.rows) < SHOWN:
            self.rows.append(row)
        if message.value and (message.value in self.values or len(self.values) < VALUES):
            self.values[message.value] = self.values.get(message.value, 0) + 1


@dataclass
class Summary:
    rows: int = 0
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    #: Kind of message, column, topic or reason → rows.
    groups: dict[tuple[str, str, str], Group] = field(default_factory=dict)
    #: Enterprises that are to change.
    touched: list[int] = field(default_factory=list)
    #: Rows that say otherwise than a person did.
    correcting: int = 0
    #: Municipalities that no row could be put in, with how many rows say each.
    unplaced: dict[str, int] = field(default_factory=dict)
    #: What of the other columns could not be read.
    unread: Unread = field(default_factory=Unread)
    #: Whether anything was written.
    applied: bool = False

    def add(self, entry: Entry) -> None:
        self.rows += 1
        self.counts[entry.outcome] += 1
        self.correcting += entry.corrects
        if entry.outcome == Outcome.UPDATED:
            self.touched.append(entry.pk)
        for message in entry.messages:
            group_key = (message.kind, message.column, message.topic or message.reason)
            self.groups.setdefault(group_key, Group(message)).add(entry.row, message)

    def of(self, kind: str) -> list[Group]:
        """The groups of one kind of message, the most frequent first."""
        found = [group for (its_kind, _c, _r), group in self.groups.items() if its_kind == kind]
        return sorted(found, key=lambda group: -group.count)


class Import:
    """One file, its columns understood. Raises Refused where it cannot be read."""

    #: Whose act it is, and what allows writing to the addresses of the file, if anything does.
    by: User | None = None
    consent: Consent | None = None

    def __init__(self, path: Path, answers: Answers | None = None):
        answers = answers or Answers()
        self.name = path.name
        self.resource = EnterpriseResource()
        headers = mapping.Headers(self.resource)
        self.table: Table = files.open_table(path, headers.known(answers))
        self.layout: Layout = mapping.layout(self.table.header, answers, self.resource)

    def preview(
        self, progress: Progress = lambda rows: None, each: Each = lambda e: None
    ) -> Summary:
        """What the file would do. Reads the database, writes nothing."""
        return self.go_through(progress, each, lambda entries: None)

    def apply(
        self,
        planned: Summary,
        *,
        skip_refused: bool = False,
        progress: Progress = lambda rows: None,
        each: Each = lambda e: None,
    ) -> Summary:
        """Do what `preview` planned, whole or not at all.

        One transaction, one import at a time. What others wrote since the preview is seen: the
        enterprises concerned are held first, all of them, then each row is planned again. Raises
        Refused where rows are refused and not to be skipped, or where another writer, meanwhile,
        made an enterprise that the file also makes."""
        try:
            with long_transaction():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directory_import'))")
                Enterprise.objects.lock(planned.touched)
                trace = Trace(self.by, _("import\xa0: %(file)s") % {"file": self.name})
                writer, held = Writer(trace), frozenset(planned.touched)
                made: list[int] = []

                def write(entries: Sequence[Entry]) -> None:
                    late = [
                        entry.pk
                        for entry in entries
                        if entry.outcome == Outcome.UPDATED and entry.pk not in held
                    ]
                    refused = any(entry.outcome == Outcome.REFUSED for entry in entries)
                    if late or refused and not skip_refused:
                        raise Refused(changed_meanwhile())
                    writer.write(entries)
                    made.extend(entry.pk for entry in entries if entry.outcome == Outcome.CREATED)
                    suggest(entries, self.resource, by=self.by)
                    if self.consent:
                        allow_writing(entries, self.consent, by=self.by)

                summary = self.go_through(progress, each, write)
                duplicates.note(made)
        except IntegrityError:
            raise Refused(changed_meanwhile()) from None
        summary.applied = True
        return summary

    def planner(self) -> Planner:
        return Planner(self.table, self.layout, self.resource)

    def go_through(
        self, progress: Progress, each: Each, write: Callable[[Sequence[Entry]], None]
    ) -> Summary:
        summary = Summary()
        planner = self.planner()
        for entries in planner.plan():
            write(entries)
            for entry in entries:
                summary.add(entry)
                each(entry)
            progress(len(entries))
        summary.unplaced, summary.unread = planner.unplaced, planner.unread
        return summary


def changed_meanwhile() -> str:
    return _(
        "Quelqu’un a changé le répertoire pendant l’importation\xa0: rien n’a été écrit. "
        "Recommencez."
    )
