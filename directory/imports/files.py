"""Files of strangers, read a row at a time: comma-separated text, XLSX and ODS workbooks.

What a file is, its content says, not its name. One that is too large, or not a table, is refused
before it is read whole; memory does not grow with its rows.
"""

import codecs
import csv
import io
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from directory.cells import plain
from directory.exports import restore
from directory.imports import opendocument
from directory.imports.bounds import Bounds, NoHeader, Refused, damaged
from directory.wording import number

LARGEST = 100_000_000  # bytes, once unpacked
LARGEST_PART = 60_000_000  # bytes of what a workbook holds in memory: texts, styles
#: A part of so many bytes is not so many times smaller once packed, unless to do harm.
LEAST_BLOATED, MOST_PACKED = 500_000, 200
MOST_PARTS = 1_000
#: Sheets among which the table is looked for.
MOST_SHEETS = 20
#: Rows of a workbook, all its sheets and those that are repeated or blank included.
MOST_ROWS_IN_ALL = 200_000
MOST_ROWS = 50_000
MOST_COLUMNS = 100
LONGEST_LINE = 1_000_000  # characters
#: Lines that one row may run over, line breaks in its cells included.
LONGEST_ROW = 200
#: Rows among which the headers are looked for.
HEADER_WITHIN = 20
CHUNK = 1 << 20

Row = tuple[int, list[str]]  # number, as a spreadsheet shows it, and cells


@dataclass
class Table:
    """A file whose headers were found: `rows()` gives those below, as often as asked."""

    description: str
    header: list[str]
    header_row: int
    #: An estimate, for a progress bar.
    size: int
    read: Callable[[], Iterator[Row]] = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """Rows under the headers, blank ones left out; raises Refused past what is allowed."""
        with closing(self.read()) as rows:  # type: ignore[type-var]
            for row, cells in rows:
                if row - self.header_row > MOST_ROWS:
                    raise Refused(too_many_rows())
                if row > self.header_row and any(cells):
                    yield row, cells


