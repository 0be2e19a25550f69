"""What a part of a workbook may hold, seen as it streams by, before anything is built of it."""

from typing import IO
from xml.parsers import expat

from django.utils.translation import gettext as _

from directory.wording import number

#: Elements of one row: as many cells as a spreadsheet has columns, three of each.
MOST_IN_A_ROW = 50_000
#: Bytes of one row, unpacked.
LONGEST_ROW = 2_000_000
#: Elements that are in no row: styles, columns, names.
MOST_OUTSIDE = 500_000
#: Texts that the cells of a workbook share.
MOST_SHARED = 500_000
#: Elements within elements.
DEEPEST = 100
CHUNK = 1 << 16

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ROWS = {
    f"{SHEET} row",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0 table-row",
}
SHARED = f"{SHEET} si"


class Refused(Exception):
    """A file that is not read, with what to do in words."""


class NoHeader(Refused):
    """A table of which no heading is known."""


def damaged() -> str:
    return _("Ce classeur est abîmé\xa0: ouvrez-le, et enregistrez-le de nouveau au format XLSX.")


class Bounds:
    """Counts what a reader of this part would keep in memory at once: a row, or what is in none."""

    def __init__(self, most_rows: int, *, declares: bool = False):
        """`declares`: whether it may have a document type, as drawings do and no sheet does."""
        self.most_rows = most_rows
        self.depth = self.rows = self.outside = self.shared = self.within = 0
        self.row_depth = self.row_start = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        if not declares:
            self.parser.StartDoctypeDeclHandler = self.refuse

    def check(self, file: IO[bytes]) -> None:
        """Raises Refused past what is allowed, expat's error where this is no XML."""
        while chunk := file.read(CHUNK):
            self.parser.Parse(chunk)
            if self.row_depth and self.parser.CurrentByteIndex - self.row_start > LONGEST_ROW:
                raise Refused(
                    _(
                        "La ligne %(row)s est trop longue pour un tableau\xa0: abrégez ses cases, "
                        "ou supprimez les espaces de trop."
                    )
                    % {"row": number(self.rows)}
                )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse()
        if self.row_depth:
            self.within += 1
            if self.within > MOST_IN_A_ROW:
                raise Refused(
                    _(
                        "La ligne %(row)s a trop de colonnes\xa0: supprimez celles qui ne servent "
                        "pas, les vides comprises."
                    )
                    % {"row": number(self.rows)}
                )
        elif name in ROWS:
            self.rows += 1
            if self.rows > self.most_rows:
                raise Refused(
                    _(
                        "Ce classeur dépasse %(most)s lignes, ses feuilles réunies\xa0: n’y "
                        "gardez que le tableau, sans les lignes vides de la fin."
                    )
                    % {"most": number(self.most_rows)}
                )
            self.row_depth, self.within = self.depth, 0
            self.row_start = self.parser.CurrentByteIndex
        else:
            self.outside += 1
            self.shared += name == SHARED
            most = MOST_OUTSIDE * 4 if self.shared else MOST_OUTSIDE
            if self.outside > most or self.shared > MOST_SHARED:
                raise Refused(
                    _(
                        "Ce classeur contient trop de textes ou de styles\xa0: enregistrez le "
                        "tableau au format CSV."
                    )
                )

    def end(self, name: str) -> None:
        if self.depth == self.row_depth:
            self.row_depth = 0
        self.depth -= 1

    def refuse(self, *declaration: object) -> None:
        raise Refused(damaged())
