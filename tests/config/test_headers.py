"""The headers that every answer carries, whatever layer of the site gave it."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from tests.config.test_errors import WAYS, meet
from tests.factories import EnterpriseFactory
from tests.signing_in import code_sent

pytestmark = pytest.mark.urls("tests.config.urls")

EXPECTED = {
    "Content-Security-Policy": None,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": None,
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Request-ID": None,
}


def check(response):
    for name, value in EXPECTED.items():
        assert name in response.headers, name
        assert value in (None, response.headers[name]), name
    policy = response.headers["Content-Security-Policy"]
    for word in ("unsafe", "http:", "https:", "data:", "*"):
        assert word not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy or "sandbox" in policy
    for name in ("Server", "X-Powered-By"):
        assert name not in response.headers
    if response.streaming:
        response.getvalue()


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/entreprises/",
        "/entreprises/?q=traiteur&ville=longueuil",
        "/entreprises.json",
        "/entreprises/suggestions/?q=tra",
        "/secteurs/alimentation/",
        "/villes/longueuil/",
        "/regions/monteregie/",
        "/nouveautes/atom.xml",
        "/confidentialite/",
        "/robots.txt",
        "/sante/vivant",
        "/sante/pret",
        "/static/site.css",
        "/static/admin/css/base.css",
        "/static/nulle-part.css",
        "/admin/",
        "/compte/connexion/",
        "/entreprises",  # the slash is added
    ],
)
def test_a_visitor_gets_the_headers_on_every_page(address, client, reference):
    check(client.get(address, secure=True))


@pytest.mark.parametrize("status", WAYS)
def test_an_error_has_them_too(status, client):
    response = meet(client, status, secure=True)
    assert response.status_code == status
    check(response)


def test_so_has_a_page_without_the_database(client, database_down):
    response = client.get("/", secure=True)
    assert response.status_code == 503
    check(response)


def test_so_have_the_profile_its_logo_and_the_admin(client, superuser, reference):
    logo = default_storage.save("en-tetes.png", ContentFile(b"\x89PNG\r\n\x1a\n"))
    enterprise = EnterpriseFactory(published=True, logo=logo)
    check(client.get(enterprise.get_absolute_url(), secure=True))
    check(client.get(reverse("directory:logo", args=[logo]), secure=True))
    default_storage.delete(logo)
    for address in (
        reverse("admin:index"),
        reverse("admin:jsi18n"),
        reverse("admin:directory_enterprise_changelist"),
        reverse("admin:directory_enterprise_change", args=[enterprise.pk]),
    ):
        check(superuser.get(address, secure=True))


def test_so_have_the_refusals_of_the_outer_layers(client):
    check(client.generic("TRACE", "/", secure=True))
    check(client.get("/", headers={"host": "ailleurs.example"}, secure=True))


def test_so_has_an_answer_that_nothing_changed(client, reference):
    etag = client.get("/", secure=True).headers["ETag"]
    response = client.get("/", headers={"if-none-match": etag}, secure=True)
    assert response.status_code == 304
    check(response)


def test_the_way_to_https_has_the_policy(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (301, "https://testserver/")
    assert "Content-Security-Policy" in response.headers
    assert "X-Request-ID" in response.headers


# --- Cookies


def test_a_reader_is_given_no_cookie(client, reference):
    enterprise = EnterpriseFactory(published=True)
    for address in (
        *("/", "/entreprises/", "/entreprises.json", "/villes/longueuil/", "/nulle-part/"),
        *("/admin/", "/sante/pret", "/static/site.css", enterprise.get_absolute_url()),
    ):
        response = client.get(address)
        assert not response.cookies, address
        assert "Set-Cookie" not in response.headers
        if response.streaming:
            response.getvalue()


def test_signing_in_changes_the_session_and_signing_out_ends_it(people):
    person = people(email="seance@exemple.test")
    person.logout()
    login, home = reverse("account_login"), reverse("account_home")
    person.get(login)
    keys = []
    for _ in range(2):
        person.post(login, {"email": person.user.email})
        keys.append(person.session.session_key)
        person.post(reverse("account_code"), {"code": code_sent(person.user.email)})
        keys.append(person.session.session_key)
        assert person.get(home).status_code == 200
        stolen = person.cookies["session"].value
        person.post(reverse("account_logout"))
        person.cookies["session"] = stolen
        assert person.get(home).status_code == 302
    assert len(set(keys)) == 4


HTTPS = """
import json, django
django.setup()
from django.test import Client
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
response = Client().get("/compte/connexion/", secure=True, headers={"host": "www.exemple.test"})
print(json.dumps({
    "cookies": [cookie.OutputString() for cookie in response.cookies.values()],
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE,
                settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE,
                settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN],
    "redirects": settings.SECURE_SSL_REDIRECT,
}))
"""


def in_a_process_of_its_own(code, tmp_path):
    """Run `code` with the settings of a real site, which are read once."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgres://personne@127.0.0.1:1/rien",
        "SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": "www.exemple.test",
        "LOG_LEVEL": "ERROR",
        "MEDIA_ROOT": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_logo_is_an_image_also_on_a_system_without_a_list_of_types(tmp_path):
    code = """
import mimetypes
mimetypes.knownfiles = []
import json, django
django.setup()
print(json.dumps(mimetypes.guess_type("logo.webp")[0]))
"""
    assert in_a_process_of_its_own(code, tmp_path) == "image/webp"


def test_over_https_cookies_are_bound_to_this_host_and_to_https(tmp_path):
    found = in_a_process_of_its_own(HTTPS, tmp_path)
    assert found["session"] == ["__Host-session", True, True, "Lax", "/", None]
    assert found["redirects"] is True
    (cookie,) = found["cookies"]
    assert cookie.startswith("__Host-csrf=")
    for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
