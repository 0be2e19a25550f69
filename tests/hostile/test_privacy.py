"""Who sees which details of a contact, and what of an unpublished enterprise shows anywhere.

Each secret is a word of its own: it is looked for in all that each person receives.
"""

import gzip
import itertools
import json
import random

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from directory.models import Enterprise, Visibility
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
    StatusFactory,
)

pytestmark = pytest.mark.django_db

LISTED, JSON, SUGGESTIONS, HOME = (
    reverse(f"directory:{name}") for name in ("list", "list_json", "suggestions", "home")
)

#: Who sees what: the design's own table.
SEEN = {
    "anonymous": {"public"},
    "member": {"public"},
    "buyer": {"public", "buyers"},
    "staff": {"public", "buyers", "staff"},
    "superuser": {"public", "buyers", "staff"},
    "deactivated": {"public"},
}


@pytest.fixture
def person(client, request, people):
    """A client for each kind of reader, by name."""

    def of(kind):
        if kind == "anonymous":
            return client
        if kind == "buyer" or kind == "deactivated":
            reader = people(email=f"{kind}@exemple.test")
            reader.user.user_permissions.add(Permission.objects.get(codename="view_buyer_contacts"))
            if kind == "deactivated":
                reader.user.is_active = False
                reader.user.is_staff = True
                reader.user.save()
            return reader
        return request.getfixturevalue(kind)

    return of


def number(index):
    return f"450555{index:04d}"


@pytest.fixture
def secrets(reference):
    """One contact for each combination of visibilities; gives the enterprise and, for each secret
    as a page would show it, who may see it."""
    enterprise = EnterpriseFactory(name="La Table ronde", slug="table", published=True)
    OfferingFactory(enterprise=enterprise)
    found = {}
    for index, (name, email, phone) in enumerate(itertools.product(Visibility.values, repeat=3)):
        ContactFactory(
            enterprise=enterprise,
            name=f"Nomsecret{index:02d}x",
            name_visibility=name,
            function="",
            email=f"secret{index:02d}x@exemple.test",
            email_visibility=email,
            phone=f"+1{number(index)}",
            phone_extension=f"77{index:02d}9",
            phone_visibility=phone,
        )
        found |= {
            f"Nomsecret{index:02d}x": name,
            f"secret{index:02d}x@exemple.test": email,
            number(index): phone,
            f"555-{index:04d}": phone,
            f"77{index:02d}9": phone,
        }
    return enterprise, found


def body(response):
    content = response.getvalue() if response.streaming else response.content
    if response.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    return content.decode()


def everywhere(enterprise):
    """Every public address where something of this enterprise could be read."""
    return [
        enterprise.get_absolute_url(),
        LISTED,
        f"{LISTED}?q=table",
        f"{LISTED}?q=nomsecret00x",
        f"{LISTED}?q=secret00x",
        f"{LISTED}?q=4505550000",
        JSON,
        f"{JSON}?q=nomsecret26x",
        f"{SUGGESTIONS}?q=nomsecret",
        f"{SUGGESTIONS}?q=table",
        HOME,
        "/secteurs/alimentation/",
        "/villes/longueuil/",
        "/regions/monteregie/",
        "/nouveautes/",
        "/nouveautes/atom.xml",
        "/opensearch.json?q=table",
    ]


@pytest.mark.parametrize("kind", SEEN)
def test_each_person_reads_the_details_meant_for_them_and_no_other(kind, secrets, person):
    enterprise, found = secrets
    reader = person(kind)
    for headers in ({}, {"Accept-Encoding": "gzip"}, {"HX-Request": "true"}):
        page = body(reader.get(enterprise.get_absolute_url(), headers=headers))
        for secret, audience in found.items():
            assert (secret in page) == (audience in SEEN[kind]), (secret, audience)
    for address in everywhere(enterprise)[1:]:
        page = body(reader.get(address, headers=headers))
        asked = address.partition("?q=")[2]
        for secret in found:
            if not asked or asked not in secret.lower():
                assert secret not in page, (address, secret)


@pytest.mark.parametrize("kind", SEEN)
def test_a_card_holds_what_everyone_may_read_whoever_asks(kind, secrets, person):
    enterprise, found = secrets
    card = body(person(kind).get(reverse("directory:vcard", args=[enterprise.slug])))
    card = card.replace("\r\n ", "")
    for secret, audience in found.items():
        if not secret.startswith("450555"):  # there, a number is written with its spaces
            # Nobody gets a card that would not reach them, whoever may read their name.
            reached = not secret.startswith("Nom") or (
                "public"
                in {found[f"secret{secret[9:11]}x@exemple.test"], found[f"77{secret[9:11]}9"]}
            )
            assert (secret in card) == (audience == "public" and reached), secret


