"""A file given to the admin: read once, shown, corrected, then written; what could not be stays.

What the file says is kept row by row, and planned by the same code as the command's. Each function
holds the batch: of two people, or of a form sent twice, the second finds what the first left. Only
`apply` and, once it is written, `amend` change the directory, in one transaction.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import audit
from directory.cells import Asked, plain
from directory.gazetteer import key
from directory.imports import files, mapping, misread, rows
from directory.imports.bounds import NoHeader, Refused
from directory.imports.entries import Entry, Outcome
from directory.imports.files import Table
from directory.imports.mapping import ANY, HERE, Layout
from directory.imports.plan import Planner
from directory.imports.rights import NONE, Consent
from directory.imports.rows import ASIDE, PENDING
from directory.imports.run import Import, Summary
from directory.imports.unread import NEEDED
from directory.models import Enterprise, ImportBatch, ImportRow, SavedMapping, User
from directory.resources import EnterpriseResource
from directory.wording import number

State = ImportBatch.State
#: Rows of a file that a page takes; the command takes ten times as many.
MOST_ROWS = 5_000
#: Characters that all its cells hold together.
MOST_TEXT = 20_000_000
BATCH = 500
#: Characters that a person may write in a cell.
LONGEST_CELL = 32_767
#: Seconds between the times that one tries to hold a batch: a look at it takes a few thousandths.
PATIENCE = (0.05, 0.1, 0)
#: Rows that are looked at to guess what a column is.
EXAMPLES = 100
#: Municipalities that are asked of a person at once.
MOST_PLACES = 30
#: What a person answers of a thing that a file says, to leave the cell empty.
EMPTY = "-"


class Busy(Exception):
    """Somebody is writing this very import."""


# --- Receiving


def receive(*, path: Path, name: str, by: User) -> ImportBatch:
    """Keep what a file says. Nothing is planned yet, and no right to write is known. The same file
    from the same person, while nothing is done with it, gives the batch that is there. Raises
    Refused."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    resource = EnterpriseResource()
    with transaction.atomic():
        hold("directory_importfile", digest)
        if found := given(by).filter(digest=digest).order_by("pk").first():
            return found
        table = open_table(path, resource)
        header = headings(table.header)
        batch = ImportBatch.objects.create(
            file_name=name[:200],
            digest=digest,
            form=table.description[:200],
            header=header,
            header_row=table.header_row,
            by=by,
        )
        with closing(read(table)) as found_rows:  # type: ignore[type-var]
            while some := list(islice(found_rows, BATCH)):
                ImportRow.objects.bulk_create(
                    ImportRow(batch=batch, number=row, values=cells) for row, cells in some
                )
    return batch


def given(by: User) -> QuerySet[ImportBatch]:
    """The files that this person gave, with which nothing is done yet."""
    return ImportBatch.objects.filter(by=by, state=State.READ)


def allow(*, pk: int, basis: str, source: str) -> ImportBatch:
    """Note what allows writing to the addresses of the file, NONE if nothing does, and whence it is
    known. Raises Refused where the batch is written already, and Busy."""
    with held(pk) as batch:
        if batch.state != State.READ:
            raise Refused(written_already())
        note_basis(batch, basis, source)
    return batch


def note_basis(batch: ImportBatch, basis: str, source: str) -> None:
    batch.basis, batch.basis_source = basis, source
    batch.save(update_fields=["basis", "basis_source"])


def open_table(path: Path, resource: EnterpriseResource) -> Table:
    """The table of a file, under the headings that are known or, where none is, under the row that
    has most cells: a person will say what they are."""
    headers = mapping.Headers(resource)
    said = {
        key(heading): name
        for columns in SavedMapping.objects.values_list("columns", flat=True)
        for heading, name in columns.items()
    }
    try:
        return files.open_table(path, headers.known(mapping.Answers(said)))
    except NoHeader:
        return files.open_table(path, bool)


def read(table: Table) -> Iterator[files.Row]:
    text = 0
    for count, (row, cells) in enumerate(table.rows(), start=1):
        text += sum(map(len, cells))
        if count > MOST_ROWS or text > MOST_TEXT:
            raise Refused(
                _(
                    "Le tableau dépasse %(most)s lignes, ou vingt millions de caractères\xa0: "
                    "partagez-le, ou demandez qu’il soit importé par la commande "
                    "import_enterprises."
                )
                % {"most": number(MOST_ROWS)}
            )
        yield row, cells


