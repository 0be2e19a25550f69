"""What an enterprise writes of itself is text wherever it is shown: no page runs it, follows it, or
lets it change its own shape."""

import json
from html.parser import HTMLParser

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import reverse

from directory.models import (
    Benefit,
    Borough,
    City,
    Enterprise,
    PurchasingCategory,
    Sector,
    Status,
    Synonym,
    SynonymGroup,
)
from tests.factories import (
    BoroughFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
)
from tests.hostile.corpus import LINKS, MARKUP
from tests.signing_in import sign_in
from tests.test_access import TABLES

pytestmark = pytest.mark.django_db

CHILDREN = {
    "offerings": OfferingFactory,
    "contacts": ContactFactory,
    "certifications": CertificationFactory,
    "benefits": EnterpriseBenefitFactory,
    "permits": PermitFactory,
    "references": ReferenceFactory,
    "recognitions": RecognitionFactory,
}
#: What the database holds to a shape of its own, in which no mark-up fits.
SHAPED = {"slug", "neq", "phone", "postal_code", "unspsc"}
SCHEMES = ("http://", "https://", "mailto:", "tel:", "/", "#", "?")
LINKING = {"href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href"}


def text_fields(model):
    """Everything that a person may write freely in a row of this model."""
    for field in model._meta.get_fields():
        if getattr(field, "choices", None) or field.name in SHAPED or field.auto_created:
            continue
        if isinstance(field, ArrayField) and field.base_field.choices:
            continue
        if isinstance(field, models.CharField | models.TextField | ArrayField | models.JSONField):
            yield field


def filled_with(model, text):
    values = {}
    for field in text_fields(model):
        if isinstance(field, ArrayField):
            values[field.name] = [text[: field.base_field.max_length], "b"]
        elif isinstance(field, models.JSONField):
            values[field.name] = {text: text}
        elif field.name == "archive_reason":
            values[field.name] = ""  # a published listing has none
        else:
            values[field.name] = text[: field.max_length]
    return values


def enterprise_of(text, **fields):
    enterprise = EnterpriseFactory(
        **filled_with(Enterprise, text)
        | {"published": True, "sectors": ["alimentation"], "phone": "+14505550123"}
        | fields
    )
    for factory in CHILDREN.values():
        model = factory._meta.model
        visible = {
            field.name: "public"
            for field in model._meta.fields
            if field.name.endswith("_visibility")
        }
        factory(enterprise=enterprise, **filled_with(model, text) | visible)
    return enterprise