def open_table(path: Path, known: Callable[[str], bool]) -> Table:
    """The table in a file. `known` says whether a cell is a header that one recognises: the row
    that has most of these, among the first twenty, is that of the headers. Raises Refused."""
    size = path.stat().st_size
    if size == 0:
        raise Refused(_("Le fichier est vide."))
    if size > LARGEST:
        raise Refused(
            _("Le fichier dépasse %(most)s Mo\xa0: partagez-le en plusieurs.")
            % {"most": LARGEST // 1_000_000}
        )
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK"):
        return open_workbook(path, known)
    if name := other_kind(start):
        raise Refused(
            _("Ce fichier est %(kind)s\xa0: enregistrez le tableau au format XLSX ou CSV.")
            % {"kind": name}
        )
    return open_text(path, known)


SIGNATURES = [
    (b"\xd0\xcf\x11\xe0", lazy("un ancien classeur XLS ou un document protégé")),
    (b"%PDF", lazy("un PDF")),
    (b"\x89PNG", lazy("une image")),
    (b"\xff\xd8\xff", lazy("une image")),
    (b"GIF8", lazy("une image")),
    (b"{\\rtf", lazy("un document de traitement de texte")),
    (b"\x1f\x8b", lazy("un fichier compressé")),
    (b"7z\xbc\xaf", lazy("un fichier compressé")),
    (b"\x7fELF", lazy("un programme")),
    (b"MZ\x90", lazy("un programme")),
]


def other_kind(start: bytes) -> str:
    for signature, name in SIGNATURES:
        if start.startswith(signature):
            return str(name)
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", start, re.I):
        return _("une page web ou du XML")
    return ""


def too_many_rows() -> str:
    return _(
        "Le tableau dépasse %(most)s lignes\xa0: partagez-le en plusieurs fichiers, "
        "ou supprimez les lignes vides de la fin."
    ) % {"most": number(MOST_ROWS)}


def too_many_columns(count: int) -> str:
    return _(
        "L’en-tête a %(count)s colonnes, %(most)d au plus\xa0: supprimez celles qui ne servent pas."
    ) % {"count": number(count), "most": MOST_COLUMNS}


def trimmed(cells: list[str]) -> list[str]:
    """Cells without the empty ones at the end of the row."""
    while cells and not cells[-1]:
        cells.pop()
    return cells


@dataclass
class Header:
    row: int = 0
    cells: list[str] = field(default_factory=list)
    found: int = 0  # cells that are recognised


def find_header(rows: Iterator[Row], known: Callable[[str], bool]) -> Header:
    best = Header()
    for row, cells in islice(rows, HEADER_WITHIN):
        # A sentence above the table may hold a word that is also a header.
        found = sum(known(cell) for cell in cells[:MOST_COLUMNS] if len(cell) <= 80)
        if found > best.found:
            best = Header(row, cells, found)
        if best.cells == cells and len(cells) > MOST_COLUMNS:
            raise Refused(too_many_columns(len(cells)))
    return best


def no_header(cells: list[str]) -> str:
    seen = ", ".join(f"«\xa0{cell[:40]}\xa0»" for cell in cells[:8] if cell)
    text = _(
        "Aucun en-tête reconnu dans les %(within)d premières lignes\xa0: il faut au moins une "
        "colonne «\xa0Nom\xa0», ou un fichier --mapping qui dit laquelle l’est."
    ) % {"within": HEADER_WITHIN}
    return text + (
        " " + _("La première ligne dit\xa0: %(cells)s.") % {"cells": seen} if seen else ""
    )


# --- Text

BOMS = [
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
]
DELIMITERS = {",": lazy("virgules"), ";": lazy("points-virgules"), "\t": lazy("tabulations")}
#: Signs of French text; whichever of the two old encodings gives most of them is the right one.
FRENCH = frozenset("éèêëàâçîïôöùûüœÉÈÊËÀÂÇÎÏÔÙÛŒ’«»–…\xa0")
ASCII = bytes(range(128))


def open_text(path: Path, known: Callable[[str], bool]) -> Table:
    encoding, name, lines = encoding_of(path)

    def reader(delimiter: str) -> Callable[[], Iterator[Row]]:
        return lambda: text_rows(path, encoding, delimiter)

    best, chosen, refusal = Header(), ",", None
    for delimiter in DELIMITERS:
        with closing(reader(delimiter)()) as rows:  # type: ignore[type-var]
            try:
                header = find_header(rows, known)
            except Refused as error:
                refusal = refusal or error
                continue
        if (header.found, len(header.cells)) > (best.found, len(best.cells)):
            best, chosen = header, delimiter
    if not best.found:
        if refusal:
            raise refusal
        with closing(reader(chosen)()) as rows:  # type: ignore[type-var]
            raise NoHeader(no_header(next(rows, (0, []))[1]))
    description = _("texte %(encoding)s, séparé par des %(delimiter)s") % {
        "encoding": name,
        "delimiter": DELIMITERS[chosen],
    }
    return Table(description, best.cells, best.row, max(lines - best.row, 0), reader(chosen))


def encoding_of(path: Path) -> tuple[str, str, int]:
    """Codec, name and number of lines, from the whole file read once."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, lines, bytes_seen = True, 1, Counter[int]()
    bom = ""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, codec, name in BOMS:
            if start.startswith(mark):
                bom, bom_name = codec, name
        file.seek(0)
        while chunk := file.read(CHUNK):
            lines += chunk.count(b"\n") or chunk.count(b"\r")
            if bom == "utf-16":
                continue
            if b"\0" in chunk:
                raise Refused(
                    _(
                        "Ce fichier n’est pas du texte\xa0: enregistrez le tableau au format "
                        "XLSX, ou CSV UTF-8."
                    )
                )
            if utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
            bytes_seen.update(chunk.translate(None, ASCII))
    if bom:
        return bom, bom_name, lines
    if utf8:
        return "utf-8", "UTF-8", lines
    scores = {
        codec: sum(
            count
            for byte, count in bytes_seen.items()
            if bytes([byte]).decode(codec, "replace") in FRENCH
        )
        for codec in ("cp1252", "mac_roman")
    }
    if scores["mac_roman"] > scores["cp1252"]:
        return "mac_roman", "Mac Roman", lines
    return "cp1252", "Windows-1252", lines


def text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        lines = Lines(file)
        reader = csv.reader(lines, delimiter=delimiter)
        row = 0
        while True:
            row += 1
            lines.begin(row)
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise Refused(unclosed(row)) from None
            if lines.quotes % 2 and lines.ended:
                raise Refused(unclosed(row))
            yield row, trimmed([plain(restore(cell)) for cell in cells])


class Lines:
    """Lines of a text, none endless; knows how many make the row being read."""

    def __init__(self, file: io.TextIOBase):
        self.file = file
        self.ended = False

    def begin(self, row: int) -> None:
        self.row, self.count, self.quotes = row, 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(LONGEST_LINE)
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise Refused(
                _(
                    "La ligne %(row)s dépasse un million de caractères\xa0: "
                    "ce fichier n’est pas un tableau, ou ses fins de ligne manquent."
                )
                % {"row": number(self.row)}
            )
        self.count += 1
        self.quotes += line.count('"')
        if self.count > LONGEST_ROW:
            raise Refused(unclosed(self.row))
        return line


def unclosed(row: int) -> str:
    return _(
        "À la ligne %(row)s, un guillemet ouvert n’est pas refermé\xa0: "
        "corrigez la case, ou enregistrez le tableau au format XLSX."
    ) % {"row": number(row)}


# --- Workbooks

DIMENSION = re.compile(rb'<dimension ref="(?:[A-Z]+\d+:)?([A-Z]+)(\d+)"')


def open_workbook(path: Path, known: Callable[[str], bool]) -> Table:
    book: Book = OpenDocument(path) if inspect(path) else Workbook(path)
    with book.opened():
        sheets = book.sheets()
        best, chosen, first = Header(), "", list[str]()
        for name in sheets[:MOST_SHEETS]:
            with closing(sheet_rows(book, name)) as rows:  # type: ignore[type-var]
                header = find_header(rows, known)
            if header.found > best.found:
                best, chosen = header, name
        if not best.found:
            for name in sheets[:1]:
                with closing(sheet_rows(book, name)) as rows:  # type: ignore[type-var]
                    first = next((cells for _row, cells in rows if cells), [])
            raise NoHeader(no_header(first) + only_first(sheets))
        description = _("classeur %(format)s") % {"format": book.format}
        if len(sheets) > 1:
            description += _(", feuille «\xa0%(name)s\xa0»") % {"name": chosen}
        return Table(
            description, best.cells, best.row, book.size(chosen), lambda: sheet_rows(book, chosen)
        )


def only_first(sheets: Sequence[str]) -> str:
    if len(sheets) <= MOST_SHEETS:
        return ""
    text = _(
        "Des %(count)s feuilles, les %(most)d premières sont lues\xa0: mettez le tableau en tête."
    )
    return " " + text % {"count": number(len(sheets)), "most": MOST_SHEETS}


def not_a_workbook() -> str:
    return _("Ce fichier compressé n’est pas un tableau\xa0: donnez un XLSX, un ODS ou un CSV.")


def inspect(path: Path) -> bool:
    """Refuse, by its table of contents and the sizes its sheets declare, what must not be read;
    gives whether it is an OpenDocument."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            refuse_parts(parts, names)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as file:
                        refuse_start(part.filename, file.read(4096))
            is_open_document = opendocument.CONTENT in names
            if is_open_document:
                with archive.open("mimetype") as file:
                    if file.read(100) != opendocument.MIMETYPE:
                        raise Refused(not_a_workbook())
            left = MOST_ROWS_IN_ALL
            # Whatever they are called: a workbook may call a picture a sheet.
            for part in parts:
                bounds = Bounds(left, declares=part.filename.endswith(".svg"))
                # What is no XML, a picture for one, is nothing to its readers either.
                with archive.open(part) as file, suppress(ExpatError):
                    bounds.check(file)
                left -= bounds.rows
            return is_open_document
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError),
        *(RuntimeError, NotImplementedError),  # encrypted, or packed in an unusual way
    ):
        raise Refused(damaged()) from None


