"""OpenDocument spreadsheets (ODS), a row at a time, whatever they say is repeated."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse

CONTENT = "content.xml"
MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
#: Spans within spans.
DEEPEST = 50
#: Characters of a cell, as in any spreadsheet.
LONGEST = 32_767
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


class TooLong(Exception):
    """A cell of more text than any spreadsheet keeps."""


def sheets(path: Path) -> list[str]:
    """The names of its sheets. Raises what a damaged archive or document does."""
    return [
        str(element.get(f"{TABLE}name"))
        for event, element in parts(path)
        if event == "start" and element.tag == f"{TABLE}table"
    ]


def rows(path: Path, name: str, most_columns: int) -> Iterator[tuple[int, list[Any]]]:
    """Rows of a sheet by number, blank ones left out, each of `most_columns` cells at most. A row
    that is repeated comes as often as it is."""
    inside, number = False, 0
    for event, element in parts(path):
        if element.tag == f"{TABLE}table":
            if event == "end" and inside:
                return
            inside = event == "start" and element.get(f"{TABLE}name") == name
        elif inside and event == "end" and element.tag == f"{TABLE}table-row":
            cells = values(element, most_columns)
            repeated = repetition(element, "rows")
            if any(value not in (None, "") for value in cells):
                for _ in range(repeated):
                    number += 1
                    yield number, cells
            else:
                number += repeated


def parts(path: Path) -> Iterator[tuple[str, Element]]:
    with zipfile.ZipFile(path) as archive, archive.open(CONTENT) as file:
        for event, element in iterparse(file, events=("start", "end")):
            yield event, element
            if event == "end" and element.tag == f"{TABLE}table-row":
                element.clear()  # memory does not grow with the rows


def repetition(element: Element, what: str) -> int:
    return max(int(element.get(f"{TABLE}number-{what}-repeated", "1")), 1)


def values(row: Element, most: int) -> list[Any]:
    cells: list[Any] = []
    for cell in row:
        if cell.tag in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            repeated = min(repetition(cell, "columns"), most - len(cells))
            cells += [value(cell)] * repeated
    return cells


def value(cell: Element) -> Any:
    """A number, « 2026-03-31 », or what is written."""
    kind = cell.get(f"{OFFICE}value-type")
    if kind in ("float", "currency", "percentage"):
        return float(cell.get(f"{OFFICE}value", ""))
    if kind == "date":
        return cell.get(f"{OFFICE}date-value", "")
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    # Not the remarks that are put beside a cell: they are within it, but no paragraph of its own.
    text = "\n".join(written(child) for child in cell if child.tag == f"{TEXT}p")
    if len(text) > LONGEST:
        raise TooLong
    return text


def written(paragraph: Element, depth: int = 0) -> str:
    """The text of a paragraph, its spaces and line breaks written as elements included. Raises
    ValueError where spans are within spans without end."""
    if depth > DEEPEST:
        raise ValueError
    pieces = [paragraph.text or ""]
    for child in paragraph:
        if child.tag == f"{TEXT}s":
            pieces.append(" " * min(int(child.get(f"{TEXT}c", "1")), 1_000))
        elif child.tag == f"{TEXT}tab":
            pieces.append(" ")
        elif child.tag == f"{TEXT}line-break":
            pieces.append("\n")
        else:
            pieces.append(written(child, depth + 1))
        pieces.append(child.tail or "")
    return "".join(pieces)
