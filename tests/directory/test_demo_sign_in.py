"""Signing in as somebody of the demonstration."""

import pytest
from django.urls import reverse

from directory import demo_people
from directory.checks import demo_sign_in
from directory.models import User
from tests.factories import UserFactory
from tests.signing_in import code_sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def demonstration(settings, reference):
    settings.DEMO = settings.DEMO_SIGN_IN = settings.EMBEDDED = True
    settings.ROOT_URLCONF = "tests.directory.demo_urls"
    demo_people.load()


def test_one_signs_in_as_anyone_of_the_demonstration(demonstration, client):
    page = client.get("/demo/").content.decode()
    for person in demo_people.PEOPLE:
        assert person.name in page
        response = client.post("/demo/", {"email": person.email})
        assert response.status_code == 302
        assert client.session["_auth_user_id"] == str(User.objects.get(email=person.email).pk)
    assert client.get("/admin/").status_code == 200  # the superuser, asked for no second factor
    assert demo_people.load() == 0


def test_the_code_that_the_demonstration_sends_to_nobody_is_read_there(demonstration, client):
    assert "Aucun courriel encore" in client.get("/demo/courriels/").content.decode()
    email = demo_people.PEOPLE[0].email
    client.post(reverse("account_login"), {"email": email})
    page = client.get("/demo/courriels/").content.decode()
    assert email in page
    code = code_sent(email)
    assert code in page.replace("\xa0", " ")
    assert client.post(reverse("account_code"), {"code": code}).status_code == 302


def test_nobody_else_is_signed_in_there(demonstration, client):
    UserFactory(email="racine@exemple.test", is_superuser=True)
    for email in ("racine@exemple.test", "", "x" * 500):
        assert client.post("/demo/", {"email": email}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_there_is_no_such_page_elsewhere(client, settings, reference):
    addresses = ("/demo/", "/demo/courriels/")
    for address in addresses:
        assert client.get(address).status_code == 404
    settings.ROOT_URLCONF = "tests.directory.demo_urls"
    for address in addresses:
        assert client.get(address).status_code == 404
    assert client.post("/demo/", {"email": demo_people.PEOPLE[-1].email}).status_code == 404


@pytest.mark.parametrize(
    ("demo", "debug", "embedded", "wrong"),
    [(True, False, True, False), (True, True, False, False), (True, False, False, True),
     (False, True, True, True)],
)  # fmt: skip
def test_a_site_that_would_have_it_elsewhere_does_not_start(demo, debug, embedded, wrong, settings):
    settings.DEMO, settings.DEBUG, settings.EMBEDDED = demo, debug, embedded
    settings.DEMO_SIGN_IN = True
    assert bool(demo_sign_in(None)) == wrong
