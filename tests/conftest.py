"""What tests start from: the database with its reference data, and the people of the site."""

import gc
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.client import StrictClient

HERE = Path(__file__).parent
BROWSER = f"{HERE.name}/browser/"

# --- Several processes: each has a database of its own on the same server, and files of its own


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The longest parts first, so that no process is left with one of them in the end."""
    order = {"browser": 0, "test_access.py": 1, "hostile": 2}
    items.sort(key=lambda item: order.get(item.path.relative_to(HERE).parts[0], 3))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Parts(LoadScopeScheduling):
        """What stays together, so that its data are made once: a file, or the folder of those
        that share a running site."""

        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return BROWSER if file.startswith(BROWSER) else file

    config.option.loadscopereorder = False  # by number of tests, which says little of their time
    return Parts(config, log)


def pytest_collection_finish():
    """What is loaded stays loaded: looking through it again and again for what could be freed
    takes a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture
def tell(record_property):
    """Says something at the end of the run, whichever process ran the test."""
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter):
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "told" and report.when == "call":
                    terminalreporter.write_line(text)


def pytest_unconfigure():
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


# --- The database


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Without a server given, the tests have an embedded one to themselves."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from config import embedded

    with embedded.running("postgres-test", durable=False):
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment,
    django_db_modify_db_settings,
    django_db_blocker,
    django_db_keepdb,
    django_db_createdb,
):
    """A database for tests, with the reference data in it.

    Made whoever asks: pytest-django's own makes none where no test is marked as needing one, and
    what a fixture then writes goes to the real database.
    """
    from tests import starting_point

    keepdb = django_db_keepdb and not django_db_createdb
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=keepdb)
        starting_point.make()
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            # A page that a browser asked for and did not wait for may still be at it.
            with connection.cursor() as cursor:
                cursor.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
                )
            teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def fresh_process():
    """Versions go back when a test is rolled back: nothing kept under one may outlive it."""
    from directory import state, visits

    state.forget()
    visits.forget()


@pytest.fixture(scope="module")
def reference_kept(django_db_setup):
    """The reference data for what a module reads once, before any of its tests."""


@pytest.fixture
def reference(db):
    """The reference data: they are there, whatever the tests before did. Said by those that rest on
    them."""


@pytest.fixture
def client():
    return StrictClient()


@pytest.fixture
def people(db):
    """Makes a signed-in client for a person of this description."""
    from tests.factories import UserFactory
    from tests.signing_in import sign_in

    def signed_in(**fields):
        client = StrictClient()
        client.user = UserFactory(**fields)
        return sign_in(client, client.user)

    return signed_in


@pytest.fixture
def member(people):
    """Someone signed in who has no right of any kind."""
    return people(email="membre@exemple.test", name="Maude Membre")


@pytest.fixture
def staff(people):
    """Someone of the Pôle to whom no permission has been given yet."""
    return people(email="equipe@exemple.test", name="Estelle Équipe", is_staff=True)


@pytest.fixture
def superuser(people):
    return people(
        email="racine@exemple.test", name="Raoul Racine", is_staff=True, is_superuser=True
    )


@pytest.fixture
def smtp(settings):
    """A running mail server that the outbox is told of; see tests/smtp.py."""
    from tests.smtp import Server

    server = Server().start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 2
    settings.SITE_URL = "https://repertoire.example"
    yield server
    server.stop()


# --- The real browser: tests that use it are marked `browser`


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium, started once; tests that need it are skipped where it is not. Its
    build without windows has the same engine and takes a third less time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    path = next(filter(None, map(shutil.which, names)), None)
    if not path:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import expect, sync_playwright

    # Playwright runs an event loop in this thread, where Django then refuses its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(chromium, live_server, reference):
    """Opens windows on the running site. What the browser refused (the content policy, an error of
    a script, a file not found) is in `visit.complaints`, which must be empty in the end."""
    visits = SimpleNamespace(complaints=[], contexts=[])

    def window(**options):
        context = chromium.new_context(base_url=live_server.url, locale="fr-CA", **options)
        visits.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: visits.complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                visits.complaints.append(f"{page.url}: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        return page

    visits.window = window
    yield visits
    for context in visits.contexts:
        context.close()
    assert visits.complaints == []


@pytest.fixture
def deactivated(people):
    """Signed in when their account was closed."""
    client = people(email="partie@exemple.test", is_staff=True, is_superuser=True)
    client.user.is_active = False
    client.user.save()
    return client


# --- An enterprise’s people, and the Pôle’s


@pytest.fixture
def enterprise(db):
    """Alice's: published, with nothing but what is required."""
    from tests.factories import EnterpriseFactory

    return EnterpriseFactory(name="Les Ateliers d’Alice", slug="ateliers-alice", published=True)


@pytest.fixture
def alice(people, enterprise):
    """The owner of `enterprise`."""
    return representing(people(email="alice@exemple.test", name="Alice Aubin"), enterprise, "owner")


@pytest.fixture
def colleague(people, enterprise):
    """An editor of `enterprise`."""
    client = people(email="charlie@exemple.test", name="Charlie Côté")
    return representing(client, enterprise, "editor")


@pytest.fixture
def bob(people):
    """The owner of another enterprise, to whom `enterprise` is nobody's business."""
    from tests.factories import EnterpriseFactory

    other = EnterpriseFactory(name="Buanderie Bob", slug="buanderie-bob", published=True)
    return representing(people(email="bob@exemple.test", name="Bob Bédard"), other, "owner")


def representing(client, enterprise, role):
    from directory.models import Representative

    Representative.objects.create(user=client.user, enterprise=enterprise, role=role)
    client.enterprise = enterprise
    return client


@pytest.fixture
def curator(people, reference):
    return in_group(people(email="curation@exemple.test", is_staff=True), "Curation")


@pytest.fixture
def moderator(people, reference):
    return in_group(people(email="moderation@exemple.test", is_staff=True), "Modération")


@pytest.fixture
def facilitator(people, reference):
    return in_group(people(email="accompagnement@exemple.test", is_staff=True), "Accompagnement")


def in_group(client, name):
    from django.contrib.auth.models import Group

    client.user.groups.add(Group.objects.get(name=name))
    return client
