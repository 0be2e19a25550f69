"""A directory of its own, of ROWS enterprises, and the report of all that is measured on it."""

import json
import os
import socket
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from directory import state
from tests import starting_point
from tests.bench import volume
from tests.bench.measuring import Caller

ROWS = int(os.environ.get("ROWS", "12000"))
#: Name → (target, whether it is a ceiling, what is measured).
TARGETS = {
    "R1": (1.8, "≤", "search page, word on 1 % of listings / same template on ready dictionaries"),
    "R2": (3.0, "≤", "search page, word on 9 % of listings / same template on ready dictionaries"),
    "R3": (25, "≤", "search page, word on 1 % of listings / a page that says hello"),
    "R4": (1.3, "≤", "SQL of the 1 % page / best hand-written statement for it"),
    "R5": (0.15, "≤", "304 / 200, the 1 % page"),
    "R6": (1.3, "≤", "first page of the whole directory, with facets / without"),
    "R7": (1.2, "≤", "last reachable page of the whole directory / first"),
    "R8 browse": (0.1, "≤", "growth exponent from 12,000 to a million, whole directory"),
    "R8 filtered": (0.3, "≤", "the same, the filter that grows most"),
    "R8 text": (0.5, "≤", "the same, the words that grow most"),
    "R9": (10, "≤", "slowest of 500 queries / the median one"),
    "R10": (1.3, "≤", "the 1 % page to a person signed in / to anyone"),
    "R11": (1.8, "≤", "95th percentile of the 1 % page / its median"),
    "R12": (1.7, "≥", "pages a second for four clients / for one, two workers"),
    "R13": (3, "≤", "saving one listing with its search row / the bare UPDATE"),
    "R14": (0.25, "≥", "rows a second of a validated import, dry / of bulk_create"),
    "R15": (15, "≤", "export of the whole as CSV / COPY … TO STDOUT"),
    "R16": (4, "≤", "bytes of the 1 % page / bytes of its text"),
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Search quality first: it wants the demonstration's enterprises alone. Growth last: it leaves
    a million rows behind."""
    order = {"test_quality.py": -1, "test_scale.py": 1}
    items.sort(key=lambda item: order.get(item.path.name, 0) if "bench" in item.keywords else 0)


@pytest.fixture(scope="package")
def report():
    """Figure → its median and quartiles; printed in the end, and written to bench.json."""
    found = {"rows": ROWS}
    yield found
    show(found)
    path = settings.DATA_DIR / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=False, indent=2))


def show(found):
    print(f"\n\n{'':12}{'median':>8}{'q1':>8}{'q3':>8}{'target':>9}")
    for name, (target, sign, what) in TARGETS.items():
        if name not in found:
            continue
        figure = found[name]
        met = figure["median"] <= target if sign == "≤" else figure["median"] >= target
        quartiles = "".join(f"{figure.get(key, figure['median']):8.2f}" for key in ("q1", "q3"))
        print(
            f"{name:12}{figure['median']:8.2f}{quartiles}{f'{sign} {target}':>9}"
            f"  {'met' if met else 'NOT MET':8} {what}"
        )
    for name, value in found.items():
        if name not in TARGETS:
            print(f"\n{name}: {json.dumps(value, ensure_ascii=False, indent=2)}")


@pytest.fixture(scope="package")
def directory_of_rows(django_db_setup, django_db_blocker):
    """ROWS enterprises, but no more than the generator writes: `volume.multiply` does the rest."""
    # All of it is emptied in the end: not a database that somebody uses.
    assert settings.DATABASES["default"]["NAME"].startswith("test_")
    with django_db_blocker.unblock():
        volume.generate(ROWS)
        state.recount(state.current().today)
        yield
        starting_point.put_back()
        state.forget()
        connection.close()


@pytest.fixture
def call(directory_of_rows, settings):
    settings.ALLOWED_HOSTS = ["*"]
    return Caller()


@pytest.fixture
def served(directory_of_rows):
    """The port of the site as it is served: gunicorn, two workers of four threads."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "config.wsgi", "--preload", "--worker-class", "gthread"]
        + ["--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "warning"]
        + ["--bind", f"127.0.0.1:{port}"],
        env=environment(),
    )
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    server.terminate()
    server.wait(timeout=40)


def environment():
    """That of another process on the same data."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }


def database_url():
    """The address of the tests' database, for another process."""
    given = connection.settings_dict
    user = quote(given["USER"] or "", safe="")
    password = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    host, port = quote(given["HOST"] or "", safe=""), given["PORT"]
    return f"postgres://{user}{password}@{host}{f':{port}' if port else ''}/{given['NAME']}"
