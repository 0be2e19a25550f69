"""The forms that anyone may send, attacked: what they keep is text, and only what they ask."""

import logging
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from config.logs import LineFormatter
from directory.forms import TRAP
from directory.models import ErrorReport, Suggestion
from tests.client import StrictClient
from tests.directory.test_reports import SAID, WRONG, issued, said
from tests.factories import EnterpriseFactory, ErrorReportFactory, SuggestionFactory
from tests.hostile.corpus import ENCODED, MARKUP, NUMBERS, TEXTS
from tests.hostile.test_markup import SCHEMES, Reader, filled_with
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

SUGGEST = reverse("directory:suggest")


@pytest.fixture
def report_address(reference):
    EnterpriseFactory(slug="cible", published=True)
    return reverse("directory:report", args=["cible"])


def forms(report_address):
    """Each form's address, with what it takes."""
    return [(SUGGEST, said()), (report_address, WRONG | {"issued": issued()})]


def kept():
    return Suggestion.objects.count() + ErrorReport.objects.count()


# --- What is typed


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS], ids=ascii)
def test_no_value_of_any_field_breaks_a_form(value, report_address):
    client = StrictClient()
    for address, sent in forms(report_address):
        for name in [*sent, TRAP, "another"]:
            # Each from an address of its own, so that none meets the limit.
            where = f"2001:db8:{len(name)}:{ord(name[0]):x}::1"
            response = Client().post(address, sent | {name: value}, REMOTE_ADDR=where)
            assert response.status_code in {200, 302, 403}, name
    for query in (quote(value), f"nom={quote(value)}"):
        assert client.get(f"{SUGGEST}?{query}").status_code in {200, 400}


@pytest.mark.parametrize("value", ENCODED)
def test_broken_bytes_are_no_breakdown(value, report_address, client):
    for address, _sent in forms(report_address):
        body = f"name={value}&message={value}&kind={value}&issued={quote(issued())}".encode()
        kind = "application/x-www-form-urlencoded"
        assert client.post(address, body, content_type=kind).status_code in {200, 400}
    assert kept() == 0


def test_what_is_too_long_is_refused_at_its_field(report_address, client):
    for address, sent in forms(report_address):
        for name in set(sent) - {"issued", "kind"}:
            response = client.post(address, sent | {name: "long " * 20_000})
            assert response.status_code == 200, name
            assert {error["at"] for error in response.context["errors"]} == {name}
        assert client.post(address, sent | {"x": "x" * 3_000_000}).status_code == 413
        assert client.post(address, dict.fromkeys(map(str, range(5000)), "x")).status_code == 400
    assert kept() == 0


def test_a_line_stays_a_line(client, reference):
    sent = said(
        name="Buanderie\r\nBcc: x@mal.example", phone="450\r\n555-0123", sender_name="A\r\n\r\nB"
    )
    assert client.post(SUGGEST, sent).status_code == 302
    row = Suggestion.objects.get()
    assert row.name == "Buanderie Bcc: x@mal.example"
    assert (row.phone, row.sender_name) == ("450 555-0123", "A B")
    assert (
        client.post(SUGGEST, said(sender_email="a@b.example\r\nBcc: c@d.example")).status_code
        == 200
    )


def test_nothing_else_than_what_is_asked_can_be_set(report_address, client, superuser):
    other = EnterpriseFactory(slug="autre", published=True)
    for (address, sent), model in zip(
        forms(report_address), (Suggestion, ErrorReport), strict=True
    ):
        fields = [field.name for field in model._meta.get_fields()]
        names = [name for name in fields if name not in sent and not name.startswith("sender")]
        assert {"id", "state", "handled_by", "handled_at", "reason", "key", "reference"} <= set(
            names
        )
        values = dict.fromkeys(names, superuser.user.pk) | {
            "state": "handled",
            "reason": "Piraté",
            "reference": "PIRATE",
            "enterprise": other.pk,
            "handled_at": "2020-01-01",
            "created_at": "2020-01-01",
        }
        assert client.post(address, values | sent).status_code == 302
        row = model.objects.get()
        assert (row.state, row.handled_by, row.handled_at, row.reason) == ("new", None, None, "")
        assert row.reference != "PIRATE"
        assert row.created_at.year > 2020
        assert row.pk != superuser.user.pk or model.objects.count() == 1
    assert ErrorReport.objects.get().enterprise.slug == "cible"


