"""The import as a curator runs it, with the real names of suppliers in the forms files come in."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from directory.gazetteer import key
from directory.imports.entries import Entry, Outcome
from directory.imports.report import written
from directory.models import Enterprise
from tests.factories import EnterpriseFactory
from tests.imports import writing

pytestmark = pytest.mark.django_db
SUPPLIERS = Path(__file__).parent / "data" / "suppliers.csv"
ROWS = list(csv.reader(SUPPLIERS.read_text(encoding="utf-8").splitlines()))


def run(*arguments):
    """What the command says on its output."""
    output = io.StringIO()
    call_command("import_enterprises", *map(str, arguments), stdout=output)
    return output.getvalue()


def as_json(*arguments):
    return json.loads(run(*arguments, "--default", "legal_form=npo", "--json"))


def text(rows, delimiter, encoding):
    content = io.StringIO()
    csv.writer(content, delimiter=delimiter).writerows(rows)
    # The names have a few signs that the old encodings do not.
    return content.getvalue().encode(encoding, "replace")


def workbook(rows):
    """The headers on the third row, NEQs as numbers."""
    book = openpyxl.Workbook()
    for cells in [["Fournisseurs"], [], *rows]:
        book.active.append([int(cell) if cell.isdigit() else cell for cell in cells])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture
def expected(reference):
    return as_json(SUPPLIERS)


@pytest.mark.parametrize(
    ("form", "content", "header_row"),
    [
        ("Windows-1252", lambda: text(ROWS, ";", "cp1252"), 1),
        ("Mac Roman", lambda: text(ROWS, "\t", "mac_roman"), 1),
        ("UTF-8", lambda: text(ROWS, ",", "utf-8-sig"), 1),
        ("UTF-16", lambda: text(ROWS, "\t", "utf-16"), 1),
        ("XLSX", lambda: workbook(ROWS), 3),
    ],
)
def test_the_same_list_is_understood_alike_in_every_form(
    expected, tmp_path, form, content, header_row
):
    path = tmp_path / "liste.csv"
    path.write_bytes(content())
    summary = as_json(path)
    assert form in summary["format"]
    assert summary["header_row"] == header_row
    outcomes = ["rows", "created", "updated", "left", "proposed", "refused"]
    assert {name: summary[name] for name in outcomes} == {name: expected[name] for name in outcomes}


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(reference):
    said = run(SUPPLIERS, "--default", "legal_form=npo")
    for line in [
        *("Texte UTF-8, séparé par des virgules", "fournisseur  →  Nom  (name)"),
        *("nb_contrats           inconnue", "295 lignes", "à créer (brouillons)"),
        *("province\xa0: Cette adresse est hors du Québec", "«\xa0Toronto, ON, CAN\xa0» ×4"),
        *("Rien n’a été écrit.", "--apply --skip-refused"),
    ]:
        assert line in said
    assert not Enterprise.objects.exists()


def test_refused_rows_stop_it_with_an_error(reference):
    with pytest.raises(CommandError, match="rien n’a été écrit"):
        run(SUPPLIERS, "--default", "legal_form=npo", "--apply")
    assert not Enterprise.objects.exists()


def test_it_writes_the_others_when_told_to(expected):
    said = run(SUPPLIERS, "--default", "legal_form=npo", "--apply", "--skip-refused")
    assert "créées (brouillons)" in said
    assert Enterprise.objects.count() == expected["created"]


def test_the_report_has_a_line_for_each_row(expected, tmp_path):
    path = tmp_path / "rapport.csv"
    as_json(SUPPLIERS, "--apply", "--skip-refused", "--report", path)
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Ligne", "Résultat", "Entreprise", "Fiche", "Messages"]
    assert [int(cells[0]) for cells in rows[1:]] == list(range(2, len(ROWS) + 1))
    results = [cells[1] for cells in rows[1:]]
    assert results.count("créée") == expected["created"]
    assert results.count("refusée") == expected["refused"]
    assert all(cells[4] for cells in rows[1:] if cells[1] in ("refusée", "à trancher"))
    created = {cells[3] for cells in rows[1:] if cells[1] == "créée"}
    assert created == set(Enterprise.objects.values_list("slug", flat=True))


def test_the_mapping_is_written_to_be_completed_and_then_read(expected, tmp_path):
    path = tmp_path / "correspondance.json"
    assert str(path) in run(SUPPLIERS, "--mapping", path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["columns"]["fournisseur"] == "name"
    assert content["columns"]["nb_contrats"] is None
    assert "Sainte-Foy" in content["places"]
    assert len(content["places"]) == len({key(name) for name in content["places"]})
    content["places"]["Sainte-Foy"] = "Québec"
    content["constants"]["legal_form"] = "npo"
    path.write_text(json.dumps(content), encoding="utf-8")
    summary = json.loads(run(SUPPLIERS, "--mapping", path, "--json"))
    assert summary["created"] > expected["created"]
    assert "Sainte-Foy" not in summary["unplaced"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.csv"], "absent.csv"),
        ([SUPPLIERS, "--default", "legal_form"], "COLONNE=VALEUR"),
        ([SUPPLIERS, "--default", "nom=x"], "n’est pas une colonne"),
        ([SUPPLIERS, "--report", "/absent/rapport.csv"], "rapport.csv"),
        ([SUPPLIERS, "--report", SUPPLIERS], "effacerait le fichier"),
    ],
)
def test_a_mistake_on_the_command_line_is_said_in_words(reference, arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_report_may_not_replace_what_is_read_under_another_name(tmp_path, link):
    source, mapping = tmp_path / "liste.csv", tmp_path / "correspondance.json"
    source.write_text("Nom,Ville\nCoop A,Longueuil\n", encoding="utf-8")
    mapping.write_text('{"columns": {}}', encoding="utf-8")
    for file, said in [(source, "le fichier à importer"), (mapping, "de correspondance")]:
        before = file.read_bytes()
        other = tmp_path / f"rapport-{file.name}"
        link(file, other)
        for path in (file, other):
            with pytest.raises(CommandError, match=f"effacerait.*{said}"):
                run(source, "--mapping", mapping, "--report", path, "--apply")
        assert file.read_bytes() == before
    new = tmp_path / "nouveau.json"
    with pytest.raises(CommandError, match="de correspondance"):
        run(source, "--mapping", new, "--report", new)
    assert not new.exists()


def test_the_report_says_what_is_to_be_done_until_it_is(reference, tmp_path):
    source, path = tmp_path / "liste.csv", tmp_path / "rapport.csv"
    source.write_text("Nom,Ville\nCoop A,Longueuil\n", encoding="utf-8")
    arguments = [source, "--default", "legal_form=npo", "--report", path]
    run(*arguments)
    assert ";à créer;" in path.read_text(encoding="utf-8-sig")
    run(*arguments, "--apply")
    assert ";créée;" in path.read_text(encoding="utf-8-sig")
    assert {file.name for file in tmp_path.iterdir()} == {"liste.csv", "rapport.csv"}


@pytest.mark.parametrize("default", ["forme=OBNL", "Forme juridique=npo", "legal_form=OSBL"])
def test_a_default_is_named_as_a_header_is(reference, tmp_path, default):
    source = tmp_path / "liste.csv"
    source.write_text("Nom,Ville\nCoop A,Longueuil\n", encoding="utf-8")
    run(source, "--default", default, "--apply")
    assert Enterprise.objects.get().legal_form == "npo"


def test_work_that_stops_leaves_the_report_that_was_there(tmp_path):
    path = tmp_path / "rapport.csv"
    path.write_text("celui d’hier", encoding="utf-8")

    def work():
        with written(path, applied=True) as each:
            each(Entry(2, "Coop A", Outcome.CREATED))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert path.read_text(encoding="utf-8") == "celui d’hier"
    assert list(tmp_path.iterdir()) == [path]


def test_twelve_thousand_rows_are_read_fast(reference, tmp_path):
    path = tmp_path / "grand.csv"
    rows = [[f"{cells[0]} {number}", *cells[1:4], ""] for number in range(41) for cells in ROWS[1:]]
    path.write_bytes(text([ROWS[0][:5], *rows[:12_000]], ",", "utf-8"))
    start = time.perf_counter()
    summary = as_json(path)
    assert summary["rows"] == 12_000
    # 500 rows a second; the machine may be three times slower when it is busy.
    assert time.perf_counter() - start < 72


# --- Interruptions: a process of its own, on the database of the tests


@pytest.fixture
def importing(reference):
    """Starts the command in its own process."""
    settings = connection.settings_dict
    host, port = settings["HOST"], settings["PORT"]
    where = f"{host}:{port}" if port and not host.startswith("/") else ""
    address = f"postgres://{settings['USER']}:{settings['PASSWORD']}@{where}/{settings['NAME']}"
    if not where:
        address += f"?host={host}" + (f"&port={port}" if port else "")
    processes = []

    def start(path):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "import_enterprises", path, "--apply", "--skip-refused"]
            + ["--default", "legal_form=npo"],
            env=os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("victim", ["session", "command"])
def test_an_import_that_is_killed_leaves_nothing_and_can_be_run_again(
    importing, other, tmp_path, victim
):
    EnterpriseFactory(published=True)
    path = tmp_path / "liste.csv"
    rows = [["Nom", "Ville"], *([f"Coopérative {number}", "Longueuil"] for number in range(5_000))]
    path.write_bytes(text(rows, ",", "utf-8"))
    process = importing(path)
    pid = writing(other)
    if victim == "session":
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    else:
        process.send_signal(signal.SIGKILL)
    _said, error = process.communicate(timeout=60)
    assert process.returncode != 0
    assert Enterprise.objects.count() == 1
    if victim == "session":
        assert "rien n’a été écrit" in error.decode()
        assert "Traceback" not in error.decode()
    again = importing(path)
    said, error = again.communicate(timeout=120)
    assert (again.returncode, error.decode()) == (0, "")  # no progress bar but on a terminal
    assert Enterprise.objects.count() == 5_001