def refuse_parts(parts: list[zipfile.ZipInfo], names: set[str]) -> None:
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
        raise Refused(
            _(
                "Ce classeur est trop gros une fois décompressé\xa0: "
                "n’y gardez que le tableau, ou enregistrez-le au format CSV."
            )
        )
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) for name in names):
        raise Refused(damaged())
    if any(part.flag_bits & 1 for part in parts):
        raise Refused(_("Ce classeur est protégé par un mot de passe\xa0: retirez-le."))
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused(_("Ce classeur contient des macros\xa0: enregistrez-le au format XLSX."))
    if not {"xl/workbook.xml", opendocument.CONTENT} & names:
        raise Refused(not_a_workbook())
    if any(bloated(part) for part in parts):
        raise Refused(
            _(
                "Ce classeur est anormalement compressé\xa0: ouvrez-le et enregistrez le tableau "
                "au format CSV."
            )
        )


def bloated(part: zipfile.ZipInfo) -> bool:
    """Whether a part holds next to nothing, many times over, or more text than memory should."""
    repeated = part.file_size > LEAST_BLOATED and part.file_size > MOST_PACKED * part.compress_size
    in_memory = part.filename.startswith("xl/") and not part.filename.startswith("xl/worksheets/")
    return repeated or in_memory and part.file_size > LARGEST_PART


