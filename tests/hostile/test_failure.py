"""The database goes, comes back, is slow or locked; two people write the same thing at once."""

import contextlib
import socket
import threading
import time

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.signals import request_finished, request_started
from django.db import (
    DatabaseError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)
from django.urls import reverse

from config import errors
from directory.models import Contact, Enterprise, ErrorReport, Offering
from tests.client import StrictClient
from tests.directory.test_reports import WRONG, issued
from tests.factories import ContactFactory, EnterpriseFactory, OfferingFactory, UserFactory
from tests.forms import filled
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

LISTED = reverse("directory:list")


@pytest.fixture
def visitor(reference):
    return StrictClient(raise_request_exception=False)


@pytest.fixture
def other(reference):
    """A session of the database that is not the site's."""
    settings = connection.settings_dict
    session = psycopg.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"],
        autocommit=True,
    )
    yield session
    session.close()


@contextlib.contextmanager
def locked(session, statement):
    with session.transaction():
        session.execute(statement)
        yield


def waiting(session, number):
    """Until so many sessions of the site wait for a lock."""
    deadline = time.monotonic() + 5
    asked = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    # Within a transaction, what others do is kept as first seen.
    while session.execute("SELECT pg_stat_clear_snapshot()") and (
        session.execute(asked).fetchone()[0] < number
    ):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)


def assert_unavailable(response):
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"
    page = response.content.decode()
    assert '<html lang="fr-CA"' in page
    assert errors.TEXTS[503][0] in page
    for secret in ("psycopg", "SELECT", "Traceback", "127.0.0.1", "OperationalError"):
        assert secret not in page


# --- The database goes and comes back


@contextlib.contextmanager
def as_served():
    """Connections are looked after between requests, as outside of tests."""
    for signal, when in ((request_started, "start"), (request_finished, "end")):
        signal.connect(close_old_connections, dispatch_uid=f"as served {when}")
    try:
        yield
    finally:
        for signal, when in ((request_started, "start"), (request_finished, "end")):
            signal.disconnect(dispatch_uid=f"as served {when}")


@pytest.fixture
def served(visitor):
    """Asks for the list as a server does, on a connection kept between requests; its status."""
    from config.wsgi import application

    def ask():
        answered = []
        response = application(
            visitor._base_environ(PATH_INFO=LISTED), lambda *head: answered.append(head)
        )
        b"".join(response)
        response.close()
        return int(answered[0][0][:3])

    assert ask() == 200
    return ask


def test_a_session_killed_between_two_requests_is_replaced_without_an_error(served, other):
    pid = connection.connection.info.backend_pid
    other.execute("SELECT pg_terminate_backend(%s)", [pid])
    time.sleep(0.1)
    assert served() == 200
    assert connection.connection.info.backend_pid != pid


def test_the_first_statement_of_a_page_tells_whether_its_connection_lives(served, monkeypatch):
    asked = []
    usable = connection.is_usable
    monkeypatch.setattr(connection, "is_usable", lambda: asked.append(1) or usable())
    assert served() == 200
    assert asked == []


def test_a_first_statement_that_fails_on_a_living_connection_is_not_asked_again(served, other):
    with locked(other, "LOCK TABLE directory_version IN ACCESS EXCLUSIVE MODE"):
        started = time.monotonic()
        assert served() == 503
        assert 2 <= time.monotonic() - started < 4
    assert served() == 200


def test_a_session_killed_while_it_answers_gives_one_503_and_the_next_page_is_fine(visitor, other):
    with contextlib.ExitStack() as held, as_served():
        held.enter_context(locked(other, "LOCK TABLE directory_listing IN ACCESS EXCLUSIVE MODE"))
        answers = []
        asking = threading.Thread(
            target=lambda: (answers.append(visitor.get(LISTED)), connections.close_all())
        )
        asking.start()
        waiting(other, 1)
        other.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        )
        asking.join(10)
    assert_unavailable(answers[0])
    assert visitor.get(LISTED).status_code == 200