def test_a_permission_taken_back_counts_at_the_next_request(secrets, person):
    enterprise, found = secrets
    buyer = person("buyer")
    address = enterprise.get_absolute_url()
    reserved = [secret for secret, audience in found.items() if audience == "buyers"]
    before = body(buyer.get(address))
    assert all(secret in before for secret in reserved)
    buyer.user.user_permissions.clear()
    after = body(buyer.get(address))
    assert not any(secret in after for secret in reserved)


@pytest.mark.parametrize("kind", ["buyer", "staff", "superuser"])
def test_what_one_person_received_is_kept_by_nobody(kind, secrets, person):
    enterprise, _ = secrets
    reader = person(kind)
    for address in everywhere(enterprise):
        response = reader.get(address)
        assert "private" in response.headers["Cache-Control"], address
        assert "public" not in response.headers["Cache-Control"]
        assert "ETag" not in response.headers
        assert "Cookie" in response.headers["Vary"]


def test_an_unchanged_answer_holds_nothing_and_is_for_anonymous_readers_only(secrets, person):
    enterprise, found = secrets
    address = enterprise.get_absolute_url()
    etag = person("anonymous").get(address).headers["ETag"]
    again = person("anonymous").get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert not any(secret in str(again.headers) for secret in found)
    for kind in ("buyer", "staff"):
        assert person(kind).get(address, headers={"If-None-Match": etag}).status_code == 200


class SharedCache:
    """A proxy in front of the site that keeps all that HTTP lets it keep (RFC 9111)."""

    def __init__(self):
        self.kept = {}

    def get(self, reader, address, headers):
        sent = {name.lower(): value for name, value in headers.items()}
        if reader.cookies:
            sent["cookie"] = reader.cookies.output(header="", sep=";").strip()
        for varying, kept in self.kept.get(address, []):
            if all(sent.get(name) == value for name, value in varying.items()):
                known = {"If-None-Match": kept.headers["ETag"]}
                fresh = reader.get(address, headers=headers | known)
                return (kept, fresh) if fresh.status_code == 304 else (fresh, fresh)
        fresh = reader.get(address, headers=headers)
        control = fresh.headers.get("Cache-Control", "")
        if not {"private", "no-store"} & set(control.replace(",", " ").split()):
            names = [name.strip().lower() for name in fresh.headers.get("Vary", "").split(",")]
            assert "*" not in names
            varying = {name: sent.get(name) for name in names if name}
            self.kept.setdefault(address, []).append((varying, fresh))
        return fresh, fresh


@pytest.mark.parametrize("seed", [1, 2])
def test_no_proxy_mixes_readers_or_parts_with_pages(seed, secrets, person):
    enterprise, found = secrets
    chance, cache, answers = random.Random(seed), SharedCache(), []
    readers = {kind: person(kind) for kind in SEEN}
    addresses = [enterprise.get_absolute_url(), LISTED, f"{LISTED}?q=table", HOME, JSON]
    for turn in range(40):
        kind, address = chance.choice(list(SEEN)), chance.choice(addresses)
        part = chance.random() < 0.5
        headers = {"HX-Request": "true"} if part else {}
        if turn % 20 == 19:
            Enterprise.objects.filter(pk=enterprise.pk).update(mission=f"Mission {turn}")
        shown, fresh = cache.get(readers[kind], address, headers)
        page = body(shown)
        direct = body(readers[kind].get(address, headers=headers))
        assert page == direct, (kind, address)
        for secret, audience in found.items():
            if audience not in SEEN[kind]:
                assert secret not in page
        answers.append(fresh.status_code)
    assert set(answers) == {200, 304}, "the cache was of use"


# --- What is not published


UNPUBLISHED = ["draft", "archived"]


@pytest.fixture(params=UNPUBLISHED)
def hidden(request, reference):
    """An enterprise that says « zythologie » everywhere, beside one that is published."""
    word = "Zythologie"
    EnterpriseFactory(name="La Table ronde", published=True, sectors=["alimentation"])
    status, benefit = StatusFactory(slug="organisme-bienfaisance"), BenefitFactory(slug="x-benefit")
    logo = default_storage.save("zythologie.png", ContentFile(b"\x89PNG\r\n\x1a\n"))
    enterprise = EnterpriseFactory(
        name=f"{word} boréale",
        slug="zythologie-boreale",
        neq="1142345678",
        other_names=[word],
        mission=word,
        description=word,
        address=word,
        logo=logo,
        email="zythologie@exemple.test",
        website="https://zythologie.example",
        sectors=["alimentation"],
        legal_form="mutual",
        serves_province=True,
        archived=request.param == "archived",
    )
    OfferingFactory(enterprise=enterprise, name=word, description=word)
    ContactFactory(enterprise=enterprise, name=word, email_visibility="public")
    CertificationFactory(enterprise=enterprise, status=status, issuer=word)
    EnterpriseBenefitFactory(enterprise=enterprise, benefit=benefit, evidence=word)
    PermitFactory(enterprise=enterprise, kind=word)
    ReferenceFactory(enterprise=enterprise, client=word, work=word)
    RecognitionFactory(enterprise=enterprise, evidence=word)
    yield enterprise
    default_storage.delete(logo)


