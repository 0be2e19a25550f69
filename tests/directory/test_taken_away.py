"""A listing that stops being somebody's at the very moment they write to it."""

import threading
import time

import pytest
from django.db import connection, connections, transaction

from directory.models import Enterprise, Representative
from tests.client import StrictClient
from tests.factories import EnterpriseFactory, UserFactory
from tests.forms import filled
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/mon-entreprise/prise/"
#: Not pg_stat_activity, of which a transaction sees one moment only.
WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


def removed():
    Representative.objects.all().delete()


def deleted():
    Enterprise.objects.filter(slug="prise").delete()


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("identite/", removed),
        ("identite/", deleted),
        ("logo/", removed),
        ("confirmer/", deleted),
    ],
)
def test_what_is_taken_away_while_one_sends_is_not_found(path, taken, reference):
    enterprise = EnterpriseFactory(slug="prise", name="Prise", published=True)
    user = UserFactory()
    Representative.objects.create(user=user, enterprise=enterprise, role="editor")
    client = sign_in(StrictClient(), user)
    forms = {"identite/": "partie", "logo/": "logo-forme"}
    sent = filled(client.get(PAGE + path), forms[path]) if path in forms else {}
    sent |= {"mission": "Autre", "faire": "envoyer", "retirer": "1"}
    answers = []

    def send():
        try:
            answers.append(client.post(PAGE + path, sent).status_code)
        finally:
            connections.close_all()

    sender = threading.Thread(target=send)
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        sender.start()
        until = time.monotonic() + 3
        while not somebody_waits() and time.monotonic() < until:
            time.sleep(0.02)
        taken()
    sender.join()
    assert answers == [404]
