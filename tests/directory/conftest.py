import csv
import io

import pytest
from django.utils import timezone

from directory import state
from directory.imports.run import Import
from tests.imports import NPO


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


@pytest.fixture
def as_large(monkeypatch):
    """Has a directory of more than so many listings answer as one too large to be all looked at;
    its counts are taken now."""

    def as_large(most=100):
        monkeypatch.setattr(state, "EXACT_UP_TO", most)
        state.recount(timezone.localdate())
        state.forget()

    return as_large
