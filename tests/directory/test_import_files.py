"""Files as strangers send them: read whatever their form, or refused in words before they harm."""

import csv
import io
import resource as limits
import time
import zipfile

import openpyxl
import pytest

from directory.exports import neutralise
from directory.imports import files
from directory.imports.bounds import Refused
from directory.imports.files import open_table

HEADERS = {"Nom", "Ville", "NEQ"}
TABLE = [
    ["Nom", "Ville", "NEQ"],
    ["Épicerie « L’Été »", "Saint-Hubert", "1147627393"],
    ["Coop Forêt\ndu Nord", "Québec", ""],
]


def known(cell):
    return cell in HEADERS


def text(rows=TABLE, delimiter=",", encoding="utf-8", end="\r\n"):
    content = io.StringIO()
    csv.writer(content, delimiter=delimiter, lineterminator=end).writerows(rows)
    return content.getvalue().encode(encoding)


def workbook(rows=TABLE, title="Feuille 1"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Vide"><table:table-row table:number-rows-repeated="1048576"/></table:table>
<table:table table:name="Entreprises">%s</table:table>
</office:spreadsheet></office:body></office:document-content>"""


def ods_row(*cells, repeated=1):
    made = "".join(
        f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        if isinstance(cell, float)
        else '<table:table-cell office:value-type="string"><office:annotation><text:p>remarque'
        "</text:p></office:annotation>"
        + "".join(f"<text:p>{line}</text:p>" for line in cell.split("\n"))
        + "</table:table-cell>"
        for cell in cells
    )
    made += '<table:table-cell table:number-columns-repeated="16384"/>'
    return f'<table:table-row table:number-rows-repeated="{repeated}">{made}</table:table-row>'


def open_document(*rows):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS % "".join(rows), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def with_part(content, name, data):
    """A workbook with one more part, or another in the place of one."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part, old.read(part))
        new.writestr(name, data, zipfile.ZIP_DEFLATED)
    return changed.getvalue()


@pytest.fixture
def table(tmp_path):
    """Opens these bytes as a file of this name."""

    def opened(content, name="tableau.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return open_table(path, known)

    return opened


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(), "UTF-8"),
        (text(delimiter=";"), "points-virgules"),
        (text(delimiter="\t"), "tabulations"),
        (text(encoding="utf-8-sig", delimiter=";"), "UTF-8"),
        (text(encoding="utf-16", delimiter="\t"), "UTF-16"),
        (b"\xfe\xff" + text(encoding="utf-16-be"), "UTF-16"),
        (text(encoding="cp1252", delimiter=";"), "Windows-1252"),
        (text(encoding="mac_roman", delimiter="\t"), "Mac Roman"),
        (workbook(), "XLSX"),
        (open_document(*[ods_row(*cells) for cells in TABLE]), "ODS, feuille «\xa0Entreprises"),
    ],
)
def test_a_table_is_read_in_whatever_form_it_comes(table, content, said):
    # The name says nothing: each is called .csv.
    read = table(content)
    assert said in read.description
    assert read.header == TABLE[0]
    assert [(row, *cells) for row, cells in read.rows()] == [
        (2, "Épicerie « L’Été »", "Saint-Hubert", "1147627393"),
        (3, "Coop Forêt\ndu Nord", "Québec"),
    ]
    assert len(list(read.rows())) == 2  # as often as asked


def test_lines_may_end_as_on_an_old_macintosh(table):
    assert len(list(table(text([TABLE[0], TABLE[1], TABLE[1]], end="\r")).rows())) == 2


@pytest.mark.parametrize("make", [text, workbook])
def test_the_headers_may_come_after_a_title(table, make):
    read = table(make([["Liste du Pôle, 2026"], [], *TABLE]))
    assert read.header_row == 3
    assert [row for row, _cells in read.rows()] == [4, 5]


def test_blank_rows_are_counted_and_left_out(table):
    read = table(text([TABLE[0], [], ["", ""], TABLE[1]]))
    assert [row for row, _cells in read.rows()] == [4]


def test_numbers_and_days_of_a_workbook_are_read_as_text(table):
    import datetime

    rows = [TABLE[0], ["A", 12.5, 1147627393], ["B", datetime.date(2026, 3, 31), 1147627393.0]]
    assert [cells for _row, cells in table(workbook(rows)).rows()] == [
        ["A", "12.5", "1147627393"],
        ["B", "2026-03-31", "1147627393"],
    ]


