"""Bad input on every public address and parameter: never a breakdown, and nothing ignored in
silence. The addresses come from the resolver, the parameters from the filters themselves."""

import gzip
import html
import itertools
import json
import re
from io import BytesIO
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse

from directory.filters import EnterpriseFilter, FileFilter
from directory.models import City, Enterprise
from tests.client import StrictClient
from tests.factories import EnterpriseFactory, OfferingFactory, SuggestionFactory
from tests.forms import filled
from tests.hostile.corpus import ENCODED, METACHARACTERS, NUMBERS, ODD, WORDS
from tests.test_access import EVERYONE_READS, EVERYONE_WRITES, PAGES, addresses

pytestmark = pytest.mark.django_db

READ_ONLY = [name for name, rows in PAGES.items() if rows == EVERYONE_READS]
PUBLIC = READ_ONLY + [name for name, rows in PAGES.items() if rows == EVERYONE_WRITES]
PATTERNS = {name: route for name, route in addresses() if name in PUBLIC}
PARAMETERS = list(FileFilter.base_filters)
SEARCH, JSON, SUGGESTIONS = (
    reverse(f"directory:{name}") for name in ("list", "list_json", "suggestions")
)


@pytest.fixture
def known(reference):
    """What each public address takes to be answered with a page."""
    name = default_storage.save("hostile.png", ContentFile(b"\x89PNG\r\n\x1a\n"))
    enterprise = EnterpriseFactory(slug="cible", published=True, logo=name)
    OfferingFactory(enterprise=enterprise)
    OfferingFactory(enterprise=enterprise, name="100 % coton_bio \\ lin")
    yield {
        "directory:detail": ["cible"],
        "directory:vcard": ["cible"],
        "directory:report": ["cible"],
        "directory:thanks": [SuggestionFactory().reference],
        "directory:logo": [name],
        "directory:sector": ["alimentation"],
        "directory:city": ["longueuil"],
        "directory:region": ["monteregie"],
        "directory:sitemap_section": ["villes"],
    }
    default_storage.delete(name)


def read(response):
    """The body, checked to be an answer that the site meant to give."""
    body = response.getvalue() if response.streaming else response.content
    where = response.request["PATH_INFO"] + "?" + response.request["QUERY_STRING"][:80]
    assert response.status_code < 500, where
    assert b"Traceback" not in body, where
    assert "X-Request-ID" in response.headers, where
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if body and response.headers.get("Content-Type") == "application/json":
        json.loads(body)
    return body


def page_of(name, known):
    return reverse(name, args=known.get(name))


def all_parameters(value):
    return "&".join(f"{name}={value}" for name in PARAMETERS)


# --- Every address


@pytest.mark.parametrize("name", PUBLIC)
def test_an_address_answers_whatever_parameters_it_is_given(name, known, client):
    address = page_of(name, known)
    values = [*map(quote, WORDS), *map(quote, NUMBERS), *ODD]
    step = {"directory:list": 1, "directory:list_json": 3, "directory:suggestions": 3}.get(name, 9)
    for value in values[::step]:
        for query in (all_parameters(value), f"{value}={value}&{value}"):
            status = 414 if len(query) > 4096 else 200
            response = client.get(address, QUERY_STRING=query)
            assert response.status_code == status, query
            read(response)
    for value in ENCODED:
        for query in (f"q={value}", f"{value}=1", f"page=2&ville=laval&x={value}"):
            assert client.get(address, QUERY_STRING=query).status_code == 400, query


def test_an_address_with_a_hole_in_it_refuses_what_fills_none(known, client):
    holes = [route for route in PATTERNS.values() if "<" in route]
    assert len(holes) == 9
    values = [*map(quote, WORDS), *map(quote, NUMBERS), *ODD, *ENCODED, "9" * 5000, "a" * 5000]
    for number, (value, route) in enumerate(itertools.product(values, holes)):
        if route != PATTERNS["directory:detail"] and number % 3:
            continue
        path = "/" + re.sub(r"<[^>]*>", lambda _, text=value: text, route)
        response = client.get(path)
        assert response.status_code in {200, 301, 400, 404}, path[:80]
        if response.status_code == 200:  # what is in the hole is empty, or another page's address
            assert path in {SUGGESTIONS, SEARCH}
        read(response)