class Reader(HTMLParser):
    """The shape of a page (elements and the names of their attributes), its text, its links."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.shape, self.links, self.texts = set(), [], []
        self.stack = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.shape.add((tag, *sorted(name for name, _ in attributes)))
        self.links += [value or "" for name, value in attributes if name in LINKING]
        self.stack.append(tag)

    def handle_endtag(self, tag):
        self.shape.add(("/", tag))

    def handle_comment(self, data):
        self.shape.add(("!", data))

    def handle_decl(self, decl):
        self.shape.add(("!", decl))

    def handle_pi(self, data):
        self.shape.add(("?", data))

    def unknown_decl(self, data):
        self.shape.add(("[", data))

    def handle_data(self, data):
        self.texts.append(data)


def read(client, address, **options):
    response = client.get(address, **options)
    assert response.status_code == 200, address
    return Reader(response.content.decode())


@pytest.fixture
def reader():
    """Without the usual client's eye for what looks like a template's own tag."""
    return Client()


@pytest.fixture
def keeper(superuser, reader):
    sign_in(reader, superuser.user)
    return reader


def public_addresses(enterprise):
    asked = {"q": "attaque"}
    return [
        (reverse("directory:home"), {}),
        (reverse("directory:list"), {}),
        (reverse("directory:list"), asked),
        (reverse("directory:list"), {"q": enterprise.name[:200]}),
        (reverse("directory:sector", args=["alimentation"]), {}),
        (reverse("directory:city", args=["longueuil"]), {}),
        (reverse("directory:region", args=["monteregie"]), {}),
        (reverse("directory:news"), {}),
        (enterprise.get_absolute_url(), {}),
    ]


HARMLESS = "attaque innocente"


SHAPES = {}


@pytest.fixture
def harmless(reference, reader):
    """The shapes of the same pages with text that says nothing, found, corrected and not found."""
    if not SHAPES:
        enterprise = enterprise_of(HARMLESS, slug="attaque", website="https://bien.example/")
        alike = enterprise_of(HARMLESS, slug="attaque-semblable")
        for address, query in public_addresses(enterprise):
            for headers in ({}, {"HX-Request": "true"}):
                for asked in (query, {"q": "rien de tel"}, {"q": "attaqua innocente"}):
                    page = read(reader, address, data=asked, headers=headers)
                    SHAPES.setdefault(address, set()).update(page.shape)
        enterprise.delete()
        alike.delete()
    return SHAPES


def test_there_is_enough_to_attack_with_and_to_attack():
    assert len(MARKUP) >= 40
    assert len(set(MARKUP)) == len(MARKUP)
    names = {field.name for field in text_fields(Enterprise)}
    assert {"name", "other_names", "mission", "website", "email", "address"} <= names


def test_no_text_of_an_enterprise_does_anything_on_a_public_page(harmless, reader):
    enterprises = {
        text: enterprise_of(text, slug=f"attaque-{number}") for number, text in enumerate(MARKUP)
    }
    listed = reverse("directory:list")
    addresses = [(address, {}) for address in harmless if "attaque" not in address]
    addresses += [(listed, {"page": page, "tri": "nom"}) for page in (1, 2, 3)]
    addresses += [(listed, {"q": "alert", "page": page}) for page in (1, 2)]
    for address, query in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            page = read(reader, address, data=query, headers=headers)
            assert_does_nothing(page, harmless[address] | harmless[listed])
    for text, enterprise in enterprises.items():
        address = enterprise.get_absolute_url()
        page = read(reader, address)
        new = page.shape - harmless[reverse("directory:detail", args=["attaque"])]
        assert not new, (text, new)
        assert_does_nothing(page, set())
        # And it was not mangled on the way: what was written is what is read.
        assert text in "".join(page.texts), text
    # What a program and the search box receive is data.
    answer = reader.get(reverse("directory:list_json"), {"taille": 100})
    assert answer.headers["Content-Type"] == "application/json"
    rows = json.loads(answer.content)["results"]
    assert {row["name"] for row in rows} == set(MARKUP)
    assert all(row["name"] in row["offerings"] for row in rows)
    answer = reader.get(reverse("directory:suggestions"), {"q": "script"})
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content)["suggestions"]


def assert_does_nothing(page, harmless):
    """What is new on the page is what the site itself shows: a notice, a chip, a way out."""
    new = page.shape - harmless if harmless else set()
    assert not {part for part in new if any(name.startswith("on") for name in part[1:])}
    assert not {part for part in new if part[0] in {"script", "img", "svg", "iframe", "base"}}
    for link in page.links:
        assert link.startswith(SCHEMES), link


def test_what_is_typed_comes_back_as_text(harmless, reader):
    address = reverse("directory:list")
    for text in MARKUP[::2]:
        for asked in ({"q": text}, {"pres": text, "ville": text, "tri": text, "q": f'"{text}"'}):
            for headers in ({}, {"HX-Request": "true"}):
                page = read(reader, address, data=asked, headers=headers)
                assert_does_nothing(page, harmless[address])


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_to_a_web_page_or_is_none(link, reference, reader):
    """Forms refuse these; a file or a hand that writes to the database may not."""
    enterprise = EnterpriseFactory(published=True, slug="liens", website=link)
    ReferenceFactory(enterprise=enterprise, url=link)
    page = read(reader, enterprise.get_absolute_url())
    for found in page.links:
        assert found.startswith(SCHEMES), found
        assert not found.startswith(("//", "/\\", "http:///", "?")), found
    assert not {part for part in page.shape if "onclick" in part}


@pytest.mark.parametrize(
    ("website", "shown"),
    [
        ("https://www.bien.example/a?b=c", "bien.example"),
        ("https://longueuil.quebec@mal.example/", "mal.example"),
        ("https://longueuil.quebec:x@mal.example:8443/", "mal.example:8443"),
    ],
)
def test_the_name_of_a_site_is_the_one_it_leads_to(website, shown, reference, reader):
    enterprise = EnterpriseFactory(published=True, website=website)
    assert reader.get(enterprise.get_absolute_url()).context["e"]["website_label"] == shown


@pytest.mark.parametrize(
    "email", ["a?bcc=b@mal.example", "a?subject=x&body=y@mal.example", "a%0abcc:b@mal.example"]
)
def test_an_address_to_write_to_adds_nothing_to_the_letter(email, reference, reader):
    """All three are valid addresses."""
    enterprise = EnterpriseFactory(published=True, slug="courriel", email=email)
    ContactFactory(enterprise=enterprise, email=email, email_visibility="public")
    page = read(reader, enterprise.get_absolute_url())
    links = [link for link in page.links if "mal.example" in link]
    assert len(links) == 2
    for link in links:
        assert not set("?&\n") & set(link)
        assert "%0a" not in link.lower()


def test_an_extension_adds_nothing_to_the_number(reference, reader):
    enterprise = EnterpriseFactory(
        published=True, phone="+14505550123", phone_extension="1;x=y 2#*"
    )
    page = read(reader, enterprise.get_absolute_url())
    (link,) = [link for link in page.links if link.startswith("tel:+1450")]
    assert link == "tel:+14505550123;ext=1%3Bx%3Dy%202%23%2A"


def test_the_name_of_a_logo_is_no_way_out_of_its_address(reference, reader):
    for name in ('x" onerror="alert(1).png', "x'><svg onload=1>.png", "..png", "a%2f..%2fb.png"):
        enterprise = EnterpriseFactory(published=True, logo=name, slug="logo")
        page = read(reader, enterprise.get_absolute_url())
        (image,) = [link for link in page.links if link.startswith("/logos/")]
        assert not set('"<> ') & set(image)
        assert not {part for part in page.shape if "onerror" in part or part[0] == "svg"}
        assert reader.get(image).status_code == 404  # no such file
        enterprise.delete()


# --- Words that staff write


VOCABULARIES = {Sector: {}, Status: {}, Benefit: {}, PurchasingCategory: {}, City: {}, Borough: {}}


@pytest.mark.parametrize("text", [MARKUP[1], MARKUP[8], MARKUP[11], MARKUP[39]])
def test_no_word_of_a_vocabulary_does_anything_either(text, harmless, reader, reference):
    enterprise = enterprise_of(HARMLESS, slug="attaque", website="https://bien.example/")
    enterprise.borough = BoroughFactory()
    enterprise.save()
    for model in VOCABULARIES:
        model.objects.update(name=text)
    Sector.objects.update(description=text)
    group = SynonymGroup.objects.create(name=text[:80])
    Synonym.objects.create(group=group, term="attaque")
    Synonym.objects.create(group=group, term=text[:80])
    for address, query in public_addresses(enterprise):
        for headers in ({}, {"HX-Request": "true"}):
            page = read(reader, address, data=query, headers=headers)
            assert_does_nothing(page, harmless[address])


# --- The back office


def change_page(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_the_back_office_shows_it_all_as_text(reference, keeper):
    """Compared with as many lines of harmless text, on every page that could show one."""
    attacks = MARKUP[1::9]

    def pages(texts):
        enterprise = enterprise_of(texts[0], slug="attaque")
        rows = [enterprise]
        for factory in CHILDREN.values():
            model = factory._meta.model
            rows.append(model.objects.get(enterprise=enterprise))
        for text in texts[1:]:
            for factory in (OfferingFactory, ContactFactory, PermitFactory, ReferenceFactory):
                factory(enterprise=enterprise, **filled_with(factory._meta.model, text))
        addresses = [change_page(row) for row in rows]
        addresses += [page.replace("/change/", "/delete/") for page in addresses]
        addresses += [change_page(enterprise).replace("/change/", "/history/")]
        addresses += [reverse(f"admin:{table}_changelist") for table in TABLES]
        addresses.append(reverse("admin:index"))
        sent = {"action": "delete_selected", "_selected_action": str(enterprise.pk)}
        changelist = reverse("admin:directory_enterprise_changelist")
        confirm = Reader(keeper.post(changelist, sent).content.decode())
        shapes = {number: read(keeper, address) for number, address in enumerate(addresses)}
        shapes["confirm"] = confirm
        enterprise.delete()
        return addresses, shapes

    _, harmless = pages([HARMLESS] * len(attacks))
    addresses, attacked = pages(attacks)
    for number, page in attacked.items():
        where = addresses[number] if isinstance(number, int) else number
        new = page.shape - harmless[number].shape
        assert not {part for part in new if part[0] not in {"a", "p"}}, where
        assert not {part for part in new if any(n.startswith("on") for n in part[1:])}, where
        for link in page.links:
            assert link.startswith(SCHEMES) or link == ".", (where, link)


def test_a_link_typed_in_the_back_office_must_be_one(reference, keeper):
    address = reverse("admin:directory_reference_add")
    enterprise = EnterpriseFactory(published=True)
    sent = {"enterprise": enterprise.pk, "client": "Ville", "work": "Repas"}
    for link in LINKS:
        response = keeper.post(address, sent | {"url": link})
        if response.status_code == 200:
            assert response.context["adminform"].form.errors["url"]
    kept = enterprise.references.values_list("url", flat=True)
    assert all(url.startswith(("http://", "https://", "ftp://")) for url in kept), list(kept)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("logo.html", b"<script>alert(1)</script>"),
        ("logo.png", b"<script>alert(1)</script>"),
        ("logo.png.html", b"\x89PNG\r\n\x1a\n"),
        ("logo.php", b"\x89PNG\r\n\x1a\n"),
        ("../../logo.html", b"GIF89a<script>"),
    ],
)
def test_a_logo_that_is_no_image_is_refused(name, content, reference):
    field = Enterprise._meta.get_field("logo").formfield()
    with pytest.raises(ValidationError):
        field.clean(SimpleUploadedFile(name, content))