def test_a_session_that_the_database_could_not_keep_is_no_fault_of_the_reader(client, rf):

    def interrupted(error):
        try:
            try:
                raise error
            except DatabaseError:
                raise SessionInterrupted("The session was deleted before…")  # noqa: B904 as Django
        except SessionInterrupted as raised:
            return errors.bad_request(rf.get("/"), raised)

    assert interrupted(OperationalError("canceling statement")).status_code == 503
    assert interrupted(DatabaseError("Forced update did not affect any rows")).status_code == 400


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up_on(visitor):
    """Such as a machine that was halted: no refusal comes back."""
    alive = connections["default"]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = {"HOST": "127.0.0.1", "PORT": str(mute.getsockname()[1])}
        connections["default"] = type(alive)({**alive.settings_dict, **place}, "default")
        started = time.monotonic()
        try:
            response = visitor.get(LISTED)
        finally:
            connections["default"] = alive
    assert_unavailable(response)
    assert time.monotonic() - started < 6
    assert visitor.get(LISTED).status_code == 200


# --- Locked, slow


def test_the_limits_are_those_of_the_settings(visitor):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT name, setting FROM pg_settings WHERE name IN
            ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')"""
        )
        assert dict(cursor.fetchall()) == {
            "lock_timeout": "2000",
            "statement_timeout": "5000",
            "idle_in_transaction_session_timeout": "15000",
        }