@pytest.mark.parametrize(
    "path",
    [
        "/./", "/../", "//", "///", "/entreprises/../admin/", "/entreprises/./", "/entreprises//",
        "/entreprises/;x=1", "/entreprises/cible/..;/", "/entreprises/cible/.json",
        "/entreprises/cible%2f..%2f", "/entreprises/%2e%2e/", "/static/../config/settings.py",
        "/static/..%2f..%2fconfig/settings.py", "/static/%2e%2e/%2e%2e/manage.py", "/static/",
        "/static//etc/passwd", "/static/....//manage.py", "/static/admin/", "/logos/",
        "/logos/..", "/logos/.", "/logos/..%2fsecret_key", "/logos/%2e%2e%2f%2e%2e%2fmanage.py",
        "/logos/hostile.png/", "/logos/hostile.png%00.webp", "/logos/hostile.png;.css",
        "/entreprises.json/", "/entreprises.json/x.css", "/ENTREPRISES/", "/entreprises/CIBLE/",
        "/.well-known/../", "/admin/../", "/admin/..;/", "/*", "/?/", "http://mal.example/",
    ],
)  # fmt: skip
def test_a_path_that_climbs_or_pretends_leads_nowhere(path, known, client):
    for raw in ({}, {"PATH_INFO": path}):  # as typed, and as a server that does not decode it
        response = client.get(path, **raw)
        assert response.status_code in {200, 301, 302, 400, 404}, path
        body = read(response)
        assert b"SECRET_KEY" not in body
        assert b"DJANGO_SETTINGS_MODULE" not in body
        assert "mal.example" not in response.headers.get("Location", "")


@pytest.mark.parametrize("name", READ_ONLY)
def test_a_public_address_is_only_read(name, known, client):
    address = page_of(name, known)
    get, head = client.get(address), client.head(address)
    read(get)
    assert read(head) == b""
    changing = {"X-Request-ID", "Expires"}
    assert {n: v for n, v in head.headers.items() if n not in changing} == {
        n: v for n, v in get.headers.items() if n not in changing
    }
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "CONNECT"):
        response = client.generic(method, address, b"q=1", "application/x-www-form-urlencoded")
        assert response.status_code == 405, method
        assert "GET" in response.headers["Allow"]
        read(response)


