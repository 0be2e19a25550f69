"""What tests start from: the database with its reference data, and the people of the site."""

import os
import shutil

import pytest
from django.conf import settings

from tests.client import StrictClient


@pytest.fixture(scope="session", autouse=True)
def media():
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


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
def django_db_setup(django_db_setup, django_db_blocker):
    from directory import reference

    with django_db_blocker.unblock():
        reference.load()


@pytest.fixture(autouse=True)
def fresh_process():
    """Versions go back when a test is rolled back: nothing kept under one may outlive it."""
    from directory import state

    state.forget()


@pytest.fixture
def reference(db):
    """The reference data, also after a test that empties every table when it ends."""
    from directory import reference
    from directory.models import Region

    if not Region.objects.exists():
        reference.load()


@pytest.fixture
def client():
    return StrictClient()


@pytest.fixture
def people(db):
    """Makes a signed-in client for a person of this description."""
    from tests.factories import UserFactory

    def signed_in(**fields):
        client = StrictClient()
        client.user = UserFactory(**fields)
        client.force_login(client.user)
        return client

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
