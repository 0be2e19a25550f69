"""An import of the admin that is cut short, or asked for twice at once."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection

from directory.imports import batches
from directory.models import AuditEntry, Enterprise, ImportBatch, Revision
from tests.client import StrictClient
from tests.imports import address, as_csv, writing
from tests.signing_in import sign_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference"),
]


@pytest.fixture
def read(curator, tmp_path):
    """A batch of so many rows, its columns understood."""

    def of(count):
        rows = [{"Nom": f"Organisme {number}", "Ville": "Longueuil"} for number in range(count)]
        path = tmp_path / "liste.csv"
        path.write_bytes(as_csv(rows))
        batch = batches.receive(path=path, name="liste.csv", by=curator.user)
        columns, _saved = batches.proposed_columns(batch)
        return batches.understand(
            pk=batch.pk, columns=columns, defaults={"legal_form": "npo"}, name=""
        )

    return of


@contextmanager
def posting(user, *addresses):
    """Posts to these addresses, each in a thread with its own session; gives the statuses, once
    they are there."""
    statuses = []

    def post(path):
        try:
            client = StrictClient(raise_request_exception=False)
            sign_in(client, user)
            statuses.append(client.post(path).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[path]) for path in addresses]
    for thread in threads:
        thread.start()
    yield statuses
    for thread in threads:
        thread.join(120)


def test_an_import_that_is_killed_leaves_nothing_says_so_and_starts_again(read, curator, other):
    batch = read(3_000)
    with posting(curator.user, address("apply", batch)) as statuses:
        other.execute("SELECT pg_terminate_backend(%s)", [writing(other)])
    assert statuses == [503]
    assert not Enterprise.objects.exists()
    html = curator.get(address("change", batch)).content.decode()
    assert "interrompu" in html
    assert ImportBatch.objects.get().state == "failed"
    assert curator.post(address("apply", batch)).status_code == 302
    assert Enterprise.objects.count() == 3_000
    assert (ImportBatch.objects.get().state, Revision.objects.count()) == ("applied", 0)
    assert Enterprise.history.count() == 3_000


def test_one_that_is_under_way_is_not_said_to_have_failed(read, curator):
    batch = read(1_000)
    with posting(curator.user, address("apply", batch)):
        while not ImportBatch.objects.get().started_at:
            pass
        curator.get(address("change", batch))
    assert ImportBatch.objects.get().state == "applied"


@pytest.mark.parametrize("act", ["apply", "undo"])
def test_two_who_do_it_at_once_do_it_once(read, curator, act):
    batch = read(300)
    if act == "undo":
        curator.post(address("apply", batch))
    with posting(curator.user, *[address(act, batch)] * 5) as statuses:
        pass
    assert statuses == [302] * 5
    assert Enterprise.objects.count() == (300 if act == "apply" else 0)
    assert AuditEntry.objects.filter(act__startswith="import.").count() == 1 + (act == "undo")


def test_the_same_file_sent_five_times_at_once_is_one_import(curator, tmp_path):
    path = tmp_path / "liste.csv"
    path.write_bytes(as_csv([{"Nom": "Coop A", "Ville": "Longueuil"}]))
    made = []

    def receive():
        made.append(batches.receive(path=path, name="liste.csv", by=curator.user).pk)
        connection.close()

    threads = [threading.Thread(target=receive) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 5
    assert len(set(made)) == 1
    assert ImportBatch.objects.count() == 1
