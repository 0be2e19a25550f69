"""The card of an enterprise for an address book, read again as an address book reads it."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from directory.models import Contact
from tests.factories import ContactFactory, EnterpriseFactory
from tests.hostile.corpus import LINKS, MARKUP, WORDS

pytestmark = pytest.mark.django_db


def address(slug):
    return reverse("directory:vcard", args=[slug])


def cards(content):
    """Each card as {property: [values]}, a value in its parts; unfolded and unescaped."""
    assert content.endswith(b"END:VCARD\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content), "each line ends with CRLF"
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut in two
    found = []
    for line in content.decode().replace("\r\n ", "").split("\r\n")[:-1]:
        assert not re.search(r"[\x00-\x1f\x7f]", line)
        name, value = line.split(":", 1)
        if line == "BEGIN:VCARD":
            found.append({})
        parts = re.split(r"(?<!\\)(?:\\\\)*;", value)
        said = [re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], p) for p in parts]
        found[-1].setdefault(name, []).append(said)
    return found


@pytest.fixture
def table(reference):
    return EnterpriseFactory(
        name="La Table; ronde, Inc.",
        slug="la-table-ronde",
        published=True,
        mission="Nourrir la ville,\nun repas à la fois. " + "Été comme hiver 🦫. " * 12,
        address="12, rue du Parc",
        postal_code="J4K 1A1",
        phone="+14505550123",
        phone_extension="12",
        email="info@table.example",
        website="https://www.table.example/a,b;c",
        sectors=["alimentation"],
    )


def test_it_says_how_to_reach_the_enterprise(client, table):
    response = client.get(address(table.slug))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/vcard; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="la-table-ronde.vcf"'
    (card,) = cards(response.content)
    assert card["VERSION"] == [["3.0"]]
    assert card["FN"] == card["ORG"] == [["La Table; ronde, Inc."]]
    assert card["N"] == [["La Table; ronde, Inc.", "", "", "", ""]]
    assert card["TEL;TYPE=WORK,VOICE"] == [["+1 450 555-0123 x12"]]
    assert card["EMAIL;TYPE=INTERNET,WORK"] == [["info@table.example"]]
    assert card["ADR;TYPE=WORK"] == [
        ["", "", "12, rue du Parc", "Longueuil", "Québec", "J4K 1A1", "Canada"]
    ]
    assert card["NOTE"] == [[table.mission]]
    assert b"URL;TYPE=WORK:https://www.table.example/a,b;c\r\n" in response.content
    assert card["SOURCE"] == [["http://testserver/entreprises/la-table-ronde/"]]
    page = client.get(table.get_absolute_url()).content.decode()
    assert f'href="{address(table.slug)}"' in page


def test_people_come_after_with_what_everyone_may_see(client, superuser, table):
    shown = {"name_visibility": "public", "phone_visibility": "public"}
    ContactFactory(enterprise=table, name="Aïcha Fictive", email="canari@x.example", **shown)
    ContactFactory(enterprise=table, name="Canari", name_visibility="buyers")
    ContactFactory(
        enterprise=table, name="Canari", name_visibility="staff", email_visibility="public"
    )
    for person in (client, superuser):
        content = person.get(address(table.slug)).content
        assert b"anari" not in content
        organisation, *people = cards(content)
        assert organisation["X-ABShowAs"] == [["COMPANY"]]
        assert [card["FN"] for card in people] == [[["Aïcha Fictive"]], [["Direction générale"]]]
        assert people[0]["TEL;TYPE=WORK,VOICE"] == [["+1 450 555-0123"]]
        assert people[0]["ORG"] == [["La Table; ronde, Inc."]]
        assert people[1]["EMAIL;TYPE=INTERNET,WORK"] == [["aicha@traiteur.example"]]


def test_nobody_gets_a_card_that_reaches_nobody(client, table):
    ContactFactory(enterprise=table, name="Aïcha Fictive", email="", phone="")
    ContactFactory(enterprise=table, name="Bo Fictif", email="bo@x.example", phone="")
    Contact.objects.update(email_visibility="buyers")
    assert len(cards(client.get(address(table.slug)).content)) == 1
    Contact.objects.update(email_visibility="public")
    assert len(cards(client.get(address(table.slug)).content)) == 2


@pytest.mark.parametrize("text", [*MARKUP, *WORDS[:40], "a\r\nTEL:911", "a\u2028b", "\\", "é" * 90])
def test_no_text_adds_a_line_to_it(text, reference):
    enterprise = EnterpriseFactory(
        name=text[:200] or "x", slug="attaque", published=True, mission=text, address=text[:200]
    )
    ContactFactory(enterprise=enterprise, name=text[:120] or "x", email_visibility="public")
    content = Client().get(address("attaque")).content
    organisation, person = cards(content)
    assert set(organisation) <= {
        *("BEGIN", "VERSION", "N", "FN", "ORG", "X-ABShowAs", "ADR;TYPE=WORK", "NOTE", "SOURCE"),
        *("UID", "REV", "END"),
    }
    assert len(organisation.get("NOTE", [1])) == 1
    assert set(person) == {
        *("BEGIN", "VERSION", "N", "FN", "ORG", "TITLE", "EMAIL;TYPE=INTERNET,WORK", "END")
    }


def test_a_site_that_is_no_page_of_the_web_is_left_out(reference, client):
    for number, link in enumerate(LINKS):
        EnterpriseFactory(slug=f"lien-{number}", published=True, website=link)
        for line in client.get(address(f"lien-{number}")).content.decode().split("\r\n"):
            assert not line.startswith("URL") or line.split(":", 1)[1].lower().startswith("http")


def test_there_is_a_card_where_there_is_a_page(client, superuser, table):
    draft = EnterpriseFactory(slug="brouillon")
    gone = EnterpriseFactory(slug="partie", archived=True, phone="+14505550199")
    for person in (client, superuser):
        assert person.get(address("inconnue")).status_code == 404
        assert person.get(address(draft.slug)).status_code == 404
        response = person.get(address(gone.slug))
        assert response.status_code == 410
        assert b"5550199" not in response.content


def test_it_is_read_in_two_statements_and_kept_while_unchanged(client, table):
    for number in range(12):
        ContactFactory(enterprise=table, name=f"Personne {number}")
    connection.check_constraints()
    etag = client.get(address(table.slug)).headers["ETag"]
    with CaptureQueriesContext(connection) as queries:
        client.get(address(table.slug))
    assert len([q for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]) == 2
    again = client.get(address(table.slug), headers={"If-None-Match": etag})
    assert again.status_code == 304