def test_the_sheet_that_has_the_headers_is_read(table, tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(workbook(title="Entreprises")))
    book.create_sheet("Consignes", 0).append(["Lisez-moi"])
    book.save(tmp_path / "deux.xlsx")
    read = table((tmp_path / "deux.xlsx").read_bytes())
    assert "Entreprises" in read.description
    assert len(list(read.rows())) == 2


def test_what_an_export_neutralised_is_restored(table):
    rows = [TABLE[0], [neutralise("=SOMME(A1)"), neutralise("+1 450 555-0123"), ""]]
    ((_row, cells),) = table(text(rows)).rows()
    assert cells == ["=SOMME(A1)", "+1 450 555-0123"]


def test_an_open_document_repeats_rows_and_leaves_blanks_unsaid(table):
    rows = [ods_row(*TABLE[0]), ods_row(repeated=4), ods_row("A<text:s/>B", "C", 1147627393.0)]
    read = table(open_document(*rows, ods_row("D", repeated=2), ods_row(repeated=1_000_000)))
    assert list(read.rows()) == [
        (6, ["A B", "C", "1147627393"]),
        (7, ["D"]),
        (8, ["D"]),
    ]


@pytest.mark.parametrize(
    "rows", [[ods_row("A", repeated=10**12)], [ods_row(repeated=10**12), ods_row("A")]]
)
def test_an_open_document_may_not_repeat_a_row_for_ever(table, rows):
    with pytest.raises(Refused, match="50\xa0000 lignes"):
        list(table(open_document(ods_row(*TABLE[0]), *rows)).rows())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "vide"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "une image"),
        (b"%PDF-1.7", "un PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "ancien classeur"),
        (b"<html><table><tr><td>Nom", "une page web"),
        (bytes(range(256)) * 10, "pas du texte"),
        (b"PK\x03\x04 damaged", "abîmé"),
        (b"un texte sans tableau\nni rien\n", "Aucun en-tête reconnu"),
        (text([["Nom"] + ["Note"] * 9_999]), "9\xa0999|10\xa0000 colonnes"),
        (b"Nom," + b"x" * 50_000_000, "un million de caractères"),
        (text() + b'"jamais ferm\xc3\xa9,Longueuil\n' + b"a,b\n" * 500, "guillemet"),
        (text() + b'"jamais ferm\xc3\xa9,Longueuil\n', "À la ligne 4, un guillemet"),
        (workbook([["Rien", "de connu"]]), "Aucun en-tête reconnu"),
    ],
)
def test_what_is_no_table_is_refused_in_words(table, content, said):
    with pytest.raises(Refused, match=said):
        list(table(content).rows())


def test_a_file_of_too_many_rows_is_refused(table, monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    with pytest.raises(Refused, match="dépasse 3 lignes"):
        list(table(text([TABLE[0], *[TABLE[1]] * 5])).rows())
    with pytest.raises(Refused, match="dépasse 3 lignes"):
        list(table(workbook([TABLE[0], *[TABLE[1]] * 30])).rows())


SHEET = "xl/worksheets/sheet1.xml"
BOMB = b"<worksheet><sheetData>" + b" " * 200_000_000 + b"</sheetData></worksheet>"
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>'


def dimension(reference):
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{reference}"/><sheetData/></worksheet>'
    ).encode()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (SHEET, BOMB, "trop gros"),
        ("xl/sharedStrings.xml", b"<sst>" + b"<si/>" * 4_000_000, "anormalement compressé"),
        (SHEET, ENTITIES, "abîmé"),
        (SHEET, EXTERNAL, "abîmé"),
        (SHEET, ENTITIES.decode().encode("utf-16"), "abîmé"),
        (SHEET, b"<worksheet><sheetData><row", "abîmé"),
        (SHEET, dimension("A1:C1048576"), "50\xa0000 lignes"),
        (SHEET, dimension("A1:XFD20"), "16\xa0384 colonnes"),
        ("xl/vbaProject.bin", b"macro", "macros"),
        ("../../etc/cron.d/x", b"x", "abîmé"),
        ("/etc/passwd", b"x", "abîmé"),
        ("content.xml", b"<office/>", "abîmé"),
    ],
)
def test_a_hostile_workbook_is_refused_at_once(table, name, data, said):
    content = with_part(workbook(), name, data)
    before = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(Refused, match=said):
        list(table(content, "tableau.xlsx").rows())
    assert time.perf_counter() - start < 1
    assert limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_workbook_of_ten_thousand_parts_is_refused(table):
    content = io.BytesIO(workbook())
    with zipfile.ZipFile(content, "a") as archive:
        for number in range(10_000):
            archive.writestr(f"xl/media/{number}.png", b"")
    with pytest.raises(Refused, match="trop gros"):
        table(content.getvalue())


