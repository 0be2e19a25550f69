import csv
import io

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import state
from directory.imports.run import Import
from directory.models import ImportBatch
from tests.forms import filled
from tests.imports import ADD, NPO, address, as_csv


@pytest.fixture
def file(tmp_path):
    """Writes these rows, dicts of header → cell, as a file."""

    def written(*rows):
        headers = list(dict.fromkeys(header for row in rows for header in row))
        content = io.StringIO()
        writer = csv.DictWriter(content, headers)
        writer.writeheader()
        writer.writerows(rows)
        path = tmp_path / "fichier.csv"
        path.write_text(content.getvalue(), encoding="utf-8")
        return path

    return written


@pytest.fixture
def imported(file, reference):
    """Imports these rows; gives what became of each."""

    def run(*rows, answers=NPO, skip_refused=True):
        work = Import(file(*rows), answers)
        entries = []
        work.apply(work.preview(), skip_refused=skip_refused, each=entries.append)
        return entries

    return run


# --- The same in the admin


@pytest.fixture
def give(curator):
    """Uploads these rows, or this content; gives the answer."""

    def given(*rows, content=None, name="liste.csv", **said):
        file = SimpleUploadedFile(name, as_csv(rows) if content is None else content)
        return curator.post(reverse(ADD), {"file": file, "basis": "none"} | said)

    return given


@pytest.fixture
def previewed(give, curator):
    """Uploads these rows and accepts the columns that are guessed; gives the batch."""

    def to_preview(*rows, columns=None, **said):
        response = give(*rows, **said)
        assert response.status_code == 302, response.context["form"].errors
        form = filled(curator.get(response.url), "import_columns")
        response = curator.post(response.url, form | {"legal_form": "npo"} | (columns or {}))
        assert response.status_code == 302, response.context["form"].errors
        return ImportBatch.objects.latest("pk")

    return to_preview


@pytest.fixture
def applied(previewed, curator):
    """The same, then imports what is good."""

    def through(*rows, **said):
        batch = previewed(*rows, **said)
        assert curator.post(address("apply", batch)).status_code == 302
        batch.refresh_from_db()
        assert batch.state == "applied"
        return batch

    return through


# --- Another session, to see and to kill


@pytest.fixture
def other():
    settings = connection.settings_dict
    session = psycopg.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"] or None,
        autocommit=True,
    )
    yield session
    session.close()


@pytest.fixture
def as_large(monkeypatch):
    """Has a directory of more than so many listings answer as one too large to be all looked at;
    its counts are taken now."""

    def as_large(most=100):
        monkeypatch.setattr(state, "EXACT_UP_TO", most)
        state.recount(timezone.localdate())
        state.forget()

    return as_large
