import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.urls import reverse

from config import errors
from tests.client import StrictClient
from tests.factories import EnterpriseFactory

pytestmark = pytest.mark.urls("tests.config.urls")

LARGE = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

# How each page of error is met: method, address, form.
WAYS = {
    400: ("get", "/entreprises/?q=%00", {}),
    403: ("get", "/essai/refus/", {}),
    404: ("get", "/nulle-part/", {}),
    413: ("post", "/essai/formulaire/", {"x": LARGE}),
    414: ("get", "/entreprises/?q=" + "a" * 5000, {}),
    429: ("get", "/essai/limite/", {}),
    500: ("get", "/essai/panne/", {}),
    503: ("get", "/essai/base/", {}),
}
EACH_ERROR = pytest.mark.parametrize("status", errors.TEXTS)


def meet(client, status, **extra):
    method, address, form = WAYS[status]
    return getattr(client, method)(address, form or None, **extra)


@EACH_ERROR
def test_an_error_is_explained_in_french_with_what_to_do(status, client):
    response = meet(client, status)
    assert response.status_code == status
    html = response.content.decode()
    title, message, advice = errors.TEXTS[status]
    assert f"<title>{title}" in html
    assert '<html lang="fr-CA"' in html
    for text in (title, message, advice):
        assert text in html
    assert f"mailto:{settings.POLE_EMAIL}" in html
    assert response.headers["Cache-Control"] == "no-store"


@EACH_ERROR
def test_an_error_gives_a_number_to_quote_and_nothing_of_the_machine(status, client):
    response = meet(client, status)
    html = response.content.decode()
    assert response.headers["X-Request-ID"] in html
    for secret in ("Traceback", "canari", "Django", "psycopg", "SELECT", str(settings.BASE_DIR)):
        assert secret not in html


@EACH_ERROR
def test_an_error_is_shown_with_the_database_down(status, client, database_down):
    assert meet(client, status).status_code == status


@pytest.mark.parametrize("status", [429, 503])
def test_who_must_come_back_is_told_when(status, client):
    assert int(meet(client, status).headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "address", ["/", "/entreprises/", "/entreprises.json", "/secteurs/habitation/"]
)
def test_a_page_that_needs_the_database_says_it_is_unavailable(address, client, database_down):
    assert client.get(address).status_code == 503


def test_a_person_signed_in_sees_that_page_too(member, database_down):
    member.raise_request_exception = False
    for address in ("/", "/admin/"):
        assert member.get(address).status_code == 503


def test_a_static_file_is_served_with_the_database_down(client, database_down):
    response = client.get("/static/site.css")
    assert (response.status_code, response.headers["Content-Type"]) == (
        200,
        'text/css; charset="utf-8"',
    )
    assert response.getvalue()


def test_a_statement_that_lasts_too_long_ends_as_unavailable(client, db):
    assert client.get("/essai/lent/").status_code == 503


def test_the_site_comes_back_by_itself_when_the_database_does(
    client, db, django_db_blocker, request
):
    from django.db import connections

    alive = connections["default"]
    dead = type(alive)({**alive.settings_dict, "HOST": "127.0.0.1", "PORT": "1"}, "default")
    connections["default"] = dead
    assert client.get("/sante/pret").status_code == 503
    connections["default"] = alive
    assert client.get("/sante/pret").status_code == 200


@EACH_ERROR
def test_an_error_is_said_even_when_its_page_cannot_be_drawn(status, client, settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }  # as where the style files were never collected
    response = meet(client, status)
    assert response.status_code == status
    assert errors.TEXTS[status][1] in response.content.decode()
    assert response.headers["X-Request-ID"] in response.content.decode()


# --- Health


def test_the_watcher_is_told_that_the_site_is_alive_and_ready(client, db):
    for name in ("alive", "ready"):
        response = client.get(reverse(f"health:{name}"))
        assert (response.status_code, response.content) == (200, b"ok")
        assert "no-store" in response.headers["Cache-Control"]


def test_without_a_database_the_site_is_alive_but_not_ready(client, database_down):
    assert client.get("/sante/vivant").status_code == 200
    response = client.get("/sante/pret")
    assert response.status_code == 503
    assert response.headers["Content-Type"].startswith("text/plain")


def test_a_watcher_over_plain_http_is_not_sent_to_https(client, db, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/sante/vivant").status_code == 200
    assert client.get("/").status_code == 301


# --- Forms


def test_a_form_whose_token_is_missing_is_refused_in_french(db):
    client = StrictClient(enforce_csrf_checks=True)
    response = client.post(reverse("account_login"), {"email": "a@exemple.test"})
    assert response.status_code == 403
    assert "le formulaire a expiré" in response.content.decode()


def test_a_form_from_another_site_is_refused(db):
    client = StrictClient(enforce_csrf_checks=True)
    client.get(reverse("account_login"))
    token = client.cookies["csrf"].value
    response = client.post(
        reverse("account_login"),
        {"email": "a@exemple.test", "csrfmiddlewaretoken": token},
        headers={"origin": "https://ailleurs.example"},
    )
    assert response.status_code == 403


def test_more_fields_than_any_form_has_are_refused(client):
    fields = {f"f{number}": "1" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert client.post("/essai/formulaire/", fields).status_code == 400
    query = "&".join(f"f{number}" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
    assert client.get(f"/essai/absent/?{query}").status_code in {400, 404, 414}


def test_more_files_than_any_form_has_are_refused(client):
    files = {f"f{number}": SimpleUploadedFile("a.txt", b"a") for number in range(101)}
    assert client.post("/essai/formulaire/", files).status_code == 413


# --- The rest


def test_an_address_that_never_was_says_so_whoever_asks(client, member, db):
    for person in (client, member):
        assert person.get("/wp-admin/setup.php").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/.git/config", "/.env", "/server-status", "/debug", "/__debug__/", "/static/.env"],
)
def test_nothing_of_the_machine_can_be_read(address, client):
    assert client.get(address).status_code == 404


def test_an_error_page_asks_nothing_of_the_database(client, db, django_assert_num_queries):
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        for status in errors.TEXTS:
            assert errors.page(request, status).status_code == status


def test_the_number_of_an_error_is_written_once_on_its_page(client):
    response = client.get("/nulle-part/")
    number = response.headers["X-Request-ID"]
    assert re.fullmatch(r"[a-z2-9]{12}", number)
    assert response.content.decode().count(number) == 1


def test_a_page_of_error_says_nothing_of_a_draft(client, reference):
    draft = EnterpriseFactory(name="Canari confidentiel")
    html = client.get(reverse("directory:detail", args=[draft.slug])).content.decode()
    assert "confidentiel" not in html.replace(draft.slug, "")
