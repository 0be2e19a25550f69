"""Files: R14, an import read and checked; R15, an export of the whole."""

import csv
import gzip
import io
import json
import statistics
import subprocess
import sys
import time

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from directory.models import City, Enterprise
from tests.bench.conftest import environment
from tests.bench.measuring import summary

pytestmark = [pytest.mark.bench, pytest.mark.urls("tests.bench.urls")]

ROUNDS = 7
# The rows that an export is made of, as they stand.
SOURCES = (
    "directory_enterprise",
    "directory_enterprise_sectors",
    "directory_enterprisebenefit",
    "directory_certification",
    "directory_offering",
    "directory_contact",
    "directory_permit",
    "directory_recognition",
    "directory_enterprise_served_regions",
    "directory_enterprise_served_counties",
    "directory_enterprise_served_cities",
)
# What reading the whole export adds to the largest size that the process ever had.
MEMORY = """
import resource
from django.test import Client
import django

django.setup()
client = Client(SERVER_NAME="127.0.0.1")

def size():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def read(path):
    for piece in client.get(path).streaming_content:
        pass

read("/entreprises.csv?secteur=habitation")
before = size()
read("/entreprises.csv")
print(size() - before)
"""


@pytest.fixture
def unknown(call, tmp_path):
    """The whole directory as a file of enterprises that are not in it."""
    whole = gzip.decompress(call("/entreprises.csv")[1]).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(whole), delimiter=";")
    path = tmp_path / "liste.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(header)
        for number, row in enumerate(rows):
            named = dict(zip(header, row, strict=True))
            named |= dict.fromkeys(("Fiche", "NEQ", "Téléphone", "Courriel", "Site web"), "")
            named["Nom"] = f"{number} {named['Nom']}"
            writer.writerow(named[name] for name in header)
    return path, len(rows)


def test_an_import_against_rows_written_as_they_come(call, unknown, report):
    path, count = unknown
    city = City.objects.first()
    rates, bare = [], []
    for round_ in range(3):
        said = io.StringIO()
        started = time.perf_counter()
        call_command("import_enterprises", path, "--json", stdout=said, stderr=io.StringIO())
        rates.append(count / (time.perf_counter() - started))
        drafts = [
            Enterprise(name=f"Brouillon {n}", slug=f"brouillon-{round_}-{n}", city=city)
            for n in range(count)
        ]
        with transaction.atomic():
            started = time.perf_counter()
            for draft in drafts:
                draft.legal_form = "npo"
            Enterprise.objects.bulk_create(drafts, batch_size=1_000)
            bare.append(count / (time.perf_counter() - started))
            transaction.set_rollback(True)
    report["R14"] = {"median": round(statistics.median(rates) / statistics.median(bare), 3)}
    report["import, dry"] = {
        "rows a second": round(min(rates)),
        "what it says": json.loads(said.getvalue()).get("counts"),
    }


def test_an_export_against_a_copy_of_what_it_is_made_of(call, report):
    ratios, seconds = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call("/entreprises.csv")
        exported = time.perf_counter() - started
        started = time.perf_counter()
        with connection.cursor() as cursor:
            for table in SOURCES:
                with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                    for _piece in copy:
                        pass
        ratios.append(exported / (time.perf_counter() - started))
        seconds.append(exported)
    report["R15"] = summary(ratios)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    report["export of the whole as CSV"] = {
        "seconds": round(statistics.median(seconds), 2),
        "memory, MB": round(int(done.stdout.splitlines()[-1]) / 1024, 1),
    }