def test_a_post_without_a_token_changes_nothing_and_is_explained(known, reference):
    """As outside of tests, where the token is asked for before the method."""
    client = StrictClient(enforce_csrf_checks=True)
    for name in PUBLIC:
        response = client.post(page_of(name, known), {"q": "x"})
        assert response.status_code in {403, 405}, name
        assert not response.cookies
    too_large = "x" * 3_000_000
    assert client.post(SEARCH, {"q": too_large}).status_code in {403, 413}
    for body in (b"", b"--x", b"\x00" * 100, b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"):
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/xml", ""):
            assert client.generic("POST", SEARCH, body, kind).status_code in {400, 403, 405}


HEADERS = [
    {"accept": "application/xml"},
    {"accept": "*/*;q=x, \x00"},
    {"accept-encoding": "gzip;q=nan, br, \xff, " + "x," * 500},
    {"accept-charset": "utf-7"},
    {"range": "bytes=0-10"},
    {"range": "bytes=99999999999999999999-"},
    {"range": "bytes=-1,0-0,5-2"},
    {"if-range": '"x"', "range": "bytes=0-0"},
    {"expect": "100-continue"},
    {"x-http-method-override": "DELETE"},
    {"x-method-override": "POST"},
    {"x-forwarded-host": "mal.example"},
    {"x-forwarded-proto": "https"},
    {"x-forwarded-for": "1.2.3.4, \x00"},
    {"x-original-url": "/admin/"},
    {"x-rewrite-url": "/admin/"},
    {"forwarded": "host=mal.example;proto=https"},
    {"authorization": "Basic " + "A" * 3000},
    {"cookie": "=;;;=; a=b=c; $Version=1"},
    {"cookie": "session=" + "x" * 32},
    {"cookie": 'session="' + r"\000" * 32 + '"'},
    {"cookie": "session=" + "\x00" * 32},
    {"cookie": 'session="' + r"\377" * 32 + '"; messages="' + r"\000" * 8 + '"'},
    {"cookie": "csrf=" + "\x00" * 32},
    {"if-none-match": "*"},
    {"if-none-match": 'W/"' + "x" * 3000 + '"'},
    {"if-modified-since": "Sat, 31 Feb 0000 99:99:99 GMT"},
    {"hx-request": "true", "hx-current-url": "javascript:alert(1)", "hx-target": "%ff"},
    {"hx-request": "True"},
    {"hx-current-url-uri-autoencoded": "true", "hx-current-url": "%ff%00"},
    {"hx-request": "true", "hx-history-restore-request": "true"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"user-agent": "${jndi:ldap://mal.example}"},
    {"content-length": "-1"},
    {"transfer-encoding": "chunked"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: " ".join(headers))
def test_no_header_breaks_any_public_address(headers, known, client):
    for name in PUBLIC:
        if name in {"directory:sector", "directory:home", "health:alive"}:  # as the others do
            continue
        response = client.get(page_of(name, known), headers=headers)
        assert response.status_code in {200, 400}, name
        assert b"mal.example" not in read(response)


@pytest.mark.parametrize(
    "host",
    ["mal.example", "testserver.mal.example", "testserver@mal.example", "testserver:80:80", "a b"]
    + ["", "[::", "testserver/x", "testserver\\x", "127.0.0.1.", "xn--", "TESTSERVER:99999999"],
)
def test_a_host_that_is_not_ours_is_refused_by_every_address(host, known, client):
    for name in PUBLIC:
        response = client.get(page_of(name, known), headers={"host": host})
        assert response.status_code in {200, 400}, name
        body = read(response)
        assert b"mal.example" not in body
        if "mal" in host:
            assert response.status_code == 400 or name.startswith("health:")


CONTENT_TYPES = [
    "text/html; charset=base64", "text/html; charset=rot13", "text/html; charset=utf-7",
    "text/html; charset=undefined", "text/html; charset=idna", "text/html; charset=utf-16",
    "text/html; charset=unicode_escape", 'text/html; charset="base64"', "x; CHARSET = base64",
    "x; charset*=base64''x", "x; charset*0=base; charset*1=64", "x; boundary*=base64''%61",
    "x; boundary*=rien''%61", "x; a=b; charset=hex", "; charset=zip", "charset=base64", ";;;=;",
    "x" * 5000, "multipart/form-data; charset=bz2; boundary=x", "text/html; charset=utf-8",
]  # fmt: skip


@pytest.fixture
def door(monkeypatch):
    """What a server calls; the test's own transaction outlives each request."""
    from config.wsgi import application

    def knock(**environ):
        answered = []
        response = application(
            StrictClient()._base_environ(**environ),
            lambda status, headers: answered.append((int(status[:3]), dict(headers))),
        )
        body = b"".join(response)
        response.close()
        return *answered[0], body

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield knock
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_a_reader_does_not_choose_how_the_address_is_read(kind, door, reference):
    """Django builds its request with the codec that this header names, outside of any layer that
    could turn the failure into a page: so through the server's own door."""
    for query in ("q=%2BAAA-&ville=%2B2AA-", "q=%61", "a&" * 2000):
        status, headers, body = door(
            PATH_INFO="/entreprises/", QUERY_STRING=query, CONTENT_TYPE=kind
        )
        assert status == 200
        assert headers["X-Request-ID"]
        assert b"</html>" in body


def test_a_form_and_its_files_still_go_through_that_door(door, reference):
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\na\r\n--x--\r\n'
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data; charset=hex; boundary=x"):
        sent = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        status, *_ = door(PATH_INFO="/admin/login/", REQUEST_METHOD="POST", **sent)
        assert status == 403  # read, and without a token


# --- Every parameter

#: Parameters of which no value of the corpus means anything.
CHOSEN = [name for name in PARAMETERS if name not in {"q", "page", "taille"}]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_value_that_means_nothing_is_ignored_and_said(name, known, client):
    for value in [*WORDS, *NUMBERS] if name in {"q", "ville", "pres", "page"} else NUMBERS:
        answer = client.get(JSON, {name: value}).json()
        assert isinstance(answer["total"], int)
        if name in CHOSEN:
            assert answer["total"] == 1, value
            assert bool(answer["notices"]) == bool(value.strip()), value


def test_each_ignored_filter_is_seen_on_the_page(known, client):
    for value in [*WORDS, *NUMBERS]:
        if not value.strip():
            continue
        response = client.get(SEARCH, dict.fromkeys(CHOSEN, value))
        if response.status_code == 414:  # fourteen times the longest
            continue
        page = html.unescape(response.content.decode()).replace("\xa0", " ")
        for name in CHOSEN:
            label = str(FileFilter.base_filters[name].label)
            assert f'<p class="notice">« {label} » : « ' in page, (name, value)


def test_a_parameter_repeated_or_unknown_breaks_nothing(known, client):
    for name in PARAMETERS:
        query = "&".join([f"{name}=1", f"{name}=x", f"{name}=", f"{name}"] * 20)
        for address in (SEARCH, JSON, SUGGESTIONS):
            assert client.get(f"{address}?{query}").status_code == 200
    names = [f"{name}{suffix}" for name in PARAMETERS for suffix in ("[]", "__in", "[0]", "__gt")]
    for name in [*names, "format", "fields", "sort", "order", "limit", "offset", "callback"]:
        response = client.get(SEARCH, {name: "alert"})
        assert response.status_code == 200
        assert response.context["total"] == 1
        assert "alert" not in response.content.decode()


def test_of_a_parameter_that_takes_one_value_the_others_are_said_to_be_ignored(known, client):
    for query in ("q=boites&q=xylophone", "tri=nom&tri=recent", "rayon=5&rayon=10&pres=longueuil"):
        answer = client.get(f"{JSON}?{query}").json()
        assert answer["total"] == 1
        assert len(answer["notices"]) == 1, query
        assert client.get(f"{JSON}?{query.split('&')[0]}").json()["notices"] == []


@pytest.mark.parametrize("count", [100, 400, 2000, 20_000])
def test_two_thousand_parameters_are_read_or_refused(count, known, client):
    for query in ("a&" * count, "q=a&" * count, "ville=b&" * count):
        response = client.get(f"{SEARCH}?{query[:-1]}")
        assert response.status_code == (414 if len(query) > 4097 else 200)


def test_a_listing_of_many_parts_can_still_be_saved(superuser, known):
    """What refuses two thousand parameters must not refuse a form of the back office."""
    enterprise = EnterpriseFactory(published=True)
    for _ in range(60):
        OfferingFactory(enterprise=enterprise)
    enterprise.served_cities.set(City.objects.all()[:200])
    address = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    sent = filled(superuser.get(address), "enterprise_form") | {"mission": "Nourrir."}
    assert sum(map(len, sent.values())) > 600
    assert superuser.post(address, sent).status_code == 302
    enterprise.refresh_from_db()
    assert enterprise.mission == "Nourrir."


@pytest.mark.parametrize("name", EnterpriseFilter.base_filters)
def test_five_thousand_digits_are_an_address_too_long_and_four_thousand_no_value(
    name, known, client
):
    assert client.get(SEARCH, {name: "9" * 5000}).status_code == 414
    response = client.get(SEARCH, {name: "9" * 4000})
    assert response.status_code == 200
    assert response.context["notices"]


# --- The search box


def test_every_combination_of_metacharacters_is_answered(known):
    """Alone, they hold no word: the whole directory is shown, and it is said. Between letters, they
    part words or are part of none."""
    client = Client()  # one that reads no page: there are thousands
    for length in (1, 2, 3):
        for combination in itertools.product(METACHARACTERS, repeat=length):
            text = "".join(combination)
            answer = client.get(JSON, {"q": text}).json()
            assert answer["total"] == 1, text
            assert answer["notices"], text
    for one, other in itertools.product(METACHARACTERS, repeat=2):
        text = f"boites{one}a{other}lunch"
        assert client.get(SEARCH, {"q": text}).context["total"] in {0, 1}
        assert client.get(SUGGESTIONS, {"q": text}).status_code == 200


@pytest.mark.parametrize("text", ["a" * 201, "mot " * 60, "é" * 500, "🦫" * 300, '"' + "b " * 150])
def test_more_than_two_hundred_characters_are_cut_and_it_is_said(text, known, client):
    response = client.get(SEARCH, {"q": text})
    assert response.status_code == 200
    assert any("200 caractères" in notice["text"] for notice in response.context["notices"])


def test_four_hundred_words_or_ed_are_ten(known, client):
    response = client.get(SEARCH, {"q": " ou ".join(["mot"] * 400)})
    assert response.status_code == 200
    many = client.get(SEARCH, {"q": " ou ".join("abcdefghijklmnpqrstuvw")})
    assert any("plus de 10 termes" in notice["text"] for notice in many.context["notices"])


@pytest.mark.parametrize("text", ["%", "%%", "_", "__", "\\", "%b%", "b%", "b_", "%" * 60, "\\%"])
def test_a_wildcard_in_the_suggestions_is_only_itself(text, known, client):
    """The names begun are compared with LIKE, where these would stand for anything."""
    labels = [row["label"] for row in client.get(SUGGESTIONS, {"q": text}).json()["suggestions"]]
    assert not [label for label in labels if label.startswith("Traiteur")]


def test_a_name_that_has_a_wildcard_is_suggested_by_it(known, client):
    for number, mark in enumerate("%_\\"):
        EnterpriseFactory(name=f"100 {mark} lin", slug=f"lin-{number}", published=True)

    def begun(text):
        rows = client.get(SUGGESTIONS, {"q": text}).json()["suggestions"]
        return [row["label"] for row in rows if row["kind"] == "Entreprise"]

    for mark in "%_\\":
        assert begun(f"100 {mark}") == [f"100 {mark} lin"]


def test_characters_that_fold_into_many_are_no_word_too_long(known, client):
    """Each of these is three characters of four bytes once folded, more than a lexeme holds."""
    text = "\U0001d160" * 200
    for address in (SUGGESTIONS, SEARCH, JSON):
        assert client.get(address, {"q": text}).status_code == 200


@pytest.mark.parametrize("written", [r"Traiteur\q", r"Traiteur\g<1>", r"Traiteur\1", r"Traite\ur"])
def test_a_word_of_the_directory_that_reads_as_an_escape_corrects_as_itself(written, known, client):
    EnterpriseFactory(name=f"{written} Machin", published=True, slug="echappee")
    response = client.get(SEARCH, {"q": written.replace("\\", "") + "x"})
    assert response.status_code == 200


def test_what_is_offered_instead_of_a_correction_is_what_was_searched(known, client):
    for query in ("q=boittes&q=", "q=boittes&q=autre", "q=&q=boittes"):
        correction = client.get(f"{SEARCH}?{query}").context["correction"]
        assert correction["instead"] == "boittes", query


# --- Words kept


ROUND_TRIP = [
    "Ateliers l’Été – 100 % bio", "🦫 Castor", "👩‍🚀 Équipe", "\u202ererne\u202c",
    "zéro\u200blargeur",
    "\ufeffMarque", "𝅘𝅥𝅮 Musique", "각 coop", "e\u0301te\u0301", "a & b < c > d \"e\" 'f'",
]  # fmt: skip


@pytest.mark.parametrize("name", ROUND_TRIP)
def test_a_name_comes_back_as_it_was_written(name, reference, client):
    enterprise = EnterpriseFactory(name=name, slug="aller-retour", published=True)
    enterprise.refresh_from_db()
    assert enterprise.name == name
    (row,) = client.get(JSON).json()["results"]
    assert row["name"] == name
    page = client.get(enterprise.get_absolute_url())
    assert page.context["e"]["name"] == name


def test_nothing_was_written_by_all_this_reading(known, client):
    before = list(Enterprise.objects.values())
    for value in WORDS[::4]:
        client.get(SEARCH, {"q": value})
        client.generic("POST", SEARCH, quote(value).encode(), "application/x-www-form-urlencoded")
    assert list(Enterprise.objects.values()) == before