SEARCHES = [
    "", "q=table", "secteur=alimentation", "forme=mutual", "statut=organisme-bienfaisance",
    "bienfait=x-benefit", "ville=longueuil", "region=16", "dessert=laval", "pres=longueuil",
    "reconnue=1", "tri=nom", "tri=recent", "q=tables", "q=xylophone", "page=2",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["anonymous", "superuser"])
def test_what_is_not_published_shows_nowhere(kind, hidden, person):
    reader = person(kind)
    for query in SEARCHES:
        for address in (LISTED, JSON):
            page = body(reader.get(f"{address}?{query}"))
            assert "ythologie" not in page, (address, query)
    for address in (HOME, "/secteurs/alimentation/", "/villes/longueuil/"):
        assert "ythologie" not in body(reader.get(address)), address
    for query in ("q=zy", "q=zyth", "q=zythologie", "q=zythologie+bor", "q=1142345678"):
        assert body(reader.get(f"{SUGGESTIONS}?{query}")) == '{"suggestions": []}', query
    for name in (hidden.logo.name, "zythologie.png"):
        assert reader.get(reverse("directory:logo", args=[name])).status_code == 404


def test_what_is_not_published_counts_nowhere(hidden, client):
    for query in ("forme=mutual", "statut=organisme-bienfaisance", "bienfait=x-benefit",
                  "dessert=laval", "reconnue=1", "q=zythologie+xx"):  # fmt: skip
        assert client.get(f"{JSON}?{query}").json()["total"] == 0, query
    counts = client.get(LISTED).context["facets"]
    assert {facet["name"] for facet in counts} & {"forme", "statut", "bienfait"} == set()
    assert client.get(LISTED).context["total"] == 1
    assert client.get(HOME).context["total"] == "1"


def test_what_is_not_published_corrects_no_word(hidden, client):
    for typed in ("zythologi", "zythologies", "zytologie", "boreal"):
        answer = client.get(JSON, {"q": typed}).json()
        assert (answer["total"], answer["corrected"]) == (0, None), typed
        page = body(client.get(LISTED, {"q": typed}))
        assert "ythologie" not in page.replace("zythologies", ""), typed


def test_its_name_and_neq_give_the_public_reason_or_nothing(hidden, client):
    for typed in ("Zythologie boréale", "zythologie boreale", "1142345678", "1142 345 678"):
        response = client.get(LISTED, {"q": typed})
        unlisted = response.context["help"]["unlisted"]
        if hidden.state == "archived":
            assert unlisted == {
                "name": "Zythologie boréale",
                "reason": "Cette entreprise est fermée.",
                "url": "",
            }
        else:
            assert unlisted is None
        for secret in ("exemple.test", "zythologie.example", hidden.address + "<"):
            assert secret not in body(response)
    assert "zythologie" not in json.dumps(client.get(JSON, {"q": "1142345678"}).json()).lower()


def test_it_disappears_from_everywhere_at_once(client, reference):
    """Whatever was kept in the process, by the browser or in the database a moment before."""
    enterprise = EnterpriseFactory(
        name="Zythologie boréale", published=True, sectors=["alimentation"]
    )
    OfferingFactory(enterprise=enterprise, name="Zythologie")
    addresses = [
        *(HOME, LISTED, JSON, f"{LISTED}?q=zythologie", f"{JSON}?q=zythologie&tri=nom"),
        *("/secteurs/alimentation/", "/villes/longueuil/", f"{SUGGESTIONS}?q=zyth"),
        enterprise.get_absolute_url(),
    ]
    before = {address: client.get(address) for address in addresses}
    assert all("ythologie" in body(response) for response in before.values())
    Enterprise.objects.filter(pk=enterprise.pk).update(state="draft")
    for address, response in before.items():
        again = client.get(address, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code in {200, 404}, address
        page = body(again).replace("q=zythologie", "").replace("« zythologie »", "")
        assert "Zythologie" not in page, address