def refuse_start(name: str, start: bytes) -> None:
    # No workbook has a document type; one that has it wants something fetched or multiplied.
    if b"<!DOCTYPE" in start.replace(b"\0", b"") or b"<!ENTITY" in start.replace(b"\0", b""):
        raise Refused(damaged())
    if name == "[Content_Types].xml" and b"macroEnabled" in start:
        raise Refused(_("Ce classeur contient des macros\xa0: enregistrez-le au format XLSX."))
    if name.startswith("xl/worksheets/") and (found := DIMENSION.search(start)):
        column = 0
        for letter in found[1]:
            column = column * 26 + letter - 64
        if int(found[2]) > MOST_ROWS + HEADER_WITHIN:
            raise Refused(too_many_rows())
        if column > MOST_COLUMNS:
            raise Refused(too_many_columns(column))


BROKEN = (
    *(ParseError, DefusedXmlException, KeyError, ValueError, TypeError, AttributeError, IndexError),
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
)


@contextmanager
def unbroken() -> Iterator[None]:
    """Whatever a reader of workbooks stumbles on is said in words."""
    try:
        yield
    except BROKEN:
        raise Refused(damaged()) from None


class Book(Protocol):
    format: str

    def opened(self) -> AbstractContextManager[Any]: ...
    def sheets(self) -> list[str]: ...
    def rows(self, sheet: str) -> Iterator[tuple[int, Sequence[Any]]]: ...
    def size(self, sheet: str) -> int: ...


class Workbook:
    format = "XLSX"

    def __init__(self, path: Path):
        self.path = path
        self.book: Any = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Held open: what its cells share is read once for all that is done meanwhile."""
        with unbroken(), self.open() as self.book:
            try:
                yield
            finally:
                self.book = None

    @contextmanager
    def open(self) -> Iterator[Any]:
        if self.book is not None:
            yield self.book
            return
        # Slow to import, and of no use to the site's pages.
        import openpyxl

        # Open already: it would judge a path by its name.
        with self.path.open("rb") as file:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # features of a workbook that do not matter here
                book = openpyxl.load_workbook(
                    file, read_only=True, data_only=True, keep_links=False
                )
            with closing(book):
                yield book

    def sheets(self) -> list[str]:
        with unbroken(), self.open() as book:
            return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]

    def rows(self, sheet: str) -> Iterator[tuple[int, Sequence[Any]]]:
        with self.open() as book:
            # The declared size is not trusted.
            book[sheet].reset_dimensions()
            yield from enumerate(book[sheet].iter_rows(values_only=True), start=1)

    def size(self, sheet: str) -> int:
        with unbroken(), self.open() as book:
            return book[sheet].max_row or 0


class OpenDocument:
    format = "ODS"

    def __init__(self, path: Path):
        self.path = path

    def opened(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def sheets(self) -> list[str]:
        with unbroken():
            return opendocument.sheets(self.path)

    def rows(self, sheet: str) -> Iterator[tuple[int, Sequence[Any]]]:
        yield from opendocument.rows(self.path, sheet, MOST_COLUMNS + 1)

    def size(self, sheet: str) -> int:
        return 0  # it says nothing of it


def sheet_rows(book: Book, name: str) -> Iterator[Row]:
    try:
        for row, values in book.rows(name):
            if row > MOST_ROWS + HEADER_WITHIN:
                raise Refused(too_many_rows())
            yield row, trimmed([plain(value) for value in values[: MOST_COLUMNS + 1]])
    except opendocument.TooLong:
        raise Refused(
            _("Une case dépasse %(most)s caractères\xa0: abrégez-la, sans les espaces de trop.")
            % {"most": number(opendocument.LONGEST)}
        ) from None
    except BROKEN:
        raise Refused(damaged()) from None