# --- Where it is sent


def test_a_form_is_read_or_sent_and_nothing_else(report_address, client):
    for address, _sent in forms(report_address):
        assert client.head(address).status_code == 200
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
            response = client.generic(method, address, b"x=1", "application/x-www-form-urlencoded")
            assert response.status_code == 405, method
    assert kept() == 0


def test_there_is_nothing_to_report_where_there_is_no_listing(client, reference):
    EnterpriseFactory(slug="brouillon", name="Canari")
    EnterpriseFactory(slug="partie", archived=True)
    expected = {"brouillon": 404, "partie": 410, "inconnue": 404}
    for slug, status in expected.items():
        address = reverse("directory:report", args=[slug])
        for response in (client.get(address), client.post(address, WRONG | {"issued": issued()})):
            assert response.status_code == status, slug
            assert "anari" not in response.content.decode()
    assert kept() == 0


# --- What is shown again, and to staff


@pytest.mark.parametrize("text", MARKUP)
def test_what_was_typed_comes_back_as_text(text, report_address):
    client = Client()
    for address, sent in forms(report_address):
        harmless = set()  # digits enough make a telephone number
        for phone in ("x", "450 555-0123"):
            typed = dict.fromkeys(sent, "x") | {"phone": phone}
            harmless |= Reader(client.post(address, typed).content.decode()).shape
        page = Reader(client.post(address, dict.fromkeys(sent, text)).content.decode())
        assert page.shape <= harmless
        assert all(link.startswith(SCHEMES) for link in page.links)
    page = Reader(client.get(SUGGEST, {"nom": text}).content.decode())
    assert page.shape == Reader(client.get(SUGGEST, {"nom": "x"}).content.decode()).shape


def test_the_queue_shows_it_all_as_text(superuser, reference):
    keeper = Client()
    sign_in(keeper, superuser.user)

    def pages(text):
        shapes = {}
        for factory in (SuggestionFactory, ErrorReportFactory):
            model = factory._meta.model
            values = filled_with(model, text) | {"reason": "", "key": text[:64]}
            row = factory(**values | {"reference": text[:12]})
            name = f"admin:directory_{model._meta.model_name}"
            for address in (
                reverse(f"{name}_changelist"),
                reverse(f"{name}_change", args=[row.pk]),
                reverse(f"{name}_delete", args=[row.pk]),
                reverse(f"{name}_history", args=[row.pk]),
            ):
                page = Reader(keeper.get(address).content.decode())
                shapes[address.replace(str(row.pk), "n")] = page
                assert all(link.startswith(SCHEMES) or link == "." for link in page.links)
            row.delete()
        return shapes

    harmless = pages("attaque\ninnocente")
    for text in MARKUP:
        for address, page in pages(text).items():
            new = page.shape - harmless[address].shape
            assert not new, (address, text)


# --- What is known of who sent it


def test_nothing_that_was_sent_is_logged_or_shown(report_address, client, caplog):
    canary = {
        "sender_name": "Canari Secret",
        "sender_email": "canari@secret.example",
        "phone": "450 555-0199",
        "activity": "Canarisecret",
        "message": "Canarisecret",
    }
    with caplog.at_level(logging.DEBUG):
        for address, sent in forms(report_address):
            for changes in ({}, {"issued": ""}, {TRAP: "x"}):
                response = client.post(address, sent | canary | changes)
                if response.status_code == 302:
                    page = client.get(response.headers["Location"]).content.decode()
                    assert "anari" not in page
    log = "\n".join(map(LineFormatter().format, caplog.records))
    assert "POST" in log
    for secret in ("Canari", "canari", "secret", "0199", "127.0.0.1"):
        assert secret not in log
    for address in ("/", "/entreprises/", "/entreprises/cible/", "/entreprises.json"):
        assert "anari" not in client.get(address).content.decode()
    assert kept() == 2


def test_saying_the_same_as_another_gives_nothing_away(client, reference):
    """A number is given to whoever sends the very form, not to whoever guesses what it says."""
    first = client.post(SUGGEST, SAID | {"issued": issued(key="a")}).headers["Location"]
    other = client.post(SUGGEST, SAID | {"issued": issued(key="b")}, REMOTE_ADDR="192.0.2.9")
    assert first != other.headers["Location"]
