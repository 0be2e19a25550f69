"""The rows of an import that are not written, as a file to send back to whoever made it."""

import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from directory.exports import LONGEST_CELL, neutralise
from directory.imports import rows
from directory.imports.batches import layout_of
from directory.imports.mapping import label
from directory.imports.rows import PENDING
from directory.models import ImportBatch
from directory.resources import EnterpriseResource


def lines(batch: ImportBatch) -> Iterator[list[str]]:
    """The header, then each row left as it is corrected so far, with what is to be done in a column
    of its own, which another import leaves aside."""
    resource = EnterpriseResource()
    layout = layout_of(batch, resource)
    left = list(batch.rows.filter(outcome__in=PENDING).order_by("number"))
    header = list(batch.header)
    for name in dict.fromkeys(name for row in left for name in row.corrections):
        if name not in layout.positions:
            layout.positions[name] = len(header)
            header.append(label(name, resource))
    yield [*header, _("À corriger")]
    for row in left:
        cells = rows.cells(row, layout, header, len(batch.header))
        said = [rows.sentence_of(message) for message in row.messages if message["kind"] != "note"]
        yield [*cells[: len(header)], "\n".join(said)]


def as_csv(batch: ImportBatch) -> bytes:
    """What a spreadsheet in French opens as it is."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")
    for line in lines(batch):
        writer.writerow([neutralise(cell) for cell in line])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def as_workbook(batch: ImportBatch) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("À corriger"))
    sheet.freeze_panes = "A2"
    for line in lines(batch):
        cells = []
        for text in line:
            cell = WriteOnlyCell(sheet, text[:LONGEST_CELL])
            cell.data_type = "s"  # whatever a spreadsheet would make of it
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
