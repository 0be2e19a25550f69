"""What a profile says to programs, in the words of schema.org."""

import json
import re

import pytest
from django.test import Client

from tests.factories import ContactFactory, EnterpriseFactory, OfferingFactory
from tests.hostile.corpus import MARKUP

pytestmark = pytest.mark.django_db

SCRIPT = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
#: What each type may say, as schema.org has it.
SHAPES = {
    "Organization": {
        *("@context", "@id", "mainEntityOfPage", "name", "alternateName", "description", "url"),
        *("logo", "telephone", "email", "foundingDate", "identifier", "address", "areaServed"),
        *("knowsLanguage", "makesOffer"),
    },
    "PropertyValue": {"propertyID", "value"},
    "PostalAddress": {
        *("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry")
    },
    "Offer": {"itemOffered"},
    "Product": {"name"},
    "Service": {"name"},
}
SHAPES["LocalBusiness"] = SHAPES["Organization"]


def said(client, enterprise):
    (script,) = SCRIPT.findall(client.get(enterprise.get_absolute_url()).content.decode())
    return json.loads(script), script


def check(node):
    """Every object is of a type, says only what that type may, and nothing empty."""
    assert node["@type"] in SHAPES, node
    assert set(node) - {"@type"} <= SHAPES[node["@type"]], node
    for value in node.values():
        assert value not in ("", [], {}, None), node
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                check(inner)
            else:
                assert isinstance(inner, str)


@pytest.fixture
def table(reference):
    enterprise = EnterpriseFactory(
        name="La Table ronde",
        slug="la-table-ronde",
        published=True,
        neq="1142345678",
        other_names=["LTR"],
        mission="Nourrir la ville.",
        founded_year=1998,
        address="12, rue du Parc",
        postal_code="J4K 1A1",
        phone="+14505550123",
        email="info@table.example",
        website="https://table.example/",
        languages=["français"],
        serves_province=True,
    )
    OfferingFactory(enterprise=enterprise, name="Buffets")
    OfferingFactory(enterprise=enterprise, name="Tourtières", kind="product")
    return enterprise


def test_it_says_what_the_page_says_of_the_enterprise(client, table):
    data, _script = said(client, table)
    check(data)
    assert data["@context"] == "https://schema.org"
    assert data["@type"] == "LocalBusiness"
    assert data["mainEntityOfPage"] == "/entreprises/la-table-ronde/"
    assert data["url"] == "https://table.example/"
    assert data["telephone"] == "+14505550123"
    assert data["identifier"]["value"] == "1142345678"
    assert data["address"]["addressLocality"] == "Longueuil"
    assert data["areaServed"] == ["Tout le Québec"]
    offers = [offer["itemOffered"] for offer in data["makesOffer"]]
    assert offers == [
        {"@type": "Service", "name": "Buffets"},
        {"@type": "Product", "name": "Tourtières"},
    ]


def test_little_is_said_of_who_says_little(client, reference):
    minimal = EnterpriseFactory(name="Minimale", slug="minimale", published=True)
    data, _script = said(client, minimal)
    check(data)
    assert data["@type"] == "Organization"
    assert set(data["address"]) == {
        *("@type", "addressLocality", "addressRegion", "addressCountry")
    }
    assert data["areaServed"] == ["Longueuil"]
    assert data["url"] == data["mainEntityOfPage"]


def test_people_are_not_handed_to_robots_even_by_staff(client, superuser, table):
    public = {f"{name}_visibility": "public" for name in ("name", "email", "phone")}
    ContactFactory(enterprise=table, name="Canari", email="canari@x.example", **public)
    for person in (client, superuser):
        assert "anari" not in said(person, table)[1]


@pytest.mark.parametrize("text", [*MARKUP, "</script >", "<!--<script>", "a\u2028b\u2029c", "]]>"])
def test_no_text_ends_the_element(text, reference):
    enterprise = EnterpriseFactory(
        name=text, slug="attaque", published=True, mission=text, other_names=[text, "b"]
    )
    OfferingFactory(enterprise=enterprise, name=text)
    data, script = said(Client(), enterprise)
    check(data)
    assert data["name"] == data["description"] == text
    assert data["makesOffer"][0]["itemOffered"]["name"] == text
    assert not set(script) & set("<>&\u2028\u2029")