def archive_of(*parts):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in parts:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        archive_of(("liste.xlsx", workbook())),
        archive_of(("a.zip", archive_of(("b.zip", archive_of(("c.xlsx", workbook())))))),
        archive_of(("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<document/>")),
        archive_of(),
    ],
    ids=["a workbook in an archive", "archives in archives", "a DOCX", "an empty archive"],
)
@pytest.mark.parametrize("name", ["liste.xlsx", "liste.csv", "liste.ods"])
def test_an_archive_that_is_no_workbook_is_refused(table, content, name):
    with pytest.raises(Refused, match="n’est pas un tableau"):
        list(table(content, name).rows())


def test_a_gigabyte_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "tableau.csv"
    with path.open("wb") as file:
        file.write(text())
        file.truncate(1_000_000_000)
    before = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with pytest.raises(Refused, match="dépasse 100 Mo"):
        open_table(path, known)
    assert time.process_time() - started < 0.5
    assert limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


# --- Little files that unpack into much


def books(sheets, shared="<sst/>"):
    """A workbook of these sheets (rows in XML) with these shared texts."""
    book = openpyxl.Workbook()
    for _sheet in sheets[1:]:
        book.create_sheet()
    content = io.BytesIO()
    book.save(content)
    made = content.getvalue()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    for place, rows in enumerate(sheets, start=1):
        sheet = f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
        made = with_part(made, f"xl/worksheets/sheet{place}.xml", sheet)
    return with_part(made, "xl/sharedStrings.xml", shared.replace("<sst", f"<sst {space}"))


def inline(*texts):
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f"<row>{cells}</row>"


def span(depth):
    return ods_row("<text:span>" * depth + "a" + "</text:span>" * depth)


WIDE = "".join(f"<c><v>{number * 7919}</v></c>" for number in range(100_000))
LONG = "".join(str(number * 7919) for number in range(300_000))
BLANKS = "".join(f'<text:s text:c="{900 + number % 100}"/>' for number in range(20_000))
CELLS = "".join(f'<table:table-cell table:x="{number * 7919}"/>' for number in range(100_000))
SPREADSHEET = [
    (books([inline("Nom")], "<sst>" + "<si><t/></si>" * 700_000 + "</sst>"), "anormalement"),
    (books([inline("Nom") + f"<row>{WIDE}</row>"]), "La ligne 2 a trop de colonnes"),
    (books([inline("Nom", LONG)]), "La ligne 1 est trop longue"),
    (books([inline("rien")] * 30 + [inline("Nom")]), "les 20 premières sont lues"),
    (books([inline("Nom") + "<x>" * 3_000 + "</x>" * 3_000]), "abîmé"),
    (open_document(ods_row("Nom"), f"<table:table-row>{CELLS}</table:table-row>"), "trop de col"),
    (open_document(ods_row("Nom"), ods_row(BLANKS)), "Une case dépasse"),
    (open_document(ods_row("Nom"), span(60)), "abîmé"),
    (open_document(ods_row("Nom"), span(3_000)), "abîmé"),
]


@pytest.mark.parametrize(("content", "said"), SPREADSHEET)
def test_a_little_workbook_may_not_take_much_time_or_memory(table, content, said):
    assert len(content) < 2_000_000
    before = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(Refused, match=said):
        list(table(content, "tableau.xlsx").rows())
    assert time.process_time() - start < 1.5
    assert limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_what_the_cells_of_a_workbook_share_is_read_once_however_many_its_sheets(
    table, monkeypatch
):
    opened = []
    real = openpyxl.load_workbook
    monkeypatch.setattr(
        openpyxl, "load_workbook", lambda *a, **k: opened.append(1) or real(*a, **k)
    )
    read = table(books([inline("rien")] * 15 + [inline("Nom") + inline("A")]))
    assert len(opened) == 1
    assert [cells for _row, cells in read.rows()] == [["A"]]
