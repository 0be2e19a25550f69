"""Ten thousand requests drawn at random over the public site: no breakdown, nothing in the log.

FUZZ_SEED draws those of another run again, FUZZ_REQUESTS more or fewer of them.
"""

import logging
import os
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from django.test import Client

from tests import demonstration
from tests.factories import EnterpriseFactory
from tests.hostile.attacker import Attacker
from tests.test_access import addresses

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "10000"))
SLOW = 2.0  # seconds
#: Enterprises of the site attacked: enough for every facet to have values.
ENTERPRISES = 60

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def site(reference):
    """A site of each state of an enterprise, with a logo."""
    demonstration.write(ENTERPRISES, seed="attaque", logos=2)
    EnterpriseFactory(name="Archivée", slug="archivee", archived=True)


@contextmanager
def logged():
    """The records that a site in good health never writes: errors, and any with an exception."""
    records = []

    class Keeper(logging.Handler):
        def emit(self, record):
            # What Django reports so is a refusal: a host that is not ours, a form too large or
            # that cannot be read.
            refused = (
                getattr(record, "status_code", 0) in (400, 403) and record.levelno < logging.ERROR
            )
            if refused or record.name.startswith("django.security."):
                return
            if record.levelno >= logging.ERROR or record.exc_info:
                records.append(record)

    keeper = Keeper()
    logging.getLogger().addHandler(keeper)
    try:
        yield records
    finally:
        logging.getLogger().removeHandler(keeper)


def send(client, drawn):
    client.cookies.clear()  # one who never came
    response = client.generic(
        drawn.method,
        drawn.path,
        drawn.body,
        drawn.kind,
        headers=drawn.headers,
        QUERY_STRING=drawn.query,
    )
    if response.streaming:
        response.getvalue()  # to the end: an export may fail on its last row
    return response


def test_no_request_breaks_the_site(site, request, tell):
    seed = os.environ.get("FUZZ_SEED") or str(request.config.getoption("randomly_seed", 1))
    client = Client(raise_request_exception=False)
    attacker = Attacker(seed, addresses())
    statuses, failures, slow, longest = Counter(), [], [], 0.0
    with logged() as records:
        attacker.learn(client)
        assert not records, records
        for number in range(REQUESTS):
            drawn = attacker.draw()
            started = time.perf_counter()
            response = send(client, drawn)
            elapsed = time.perf_counter() - started
            longest = max(longest, elapsed)
            statuses[response.status_code] += 1
            if elapsed > SLOW:
                slow.append(f"{elapsed:.1f} s: {drawn}")
            if response.status_code >= 500 or records:
                failures.append(f"{number}: {response.status_code} {drawn} {records}")
                records.clear()
    said = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    tell(f"FUZZ_SEED={seed}: {said}; longest {longest:.2f} s, {len(slow)} over {SLOW:.0f} s")
    for text in slow[:10]:
        tell(text[:300])
    assert not failures, f"FUZZ_SEED={seed}\n" + "\n".join(text[:800] for text in failures[:10])


def test_the_log_and_a_breakdown_would_be_seen(site, monkeypatch):
    """The attack would be worth nothing if it could not fail."""
    from directory.views import search

    monkeypatch.setattr(search, "suggest", lambda *_: 1 / 0)
    client = Client(raise_request_exception=False)
    with logged() as records:
        response = client.get("/entreprises/suggestions/?q=a")
    assert response.status_code == 500
    assert any("ZeroDivisionError" in str(record.exc_info) for record in records)


def test_the_same_seed_draws_the_same_requests(site):
    def drawn(seed):
        attacker = Attacker(seed, addresses())
        attacker.learn(Client())
        return [attacker.draw() for _ in range(50)]

    assert drawn("1") == drawn("1") != drawn("2")


def test_every_public_address_and_parameter_is_attacked(site):
    from directory.filters import FileFilter

    attacker = Attacker("1", addresses())
    attacker.learn(Client())
    assert set(FileFilter.base_filters) <= set(attacker.names)
    assert {"alimentation", "coop_worker", "nom"} <= set().union(*attacker.known.values())
    routes = {route for _, route in addresses() if not route.startswith("admin/")}
    assert routes <= set(attacker.routes)