@pytest.fixture
def impatient(visitor):
    """The same limit, shorter, so that the tests are."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 150")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 2000")


TABLES = [
    "directory_listing",
    "directory_enterprise",
    "directory_version",
    "directory_snapshot",
    "directory_contact",
]


@pytest.mark.parametrize("table", TABLES)
def test_a_locked_table_gives_a_503_in_time_and_the_page_once_it_is_free(
    table, visitor, other, impatient
):
    enterprise = EnterpriseFactory(published=True, slug="cible")
    addresses = [
        *("/", LISTED, f"{LISTED}?q=traiteur", "/entreprises.json", "/sante/pret"),
        *("/entreprises/suggestions/?q=tra", enterprise.get_absolute_url(), "/villes/longueuil/"),
        *("/secteurs/alimentation/", "/logos/rien.png", "/admin/", "/nulle-part/"),
    ]
    refused = 0
    with locked(other, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
        for address in addresses:
            started = time.monotonic()
            response = visitor.get(address)
            assert time.monotonic() - started < 2, address
            assert response.status_code in {200, 302, 404, 503}, address
            if response.status_code == 503:
                refused += 1
                if address != "/sante/pret":
                    assert_unavailable(response)
    assert refused
    for address in addresses:
        assert visitor.get(address).status_code in {200, 302, 404}, address


def test_a_person_signed_in_gets_the_same_page_when_sessions_cannot_be_read(
    visitor, other, impatient
):
    visitor.force_login(UserFactory())
    with locked(other, "LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE"):
        assert_unavailable(visitor.get(LISTED))
    assert visitor.get(LISTED).status_code == 200


def test_a_long_write_keeps_nobody_from_reading(visitor, other):
    """An import that has not committed: what was published before is what is read."""
    enterprise = EnterpriseFactory(name="Avant", published=True, slug="cible")
    with locked(other, "UPDATE directory_enterprise SET name = 'Pendant'"):
        for address in ("/", LISTED, f"{LISTED}?q=avant", enterprise.get_absolute_url()):
            response = visitor.get(address)
            assert response.status_code == 200
            assert "Avant" in response.content.decode()
    assert "Pendant" in visitor.get(LISTED).content.decode()


# --- Two people in the back office


class Desk:
    """A member of staff in a browser of their own, who works while others do."""

    def __init__(self, name):
        self.client = StrictClient()
        user = UserFactory(email=f"{name}@exemple.test", is_staff=True, is_superuser=True)
        sign_in(self.client, user)
        self.response = self.thread = self.error = None

    def form(self, address, form="enterprise_form"):
        return filled(self.client.get(address), form)

    def send(self, address, values):
        def work():
            try:
                self.response = self.client.post(address, values)
            except BaseException as error:
                self.error = error
            finally:
                connections.close_all()

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def status(self):
        self.thread.join(15)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self.response.status_code

    @property
    def said(self):
        return self.response.content.decode()


@pytest.fixture
def desks(reference, monkeypatch):
    """Their requests wait for a lock as long as a machine under load makes them: what these tests
    ask is what becomes of them in that order."""
    options = connection.settings_dict["OPTIONS"]
    patient = options["options"].replace(f"lock_timeout={settings.LOCK_TIMEOUT}", "lock_timeout=0")
    assert patient != options["options"]
    monkeypatch.setitem(options, "options", patient)
    return Desk("une"), Desk("deux")


def change_of(row):
    name = row._meta.model_name
    return reverse(f"admin:directory_{name}_change", args=[row.pk])


def test_two_people_who_save_the_same_listing_at_once_lose_nothing(desks, other):
    enterprise = EnterpriseFactory(published=True, mission="Avant")
    address = change_of(enterprise)
    forms = [desk.form(address) for desk in desks]
    with locked(other, f"SELECT 1 FROM directory_enterprise WHERE id = {enterprise.pk} FOR UPDATE"):
        for number, (desk, form) in enumerate(zip(desks, forms, strict=True)):
            desk.send(address, form | {"mission": f"Mission {number}"})
        waiting(other, 2)
    statuses = [desk.status() for desk in desks]
    assert sorted(statuses) == [200, 302]
    enterprise.refresh_from_db()
    winner = statuses.index(302)
    assert enterprise.mission == f"Mission {winner}"
    assert "modifiée depuis que vous l’avez ouverte" in desks[1 - winner].said
    # What the other one typed is still there, to be copied.
    assert f"Mission {1 - winner}" in desks[1 - winner].said


def test_a_form_sent_twice_makes_one_listing_and_says_so(desks, other):
    address = reverse("admin:directory_enterprise_add")
    city = EnterpriseFactory().city
    form = desks[0].form(address) | {
        **{"name": "Deux fois", "slug": "deux-fois", "legal_form": "npo", "city": city.pk},
        "neq": "1142345678",
    }
    desks[1].client = StrictClient()
    desks[1].client.cookies = desks[0].client.cookies.copy()  # the same person clicked twice
    with locked(other, "LOCK TABLE directory_enterprise IN SHARE MODE"):  # read, but not written
        for desk in desks:
            desk.send(address, form)
        waiting(other, 2)
    assert sorted(desk.status() for desk in desks) == [200, 302]
    assert Enterprise.objects.filter(name="Deux fois").count() == 1
    said = next(desk for desk in desks if desk.status() == 200).said
    assert "existe déjà" in said


def test_a_listing_deleted_while_another_saves_it_is_said_to_be_gone(desks, other):
    for first in (0, 1):
        enterprise = EnterpriseFactory(published=True)
        OfferingFactory(enterprise=enterprise)
        address = change_of(enterprise)
        saved = (address, desks[0].form(address) | {"mission": "Nouvelle"})
        deleted = (address.replace("/change/", "/delete/"), {"post": "yes"})
        order = [(desks[0], saved), (desks[1], deleted)]
        held = f"SELECT 1 FROM directory_enterprise WHERE id = {enterprise.pk} FOR UPDATE"
        with locked(other, held):
            for number, (desk, what) in enumerate(order if first == 0 else order[::-1], start=1):
                desk.send(*what)
                waiting(other, number)
        assert desks[1].status() == 302
        assert desks[0].status() in {200, 302}
        assert not Enterprise.objects.filter(pk=enterprise.pk).exists()
        assert not Offering.objects.filter(enterprise=enterprise.pk).exists()


def test_a_listing_deleted_while_another_adds_to_it_takes_it_along(desks, other):
    for first in (0, 1):
        enterprise = EnterpriseFactory(published=True)
        address = reverse("admin:directory_offering_add")
        form = desks[0].form(address, "offering_form")
        added = (address, form | {"enterprise": enterprise.pk, "kind": "service", "name": "Repas"})
        deleted = (change_of(enterprise).replace("/change/", "/delete/"), {"post": "yes"})
        order = [(desks[0], added), (desks[1], deleted)]
        held = f"SELECT 1 FROM directory_enterprise WHERE id = {enterprise.pk} FOR UPDATE"
        with locked(other, held):
            for number, (desk, what) in enumerate(order if first == 0 else order[::-1], start=1):
                desk.send(*what)
                waiting(other, number)
        assert {desks[0].status(), desks[1].status()} <= {200, 302}
        assert 302 in {desks[0].status(), desks[1].status()}
        left = Offering.objects.filter(enterprise=enterprise.pk).exists()
        assert Enterprise.objects.filter(pk=enterprise.pk).exists() == left


def test_a_child_deleted_while_its_listing_is_saved_is_no_breakdown(desks, other):
    enterprise = EnterpriseFactory(published=True)
    contact = ContactFactory(enterprise=enterprise)
    address = change_of(enterprise)
    form = desks[0].form(address) | {"contacts-0-function": "Ventes"}
    held = f"SELECT 1 FROM directory_enterprise WHERE id = {enterprise.pk} FOR UPDATE"
    with locked(other, held):
        desks[1].send(change_of(contact).replace("/change/", "/delete/"), {"post": "yes"})
        waiting(other, 1)
        desks[0].send(address, form)
        waiting(other, 2)
    assert [desk.status() for desk in desks] == [200, 302]
    assert not Contact.objects.exists()


def test_a_listing_that_others_hold_too_long_is_not_waited_for(desks, other, impatient):
    enterprise = EnterpriseFactory(published=True)
    address = change_of(enterprise)
    desk = desks[0]
    desk.client.raise_request_exception = False
    form = desk.form(address)
    held = f"SELECT 1 FROM directory_enterprise WHERE id = {enterprise.pk} FOR UPDATE"
    with locked(other, held):
        assert_unavailable(desk.client.post(address, form))
    assert desk.client.post(address, form).status_code == 302


def test_a_word_added_between_two_statements_of_a_page_is_no_breakdown(visitor, other):
    """A page reads the names first, then the rows; a sector may come in between."""
    enterprise = EnterpriseFactory(published=True)
    for address in (enterprise.get_absolute_url(), f"{LISTED}?q=traiteur", LISTED):
        added = []

        def meanwhile(execute, sql, params, many, context, added=added):
            result = execute(sql, params, many, context)
            if "directory_version" in sql and not added:
                added.append(sql)
                other.execute(
                    """WITH s AS (INSERT INTO directory_sector
                        (slug, name, description, position, retired, origin)
                        VALUES ('x' || md5(random()::text), 'Nouveau', '', 99, false, 'staff')
                        RETURNING id)
                    INSERT INTO directory_enterprise_sectors (enterprise_id, sector_id)
                    SELECT %s, id FROM s""",
                    [enterprise.pk],
                )
            return result

        with connection.execute_wrapper(meanwhile):
            assert visitor.get(address).status_code == 200, address
        assert added


def test_where_nothing_can_be_counted_nothing_is_kept_and_everything_can_be_read(
    visitor, other, impatient
):
    enterprise = EnterpriseFactory(published=True)
    address = reverse("directory:report", args=[enterprise.slug])
    sent = WRONG | {"issued": issued()}
    with locked(other, "LOCK TABLE directory_counter"):
        assert_unavailable(visitor.post(address, sent))
        for read in (address, enterprise.get_absolute_url(), LISTED, reverse("directory:suggest")):
            assert visitor.get(read).status_code == 200
    assert not ErrorReport.objects.exists()
    assert visitor.post(address, sent).status_code == 302
