"""Redirects, addresses written in pages, and the log: what an attacker would have them say."""

import html
import io
import json
import logging
import re
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from config import logs
from directory.models import Counter
from tests.client import StrictClient
from tests.factories import EnterpriseFactory
from tests.hostile.corpus import ELSEWHERE, MARKUP, WORDS
from tests.signing_in import by_code, sign_in

pytestmark = pytest.mark.django_db

LOGIN, LOGOUT = reverse("account_login"), reverse("account_logout")
PAGES = ["/", "/entreprises/", "/entreprises/?q=a", "/villes/longueuil/", "/nulle-part/", "/admin/"]


def leads_away(location):
    """As a browser reads it: backslashes are slashes, control characters and spaces are dropped."""
    read = re.sub(r"[\x00-\x20]", "", location).replace("\\", "/")
    parts = urlsplit(urljoin("https://testserver/admin/login/", read))
    return (parts.scheme, parts.netloc) != ("https", "testserver")


# --- Redirects


def test_there_are_sixty_ways_out_to_try():
    assert len(set(ELSEWHERE)) >= 60


def test_signing_in_leads_to_no_other_site(people, reference):
    person = people(email="retour@exemple.test")
    for target in ELSEWHERE:
        person.logout()
        Counter.objects.all().delete()  # of the limits, which are not what is tried here
        response = by_code(person, person.user.email, next=target)
        if response.status_code == 302:
            assert not leads_away(response.headers["Location"]), target
        else:  # a NUL in the field
            assert response.status_code in {200, 400}, target


def test_nor_does_the_way_there_or_back(superuser, client, reference):
    for target in ELSEWHERE[::2]:
        for person, address in ((client, LOGIN), (superuser, LOGIN), (client, "/admin/")):
            response = person.get(address, {"next": target})
            if response.status_code in {301, 302}:
                assert not leads_away(response.headers["Location"]), target
            else:
                assert response.status_code in {200, 400}
                page = response.content.decode()
                for link in re.findall(r'(?:href|action|src)="([^"]*mal\.example[^"]*)"', page):
                    assert not leads_away(html.unescape(link)), target
        response = superuser.post(LOGOUT, {"next": target})
        if response.status_code == 302:
            assert not leads_away(response.headers["Location"]), target
        sign_in(superuser, superuser.user)


@pytest.mark.parametrize("suffix", ["", "?next=//mal.example", "/..", ";//mal.example"])
def test_an_address_that_lacks_its_slash_stays_on_the_site(suffix, client, reference):
    for start in ("//mal.example", "/\\mal.example", "///mal.example", "/%5cmal.example",
                  "//mal.example/%2e%2e", "/admin//mal.example", "//mal.example@testserver",
                  "/entreprises", "/\x09/mal.example", "/.mal.example"):  # fmt: skip
        response = client.get("/", PATH_INFO=start + suffix)
        assert response.status_code in {200, 301, 302, 400, 404}
        if "Location" in response.headers:
            assert not leads_away(response.headers["Location"]), start


def test_to_see_a_row_on_the_site_is_to_stay_there(superuser, reference):
    for website in ("//mal.example", "https://mal.example"):
        enterprise = EnterpriseFactory(published=True, website=website)
        change = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
        page = superuser.get(change).content.decode()
        (address,) = re.findall(r'href="([^"]+)" class="viewsitelink"', page)
        response = superuser.get(address)
        assert not leads_away(response.headers.get("Location", "/"))


# --- The host, and what a proxy could keep


SPOOFED = [
    {"x-forwarded-host": "mal.example"},
    {"x-host": "mal.example"},
    {"x-forwarded-server": "mal.example"},
    {"x-original-host": "mal.example"},
    {"forwarded": "host=mal.example"},
    {"x-forwarded-proto": "https"},
    {"x-forwarded-prefix": "/mal.example"},
    {"x-forwarded-port": "1"},
    {"script-name": "/mal.example"},
    {"referer": "https://mal.example/"},
    {"origin": "https://mal.example"},
    {"x-original-url": "/mal.example"},
    {"accept-language": "mal.example"},
    {"hx-current-url": "https://mal.example/"},
]


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: next(iter(headers)))
def test_no_header_of_a_request_writes_an_address_of_the_page(headers, client, reference):
    for address in PAGES:
        plain, spoofed = client.get(address), client.get(address, headers=headers)
        assert spoofed.status_code == plain.status_code
        for response in (plain, spoofed):
            assert "mal.example" not in response.content.decode()
            assert "mal.example" not in str(response.headers)
        number = re.compile(r"<code>[a-z2-9]{12}</code>")
        assert number.sub("", spoofed.content.decode()) == number.sub("", plain.content.decode())


def test_pages_write_no_host_but_those_they_link_to(client, reference):
    enterprise = EnterpriseFactory(published=True, website="https://bien.example/")
    for address in (*PAGES, enterprise.get_absolute_url()):
        page = client.get(address, headers={"host": "localhost:8000"}).content.decode()
        # On paper, a profile says where it comes from; a page says what its one address is.
        page = re.sub(r'<p class="sheet">[^<]*</p>', "", page)
        page = re.sub(r'<link rel="canonical" href="[^"]*">', "", page)
        page = re.sub(r'<meta property="og:url" content="[^"]*">', "", page)
        assert "localhost" not in page
        assert not re.findall(r'(?:src|action)="(?:https?:)?//', page)


