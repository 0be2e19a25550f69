import io
import json
import logging
import re
import time

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from config import logs
from directory.models import Enterprise
from tests.factories import EnterpriseFactory
from tests.forms import filled

pytestmark = pytest.mark.urls("tests.config.urls")

CANARIES = {
    "courriel": "canari.jaune@exemple.test",
    "téléphone": "450 555-0142",
    "texte": "Ozias Canari-Beauchemin",
}


@pytest.fixture
def lines():
    """What the site's own handler writes, line by line."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logs.LineFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)

    def written():
        return [json.loads(line) for line in handler.stream.getvalue().split("\n") if line]

    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_site_logs_with_the_formatter_tested_here():
    assert settings.LOGGING["formatters"]["line"] == {"()": "config.logs.LineFormatter"}
    assert settings.LOGGING["root"]["handlers"] == ["stderr"]
    assert settings.LOGGING["handlers"]["stderr"]["formatter"] == "line"


def test_each_request_leaves_one_line_with_its_number(client, db, lines):
    response = client.get("/entreprises/")
    (line,) = [line for line in lines() if line["logger"] == "site.request"]
    assert re.fullmatch(r"GET /entreprises/ 200 \d+ ms", line["message"])
    assert line["request"] == response.headers["X-Request-ID"]


def test_every_line_of_a_breakdown_names_the_request(client, lines):
    response = client.get("/essai/panne/")
    assert {line["request"] for line in lines()} == {response.headers["X-Request-ID"]}
    (breakdown,) = [line for line in lines() if line["level"] == "ERROR"]
    assert "ValueError" in breakdown["traceback"]


@pytest.mark.parametrize("canary", CANARIES.values())
@pytest.mark.parametrize("path", ["panne", "base", "refus", "absent", "louche"])
def test_nothing_that_was_typed_reaches_the_logs(path, canary, client, lines):
    client.get(f"/essai/{path}/", {"q": canary})
    client.post(f"/essai/{path}/", {"courriel": canary})
    assert lines()
    assert canary not in json.dumps(lines(), ensure_ascii=False)


@pytest.mark.parametrize("canary", CANARIES.values())
def test_a_search_leaves_nothing_in_the_logs(canary, client, db, lines):
    for address in ("/entreprises/", "/entreprises.json", "/entreprises/suggestions/"):
        for name in ("q", "ville", "pres", "inconnu", "page"):
            client.get(address, {name: canary})
    client.get(f"/entreprises/{canary}/")
    client.get("/entreprises/", {"q": canary + "\0"})
    client.get("/entreprises/", {"q": canary * 500})
    said = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) >= 18
    for part in (canary, canary.split()[0] + "%20"):
        assert part not in said.replace(f"/entreprises/{CANARIES['texte']}/", "")


def test_a_failed_sign_in_leaves_neither_address_nor_code(client, db, lines):
    client.post(reverse("account_login"), {"email": CANARIES["courriel"]})
    assert "essai" in client.post(reverse("account_code"), {"code": "canari 1234"}).content.decode()
    said = json.dumps(lines(), ensure_ascii=False)
    assert CANARIES["courriel"] not in said
    assert "canari 1234" not in said


def test_an_edit_in_the_admin_leaves_nothing_of_it_in_the_logs(superuser, lines, reference):
    enterprise = EnterpriseFactory()
    address = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    sent = filled(superuser.get(address), "enterprise_form")
    sent |= {"email": CANARIES["courriel"], "mission": CANARIES["texte"], "phone": "+14505550142"}
    assert superuser.post(address, sent).status_code == 302
    said = json.dumps(lines(), ensure_ascii=False)
    for canary in (*CANARIES.values(), "+14505550142"):
        assert canary not in said


def test_a_row_quoted_by_the_database_is_taken_out(reference, lines):
    EnterpriseFactory(slug="deja", name="Ozias Canari-Beauchemin", neq="1142345678")
    try:
        with transaction.atomic():
            Enterprise.objects.create(
                slug="deja", name="x", legal_form="npo", city=Enterprise.objects.get().city
            )
    except IntegrityError:
        logging.getLogger("essai").exception("refusé")
    (line,) = [line for line in lines() if line["logger"] == "essai"]
    assert "duplicate key" in line["traceback"]
    assert "(deja)" not in line["traceback"]


@pytest.mark.parametrize(
    "text",
    [
        "jean@exemple.test",
        "Jean.Tremblay+ville@mail.ville.exemple.quebec",
        "é.à@exemple.test",
        "a" * 100 + "@exemple.test",
        "450-555-0142",
        "(450) 555-0142",
        "+14505550142",
        "1 450 555 0142",
        "4505550142",
    ],
)
def test_addresses_and_numbers_are_recognised(text):
    assert text not in logs.without_personal_data(f"avant {text}, après")
    assert "avant" in logs.without_personal_data(f"avant {text}, après")


@pytest.mark.parametrize(
    "text", ["2026-11-22 02:17:30", "58227", "12 345 678", "J4K 1A1", "0.123456789012", "a @ b"]
)
def test_what_is_neither_is_kept(text):
    assert logs.without_personal_data(text) == text


# What else an address holds: names and numbers, which open nothing by themselves.
HARMLESS = {
    "app_label", "content_type_id", "form", "key", "kind", "name", "number", "object_id", "pk",
    "reference", "section", "slug", "url",
}  # fmt: skip
TOKEN = "jeton-canari_0123456789abcdefABCDEF"


def holes(resolver=None, names=()):
    """Each pattern of the site: its names of address, and what it takes from the address."""
    for one in (resolver or get_resolver("config.urls")).url_patterns:
        here = (*names, *one.pattern.converters, *getattr(one.pattern.regex, "groupindex", ()))
        if hasattr(one, "url_patterns"):
            yield from holes(one, here)
        else:
            yield one, set(here)


WITH_TOKEN = [one for one, taken in holes() if "token" in taken]


def test_what_an_address_holds_is_a_token_or_is_known_to_be_harmless():
    taken = set().union(*(names for _one, names in holes()))
    assert taken - {"token"} <= HARMLESS
    assert len(WITH_TOKEN) >= 3


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("one", WITH_TOKEN, ids=lambda one: one.name)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_the_token_of_an_address_is_in_no_line(one, method, lines, db):
    address = reverse(f"directory:{one.name}", args=[TOKEN])
    client = Client(raise_request_exception=False)
    getattr(client, method)(address)
    getattr(client, method)(address.rstrip("/"))
    getattr(client, method)(address + "plus-loin/")
    getattr(client, method)(address, {"x": address})
    client.get("/", headers={"Referer": address})
    # Once the request is over, before it is known, and in what was made of it.
    log = logging.getLogger("essai")
    log.warning("Lent : %s", address)
    request = RequestFactory().get(address)
    log.warning("kwargs={'token': '%s'}", TOKEN, extra={"request": request})
    try:
        raise LookupError(TOKEN)
    except LookupError:
        log.exception("refusé", extra={"request": request})
    said = json.dumps(lines())
    assert "[jeton]" in said
    assert TOKEN not in said


def test_an_address_with_a_short_word_for_token_leaves_other_lines_whole(lines, rf):
    request = rf.get("/invitation/e/")
    logging.getLogger("essai").warning("Une phrase entière.", extra={"request": request})
    assert lines()[-1]["message"] == "Une phrase entière."


@pytest.mark.parametrize("mark", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b[31m", "\x85", "\u2028"])
def test_nobody_can_forge_a_line(mark, client, lines):
    forged = f'/x{mark}{{"level": "CRITICAL", "message": "faux"}}'
    client.get("/", PATH_INFO=forged.encode().decode("latin-1"))
    logging.getLogger("essai").warning("reçu %s", forged)
    assert len(lines()) >= 2
    assert not [line for line in lines() if line["level"] == "CRITICAL"]
    raw = json.dumps(lines())
    assert mark not in raw


def test_one_record_is_one_line_for_any_reader(lines):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.LineFormatter())
    record = logging.makeLogRecord({"msg": "a\nb\x85c\u2028d\u2029e\x1cf", "levelname": "INFO"})
    handler.emit(record)
    assert len(stream.getvalue().splitlines()) == 1
    assert json.loads(stream.getvalue())["message"] == record.getMessage()


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "a" * 50_000 + "@", "a@" * 25_000, "a@a." * 12_500, "1 " * 25_000, "5" * 50_000]
    + ["DETAIL: " * 6_000, "(450" * 12_500],
)
def test_no_text_makes_the_cleaning_slow(text):
    started = time.perf_counter()
    logs.without_personal_data(text)
    assert time.perf_counter() - started < 0.5  # quadratic would be a minute