def headings(header: list[str]) -> list[str]:
    """A name for each column, told apart from the others."""
    seen: Counter[str] = Counter()
    names = []
    for place, text in enumerate(header, start=1):
        name = text or _("Colonne %(number)d") % {"number": place}
        seen[key(name)] += 1
        names.append(f"{name} ({seen[key(name)]})" if seen[key(name)] > 1 else name)
    return names


def proposed_columns(batch: ImportBatch) -> tuple[dict[str, str | None], SavedMapping | None]:
    """Heading → our column or None: as said already, else as the last saved mapping of the same
    headings says, else guessed; and that mapping."""
    if batch.columns:
        return batch.columns, None
    wanted = {key(heading) for heading in batch.header}
    for saved in SavedMapping.objects.order_by("-updated_at", "-pk"):
        said = {key(heading): name for heading, name in saved.columns.items()}
        if said.keys() == wanted:
            return {heading: said[key(heading)] for heading in batch.header}, saved
    rows_said = list(batch.rows.order_by("number").values_list("values", flat=True)[:EXAMPLES])
    examples = [
        [row[place] for row in rows_said if place < len(row)] for place in range(len(batch.header))
    ]
    return mapping.guessed(batch.header, EnterpriseResource(), examples), None


# --- Holding


def hold(name: str, of: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [name, of])


def held_at_once(batch: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('directory_importbatch'), %s)", [batch]
        )
        return cursor.fetchone()[0]


@contextmanager
def held(pk: int) -> Iterator[ImportBatch]:
    """The batch as it is, in a transaction during which nobody else holds it; raises Busy."""
    with transaction.atomic():
        for wait in PATIENCE:
            if held_at_once(pk):
                break
            time.sleep(wait)
        else:
            raise Busy
        yield ImportBatch.objects.select_for_update(of=("self",)).get(pk=pk)


def look(batch: ImportBatch) -> ImportBatch:
    """See whether its writing was cut short, and say so from now on: the database itself undid what
    was half written. While somebody is writing it, it stays as it is."""
    if batch.started_at and batch.state != State.APPLIED:
        with suppress(Busy), held(batch.pk) as batch:
            if batch.started_at and batch.state != State.APPLIED:
                batch.state, batch.started_at = State.FAILED, None
                batch.save(update_fields=["state", "started_at"])
    return batch


# --- Planning


class Basket(Import):
    """The rows of a batch that are not written yet, as a table of their own."""

    def __init__(self, batch: ImportBatch, by: User | None = None):
        self.batch, self.by, self.name = batch, by, batch.file_name
        allowed = batch.basis not in ("", NONE)
        self.consent = Consent(batch.basis, batch.basis_source) if allowed else None
        self.resource = EnterpriseResource()
        self.layout = layout_of(batch, self.resource)
        self.pending = list(pending(batch).order_by("number"))
        header = self.add_columns(list(batch.header))
        self.table = Table(
            batch.form, header, batch.header_row, len(self.pending), lambda: self.read(header)
        )

    def add_columns(self, header: list[str]) -> list[str]:
        """Columns that the file has not, and that a person filled for some row."""
        given = dict.fromkeys(name for row in self.pending for name in row.corrections)
        for name in given:
            if name not in self.layout.positions:
                self.layout.positions[name] = len(header)
                header.append(mapping.label(name, self.resource))
        return header

    def read(self, header: list[str]) -> Iterator[files.Row]:
        for row in self.pending:
            yield row.number, rows.cells(row, self.layout, header, len(self.batch.header))

    def planner(self) -> Planner:
        written = self.batch.rows.exclude(enterprise=None).exclude(outcome__in=PENDING)
        return Planner(
            self.table,
            self.layout,
            self.resource,
            asking=True,
            corrected={row.number: row.corrections.keys() for row in self.pending},
            earlier=dict(written.values_list("enterprise_id", "number"))
            if self.batch.state == State.APPLIED
            else {},
        )

    def store(self, entries: Iterable[Entry]) -> None:
        """Keep what becomes of each row."""
        by_number = {row.number: row.pk for row in self.pending}
        rows.store({by_number[entry.row]: entry for entry in entries})