def test_a_page_asked_with_words_of_its_own_is_kept_under_them(client, reference):
    """What changes a page is in its address, or in Vary."""
    response = client.get("/entreprises/", headers={"Accept-Encoding": "gzip"})
    vary = {name.strip() for name in response.headers["Vary"].split(",")}
    assert vary == {"Cookie", "HX-Request", "Accept-Encoding"}
    for headers in ({"HX-Request": "true"}, {"HX-Boosted": "true", "HX-Request": "true"}):
        part = client.get("/entreprises/", headers=headers)
        assert "HX-Request" in part.headers["Vary"]
        assert part.headers["ETag"] != response.headers["ETag"]


@pytest.mark.parametrize("value", ["1", "TRUE", "True", "yes", "false", "\x00true", "true, true"])
def test_only_htmx_itself_gets_the_part(value, client, reference):
    page = client.get("/entreprises/", headers={"HX-Request": value}).content.decode()
    assert "<html" in page


def test_an_error_is_kept_by_nobody(client, superuser, reference):
    for person in (client, superuser):
        for address in (
            "/nulle-part/",
            "/entreprises/nulle-part/",
            "/entreprises/?q=%00",
            "/villes/rien/",
            "/logos/rien.png",
            "/entreprises/?" + "a" * 5000,
        ):
            response = person.get(address)
            assert response.status_code in {400, 404, 414}
            assert response.headers["Cache-Control"] == "no-store", address
            assert "ETag" not in response.headers


def test_text_in_a_header_of_the_answer_is_never_ours_to_split(client, reference):
    for text in ("\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "\u560d\u560aSet-Cookie: a=b"):
        for address in ("/entreprises/", "/admin/", "/entreprises", "/nulle-part"):
            response = client.get(address, {"q": text, "next": text})
            assert not response.cookies
            assert not [value for value in response.headers.values() if "\n" in value]


# --- The log


@pytest.fixture
def lines():
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.LineFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level, _ = root.level, root.setLevel(logging.DEBUG)
    noisy = logging.getLogger("django.db.backends")
    kept, _ = noisy.level, noisy.setLevel(logging.INFO)
    yield lambda: [line for line in handler.stream.getvalue().split("\n") if line]
    root.removeHandler(handler)
    root.setLevel(level)
    noisy.setLevel(kept)


def test_each_record_is_one_line_of_json_whatever_was_asked(lines, reference):
    client = Client(raise_request_exception=False)
    forged = '"}\n{"level": "CRITICAL", "message": "faux"}'
    asked = 0
    for text in [*WORDS[::2], *MARKUP[::3], forged]:
        path = f"/{text}/".encode().decode("latin-1")
        client.get("/", PATH_INFO=path, headers={"User-Agent": forged, "Referer": forged})
        client.get("/entreprises/", {"q": text})
        client.post(LOGIN, {"username": text, "password": text})
        asked += 3
    written = [json.loads(line) for line in lines()]
    assert len([line for line in written if line["logger"] == "site.request"]) == asked
    assert "CRITICAL" not in {line["level"] for line in written}
    for line in lines():
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


CANARIES = {
    "ozias.canari@exemple.test",
    "450 555-0142",
    "Ozias Canari-Beauchemin",
    "Élodie Çanari",
    "mot-de-passe-canari",
}


def test_no_search_form_or_cookie_is_in_the_log(lines, superuser, reference):
    client = StrictClient(raise_request_exception=False)
    enterprise = EnterpriseFactory(published=True)
    for canary in CANARIES:
        for address in ("/entreprises/", "/entreprises.json", "/entreprises/suggestions/", LOGIN):
            for name in ("q", "ville", "page", canary):
                client.get(address, {name: canary})
        client.post(LOGIN, {"username": canary, "password": canary})
        client.get("/", headers={"User-Agent": canary, "Referer": f"https://x.example/?{canary}"})
        client.get("/", headers={"Cookie": f"session={canary}; autre={canary}"})
        superuser.get(reverse("admin:directory_contact_changelist"), {"q": canary})
        change = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
        superuser.post(change, {"name": canary, "email": canary})
    said = "\n".join(lines())
    for canary in CANARIES:
        assert canary not in said
        assert canary.split("@")[0] not in said
        assert superuser.session.session_key not in said


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT %s::integer",
        "SELECT %s::tsquery",
        "SELECT ('{' || %s)::json",
        "SELECT to_date(%s, 'YYYY')",
        "SELECT %s = ANY (1)",
        "INSERT INTO directory_region (code, name, slug) VALUES (%s, %s, %s)",
    ],
)
def test_what_the_database_quotes_of_a_statement_is_not_in_the_log(statement, lines, reference):
    """Folded or joined, it is no longer what was typed, which is taken out elsewhere."""
    canary = "ozias canari & ! beauchemin ("
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [canary] * statement.count("%s"))
    except DatabaseError:
        logging.getLogger("essai").exception("refusé")
    (line,) = [line for line in lines() if '"essai"' in line]
    assert "canari" not in line
    assert "DatabaseError" in line or "Error" in line


def test_a_database_that_cannot_be_reached_is_logged_without_its_key(lines):
    key = "canari-" + "clé"
    try:
        psycopg.connect(host="127.0.0.1", port=1, user="repertoire", password=key, dbname="x")
    except psycopg.OperationalError:
        logging.getLogger("essai").exception("injoignable")
    (line,) = lines()
    assert "OperationalError" in line
    assert key not in line
