"""What leaves the site as a file: a search, to its last enterprise, in columns or as GeoJSON.

The keys of what was found are read first, in the order of the page and in one statement; then the
rows, a thousand keys at a time, each batch on its own. So no transaction stays open while a slow
reader takes the file, memory stays flat, and nobody comes twice or out of place, whatever is
written meanwhile: a row is as it is when its batch is read, and who is no longer published is left
out. What a reader may see is one argument, the visibilities of `profile.audiences`.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import IO, Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from directory import cards
from directory.cells import UNSEEN
from directory.criteria import Place
from directory.models import Enterprise
from directory.resources import EnterpriseResource
from directory.selection import listed
from directory.state import State, current

BATCH = 1_000
#: The states that the public sees.
PUBLIC = (Enterprise.State.PUBLISHED,)
#: Enterprises that a workbook takes, more than there are: it is whole before its first byte leaves,
#: and costs five times a CSV, some seven seconds for 12,000.
MOST_IN_WORKBOOK = 15_000
#: Characters that a cell of a workbook holds.
LONGEST_CELL = 32_767

#: How a spreadsheet recognises a formula, or is led to: signs, their full-width and small twins,
#: a tab or a return, after spaces seen or unseen. Apostrophes in front are ours, or like ours.
FORMULA = re.compile(
    r"'*[\s\u200b-\u200d\u2060\ufeff]*"
    r"(?:[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]|(?<=[\t\r]))"
)


def neutralise(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: an apostrophe goes before it where
    it could be taken for one, and one more before an apostrophe that already does so."""
    return f"'{text}" if FORMULA.match(text) else text


def restore(text: str) -> str:
    """What `neutralise` was given: `restore(neutralise(text)) == text`, whatever the text."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


# --- Reading


def _in_batches(
    ids: Sequence[int], read: Callable[[Sequence[int], State], list], state: State
) -> Iterator[list]:
    """What `read` makes of each batch of keys; where a row bears a label younger than those of
    `state`, with the labels of now."""
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        try:
            yield read(batch, state)
        except KeyError:
            renewed = current()
            if renewed.version == state.version:
                raise
            state = renewed
            yield read(batch, state)


def _rows(
    ids: Sequence[int],
    names: Sequence[str],
    seen: Sequence[str],
    state: State,
    cell: Callable[[Any], Any],
    kept: Collection[str] = PUBLIC,
    columns_of: type[EnterpriseResource] = EnterpriseResource,
) -> Iterator[list[tuple]]:
    """The rows of a file by batches: of each enterprise the columns `names`, as `cell` makes them
    of what the resource writes. Those whose state is no longer one of `kept` are left out."""

    resource = columns_of(state.labels)

    def read(batch: Sequence[int], state: State) -> list[tuple]:
        nonlocal resource
        if resource.labels is not state.labels:
            resource = columns_of(state.labels)
        records = [
            record for record in resource.records(batch, names, seen) if record["state"] in kept
        ]
        columns = []
        for name in names:
            widget = resource.fields[name].widget
            values = [record[name] for record in records]
            # Most come more than once among a thousand.
            different = set(values)
            if widget.verbatim:
                made = {value: cell("" if value is None else value) for value in different}
            else:
                made = {value: cell(widget.render(value)) for value in different}
            columns.append([made[value] for value in values])
        return list(zip(*columns, strict=True))

    return _in_batches(ids, read, state)


def headers(
    names: Sequence[str], columns_of: type[EnterpriseResource] = EnterpriseResource
) -> list[str]:
    return [columns_of.fields[name].label for name in names]


# --- Writing


def text(value: Any) -> str:
    """A cell of a CSV. Text alone can be taken for a formula: a number begins with « - » too."""
    if isinstance(value, str):
        return neutralise(value) if value and not value[0].isalnum() else value
    if isinstance(value, float):
        return str(value).replace(".", ",")
    return value.isoformat() if isinstance(value, date) else str(value)


def csv_lines(
    ids: Sequence[int], names: Sequence[str], seen: Sequence[str], state: State
) -> Iterator[bytes]:
    """A CSV, header first, by batches; docs/decisions/0005 says why it is written so."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")

    def taken() -> bytes:
        lines = buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
        return lines

    buffer.write("\ufeff")
    writer.writerow([neutralise(header) for header in headers(names)])
    yield taken()
    for rows in _rows(ids, names, seen, state, text):
        writer.writerows(rows)
        yield taken()