def layout_of(batch: ImportBatch, resource: EnterpriseResource) -> Layout:
    answers = mapping.Answers(
        {key(heading): name for heading, name in batch.columns.items()},
        dict(batch.defaults),
        {key(name): answer for name, answer in batch.places.items()},
        batch.answers,
    )
    return mapping.layout(batch.header, answers, resource)


def pending(batch: ImportBatch) -> QuerySet[ImportRow]:
    """The rows not written, but those that a person put aside."""
    found = batch.rows.exclude(outcome=ASIDE)
    return found.filter(outcome__in=PENDING) if batch.state == State.APPLIED else found


def understand(
    *,
    pk: int,
    columns: Mapping[str, str | None],
    defaults: Mapping[str, str],
    name: str = "",
    here: bool = False,
    basis: str = "",
    source: str = "",
) -> ImportBatch:
    """Note which column is which, under this name for the next file too if it is given, with what
    was answered of the last one; plan every row. `here`: whether the list is of the site's
    territory, where a name that several municipalities have is that of the site's. `basis` and
    `source` are those of `allow`, where they were not given with the file. Raises Refused where
    the batch is written already, or no column tells enterprises."""
    with held(pk) as batch:
        if batch.state not in (State.READ, State.FAILED):
            raise Refused(written_already())
        if basis and not batch.basis:
            note_basis(batch, basis, source)
        batch.columns, batch.defaults, batch.mapping = dict(columns), dict(defaults), None
        if name:
            batch.mapping, _made = SavedMapping.objects.update_or_create(
                name=name, defaults={"columns": dict(columns), "defaults": dict(defaults)}
            )
            take_answers(batch, batch.mapping)
        cities = {ANY: HERE} if here else {}
        batch.answers = {**batch.answers, "city": cities}
        keep_answers(batch)
        plan(batch)
    return batch


# --- Answered once of all the rows


def take_answers(batch: ImportBatch, saved: SavedMapping) -> None:
    """What was answered of the files before, but where it was answered of this one."""
    for name, said in saved.answers.items():
        if name == "city":
            batch.places = {**said, **batch.places}
        elif name != HERE:
            batch.answers[name] = {**said, **batch.answers.get(name, {})}


def keep_answers(batch: ImportBatch) -> None:
    batch.save(update_fields=["columns", "defaults", "mapping", "places", "answers"])
    if batch.mapping_id:
        said = {name: answers for name, answers in batch.answers.items() if name != "city"}
        SavedMapping.objects.filter(pk=batch.mapping_id).update(
            answers=said | {"city": batch.places, HERE: is_here(batch)}
        )


def is_here(batch: ImportBatch) -> bool:
    """Whether the list was said to be of the site's territory."""
    return batch.answers.get("city", {}).get(ANY) == HERE


@dataclass(frozen=True)
class Answers:
    """What a person says once of all the rows of a batch."""

    #: Municipality as the file writes it → what it is.
    places: Mapping[str, str] = field(default_factory=dict)
    #: Our column → what the file writes → what it is, EMPTY for nothing; ANY, with EMPTY, for
    #: whatever the column cannot read.
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Answers taken back: our column, and what was answered of.
    forgotten: Collection[tuple[str, str]] = ()


def answer(batch: ImportBatch, answers: Answers, resource: EnterpriseResource) -> list[str]:
    """Note them; gives those that mean no municipality, or nothing that the column takes: nothing
    of these is kept."""
    wrong = []
    # Of what the page asked, and of what was answered before; anything else is invented.
    asked = {*batch.counts.get("unplaced", {}), *batch.places}
    for name, text in answers.places.items():
        if name not in asked:
            continue
        text = plain(text)[:120]
        try:
            resource.gazetteer.find(text, code=text if text.isdigit() else "")
        except ValueError as error:
            reason = f"«\xa0{text}\xa0», «\xa0{name[:120]}\xa0»\xa0: {error}"
            wrong.append(reason)
        else:
            batch.places[plain(name)[:120]] = text
    for name, said in answers.cells.items():
        column = resource.columns.get(name)
        if column is None or column.derived or name in NEEDED or name == "city":
            continue
        kept = batch.answers.setdefault(name, {})
        for written, text in said.items():
            if written == ANY or not isinstance(column.widget, Asked):
                if (written, text) == (ANY, EMPTY) and not isinstance(column.widget, Asked):
                    kept[ANY] = ""
            elif text == EMPTY:
                kept[key(written)] = ""
            elif column.widget.reads(text):
                kept[key(written)] = text
            else:
                wrong.append(f"«\xa0{text[:120]}\xa0», «\xa0{written[:120]}\xa0»")
    for name, written in answers.forgotten:
        if name == "city":
            batch.places.pop(written, None)
        else:
            batch.answers.get(name, {}).pop(written, None)
    keep_answers(batch)
    return wrong