def write_workbook(
    file: IO[bytes],
    ids: Sequence[int],
    names: Sequence[str],
    seen: Sequence[str],
    state: State,
    about: Sequence[tuple[str, Any]],
    kept: Collection[str] = PUBLIC,
    columns_of: type[EnterpriseResource] = EnterpriseResource,
) -> None:
    """An XLSX into `file`: a sheet of enterprises, its header frozen and filterable, and a sheet of
    what is said `about` it (label, value). `ids` count at most MOST_IN_WORKBOOK; staff also keep
    other states than the public's, and have columns of their own (`StaffResource`)."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Entreprises"))
    sheet.freeze_panes = "A2"
    for number, name in enumerate(names, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDTHS.get(name, WIDTH)

    def cell(value: Any) -> Any:
        """Text typed as text, whatever a spreadsheet would make of it."""
        if not isinstance(value, str):
            return value
        kept = UNSEEN.sub("", value)[:LONGEST_CELL]
        if not kept.startswith(("=", "#")):
            return kept or None
        typed = WriteOnlyCell(sheet, kept)
        typed.data_type = "s"
        return typed

    def bold(label: str) -> WriteOnlyCell:
        header = WriteOnlyCell(sheet, label)
        header.font = Font(bold=True)
        return header

    try:
        sheet.append([bold(header) for header in headers(names, columns_of)])
        written = 1
        for rows in _rows(ids, names, seen, state, cell, kept, columns_of):
            for row in rows:
                sheet.append(row)
            written += len(rows)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{written}"
        note = book.create_sheet(_("À propos"))
        note.column_dimensions["A"].width, note.column_dimensions["B"].width = 28, 100
        for label, value in about:
            note.append([bold(label), cell(value)])
    except BaseException:
        # A sheet is a temporary file until its book is saved.
        book.save(io.BytesIO())
        raise
    book.save(file)


#: In characters.
WIDTH = 22
WIDTHS = {
    "name": 42,
    "neq": 13,
    "founded_year": 10,
    "postal_code": 11,
    "city_code": 11,
    "latitude": 11,
    "longitude": 11,
    "phone": 15,
    "phone_extension": 8,
    "contact_phone": 15,
    "contact_phone_extension": 8,
    "mission": 60,
    "description": 60,
    "offerings": 60,
    "address": 34,
    "email": 32,
    "contact_email": 32,
    "website": 36,
    "url": 36,
}


def feature(row: dict, state: State) -> dict:
    """A listing as a GeoJSON feature (RFC 7946): its record, at its position."""
    return {
        "type": "Feature",
        "id": row["card"]["slug"],
        "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
        "properties": cards.record(row, state) | {"geo_precision": row["precision"]},
    }


def geojson(
    ids: Sequence[int], near: Place | None, notices: Sequence[str], state: State
) -> Iterator[bytes]:
    """A FeatureCollection by batches, one feature a line. What was ignored of the search is a
    member of its own, as RFC 7946 allows; `near` is where distances are counted from."""

    def read(batch: Sequence[int], state: State) -> list[str]:
        rows = listed(batch, near)
        return [json.dumps(feature(row, state), ensure_ascii=False) for row in rows]

    opening = json.dumps({"type": "FeatureCollection", "notices": notices}, ensure_ascii=False)
    yield f'{opening[:-1]}, "features": ['.encode()
    between = "\n"
    for lines in _in_batches(ids, read, state):
        if lines:
            yield (between + ",\n".join(lines)).encode()
            between = ",\n"
    yield b"\n]}\n"