# --- What it would do


def plan(batch: ImportBatch) -> None:
    """Say of each row what becomes of it, as the directory is now; writes nothing else."""
    work, entries = Basket(batch), list[Entry]()
    summary = work.preview(each=entries.append)
    work.store(entries)
    count(batch, summary)


def count(batch: ImportBatch, summary: Summary) -> None:
    counts = Counter(batch.rows.values_list("outcome", flat=True))
    correcting = batch.rows.filter(messages__contains=[{"kind": "kept"}]).count()
    unplaced = sorted(summary.unplaced.items(), key=lambda item: -item[1])[:MOST_PLACES]
    batch.counts = {
        **counts,
        "correcting": correcting,
        "unplaced": dict(unplaced),
        "unread": summary.unread.kept(),
    }
    batch.save(update_fields=["counts"])


# --- Correcting


@dataclass(frozen=True)
class Amendment:
    """What a person says of one row: our column → text, and whether it is put aside."""

    texts: Mapping[str, str]
    #: What the row said when the person saw it, `rows.seen`.
    seen: str
    aside: bool | None = None
    #: Take back what they had said of the listing it speaks of.
    undecided: bool = False


@dataclass(frozen=True)
class Conflict:
    """A row that somebody else corrected meanwhile; what they wrote stays."""

    row: ImportRow
    yours: Mapping[str, str]


@dataclass(frozen=True)
class Amended:
    batch: ImportBatch
    conflicts: list[Conflict]
    #: What was written, where the batch already was.
    summary: Summary | None = None
    #: Answers that could not be taken, in words.
    wrong: list[str] = field(default_factory=list)


def amend(
    *,
    pk: int,
    amendments: Mapping[int, Amendment],
    answers: Answers | None = None,
    by: User,
) -> Amended:
    """Note corrections, by key of row, then plan again; of a batch that is written, write the rows
    that are good now. Rows of another batch, or written, are left out. Raises Refused."""
    conflicts = []
    with held(pk) as batch:
        if batch.state == State.UNDONE:
            raise Refused(undone())
        resource = EnterpriseResource()
        wrong = answer(batch, answers or Answers(), resource)
        layout = layout_of(batch, resource)
        known = {*layout.positions, *mapping.writable(resource)}
        changed = []
        open_rows = batch.rows.filter(pk__in=amendments)
        if batch.state == State.APPLIED:
            open_rows = open_rows.filter(outcome__in=[*PENDING, ASIDE])
        for row in open_rows:
            amendment = amendments[row.pk]
            before = rows.seen(row)
            correct(row, amendment, layout, known, len(batch.header), resource)
            if rows.seen(row) == before:
                continue
            if amendment.seen != before:
                row.refresh_from_db()
                conflicts.append(Conflict(row, amendment.texts))
                continue
            changed.append(row)
        ImportRow.objects.bulk_update(changed, ["values", "corrections", "outcome"])
        if batch.state != State.APPLIED:
            plan(batch)
            return Amended(batch, conflicts, wrong=wrong)
        return Amended(batch, conflicts, write(batch, by), wrong)


def correct(
    row: ImportRow,
    amendment: Amendment,
    layout: Layout,
    known: Collection[str],
    width: int,
    resource: EnterpriseResource,
) -> None:
    for name, text in amendment.texts.items():
        if name not in known:
            continue
        text, said = plain(text)[:LONGEST_CELL], rows.text(row, name, layout)
        column = resource.columns.get(name)
        listed = column.widget if column and isinstance(column.widget, Asked) else None
        # What looks misread is shown as it may have been: who writes it as it was means it.
        meant = not listed and name != "city" and misread.mended(said)
        if text == said and not meant or listed and listed.same_text(text, said):
            continue
        # Whoever corrects a row that is too long has seen where its cells are.
        row.values = row.values[:width]
        row.corrections = row.corrections | {name: text}
    if amendment.undecided:
        row.corrections = {k: v for k, v in row.corrections.items() if k != "slug"}
    if amendment.aside is not None:
        row.outcome = ASIDE if amendment.aside else Outcome.REFUSED
        row.messages = []


# --- Writing


def apply(*, pk: int, by: User) -> Summary:
    """Write the good rows, each planned again as the directory is now; the others stay. Sent twice,
    it writes once. Raises Refused, and Busy while somebody else does it."""
    begin(pk)
    begun = ImportBatch.objects.filter(pk=pk, state__in=[State.READ, State.FAILED])
    try:
        with held(pk) as batch:
            if batch.state == State.UNDONE:
                raise Refused(undone())
            return write(batch, by)
    except Refused:
        begun.update(started_at=None)
        raise
    except (DatabaseError, InterfaceError):
        # The session may be gone: whoever looks next will say so.
        with suppress(DatabaseError, InterfaceError):
            begun.update(started_at=None, state=State.FAILED)
        raise


def begin(pk: int) -> None:
    """Note, whatever becomes of the writing, that it began; raises Busy."""
    with held(pk) as batch:
        if batch.state in (State.READ, State.FAILED):
            batch.started_at = timezone.now()
            batch.save(update_fields=["started_at"])


def write(batch: ImportBatch, by: User) -> Summary:
    work, entries = Basket(batch, by), list[Entry]()
    with connection.cursor() as cursor:
        # Taken again by the import itself; here, one does not wait for it before a page.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('directory_import'))")
        if not cursor.fetchone()[0]:
            raise Refused(_("Un autre import est en cours\xa0: attendez qu’il finisse."))
    summary = work.apply(work.preview(), skip_refused=True, each=entries.append)
    work.store(entries)
    first = batch.state != State.APPLIED
    batch.state, batch.started_at = State.APPLIED, None
    batch.applied_at = batch.applied_at or timezone.now()
    batch.save(update_fields=["state", "started_at", "applied_at"])
    count(batch, summary)
    done = {outcome.value: count for outcome, count in summary.counts.items()}
    if first or summary.counts[Outcome.CREATED] or summary.counts[Outcome.UPDATED]:
        audit.record(act="import.applied", by=by, subject=batch, **done)
    return summary


def written_already() -> str:
    return _("Cet import est déjà enregistré\xa0: rien n’a changé.")


def undone() -> str:
    return _("Cet import a été annulé\xa0: reprenez le fichier pour l’importer de nouveau.")


# --- Taken up again


def take_up(*, pk: int, by: User) -> ImportBatch:
    """The same file, as a new import, from the rows that are kept of one that was undone: cells,
    corrections and answers are as they were. Asked twice, it is one. Raises Refused."""
    with held(pk) as batch:
        if batch.state != State.UNDONE:
            raise Refused(_("Cet import n’est pas annulé\xa0: corrigez ses lignes ici."))
        same = ImportBatch.objects.filter(digest=batch.digest, by=by, state=State.READ)
        if found := same.exclude(columns={}).order_by("-pk").first():
            return found
        again = ImportBatch.objects.create(
            **{name: getattr(batch, name) for name in KEPT}, by=by, counts={}
        )
        slugs = [row.corrections.get("slug", "") for row in batch.rows.all()]
        listed = set(Enterprise.objects.filter(slug__in=slugs).values_list("slug", flat=True))
        for some in batched(batch.rows.order_by("number")):
            ImportRow.objects.bulk_create(
                ImportRow(
                    batch=again,
                    number=row.number,
                    values=row.values,
                    # A listing that went with the import is no answer any more.
                    corrections={
                        name: text
                        for name, text in row.corrections.items()
                        if name != "slug" or text in listed | {mapping.NEW}
                    },
                    outcome=ASIDE if row.outcome == ASIDE else "",
                )
                for row in some
            )
        plan(again)
    return again


#: What is the same of an import that is taken up again.
KEPT = (
    *("file_name", "digest", "form", "header", "header_row", "basis", "basis_source"),
    *("columns", "defaults", "places", "answers", "mapping"),
)


def batched(some: QuerySet[ImportRow]) -> Iterator[list[ImportRow]]:
    found = list(some)
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]
