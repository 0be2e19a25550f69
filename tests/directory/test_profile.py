"""The page of one enterprise: what it says, to whom, and what stands where there is none."""

import datetime
import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from directory.models import City, Enterprise, Region
from directory.slugs import Slugs
from tests.factories import (
    BenefitFactory,
    BoroughFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    PurchasingCategoryFactory,
    RecognitionFactory,
    ReferenceFactory,
    StatusFactory,
)
from tests.forms import filled

pytestmark = pytest.mark.django_db

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr(
        timezone, "localdate", lambda *args: TODAY if not args else localdate(*args)
    )


localdate = timezone.localdate


def days(number):
    return TODAY + datetime.timedelta(days=number)


@pytest.fixture
def table(reference):
    return EnterpriseFactory(name="La Table ronde", slug="la-table-ronde", published=True)


@pytest.fixture
def read(client):
    """What the page of an enterprise says, in words: the context of its template."""

    def asked(enterprise):
        return client.get(enterprise.get_absolute_url()).context["e"]

    return asked


def plain(text):
    """With ordinary spaces, wherever typography asks for others."""
    return text.replace("\xa0", " ")


def change(enterprise, **values):
    for name, value in values.items():
        setattr(enterprise, name, value)
    enterprise.save()


# --- Where there is no page


def test_an_address_that_no_enterprise_has_is_not_found(client, table):
    for slug in ("inconnue", "la-table", "la-table-ronde-2", "LA-TABLE-RONDE", "-", "_", "0"):
        response = client.get(f"/entreprises/{slug}/")
        assert response.status_code == 404, slug
        assert "Cette page n’existe pas" in response.content.decode()


def test_a_draft_is_not_found_by_anyone_and_nothing_of_it_is_said(client, superuser, reference):
    draft = EnterpriseFactory(name="Canari secret", slug="brouillon", mission="Canari secret")
    unknown = client.get("/entreprises/brouillons/").content
    for person in (client, superuser):
        response = person.get(draft.get_absolute_url())
        assert response.status_code == 404
        assert "anari" not in response.content.decode()
    assert len(client.get(draft.get_absolute_url()).content) == len(unknown)


@pytest.mark.parametrize(
    ("closing", "said"),
    [
        ("closed", "Cette entreprise a cessé ses activités"),
        ("other", "Fiche non publiée\xa0; écrivez au Pôle"),
    ],
)
def test_an_archived_enterprise_is_gone_and_the_public_reason_is_given(
    closing, said, client, reference
):
    gone = EnterpriseFactory(
        name="Coop disparue",
        archived=True,
        closing=closing,
        archive_reason="CANARI raison de l’équipe",
        mission="CANARI mission",
        phone="+14505550199",
        email="canari@disparue.example",
        website="https://canari.example",
    )
    ContactFactory(enterprise=gone, name="CANARI personne", email_visibility="public")
    response = client.get(gone.get_absolute_url())
    page = response.content.decode()
    assert response.status_code == 410
    assert "Coop disparue" in page
    assert response.context["reason"] == said
    assert said.replace("\xa0", "&nbsp;") in page or said in page
    assert "canari" not in page.lower()
    assert "5550199" not in page
    assert 'name="robots" content="noindex"' in page


def test_an_archived_enterprise_leads_to_the_one_that_replaces_it(client, table):
    old = EnterpriseFactory(name="Ancienne", archived=True, closing="replaced", replaced_by=table)
    response = client.get(old.get_absolute_url())
    assert response.status_code == 410
    assert response.context["reason"] == "Remplacée par La Table ronde"
    assert f'href="{table.get_absolute_url()}"' in response.content.decode()


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_it_does_not_lead_to_what_is_not_published(state, client, reference):
    traits = {"archived": True} if state == "archived" else {}
    successor = EnterpriseFactory(name="Canari", slug="canari", **traits)
    old = EnterpriseFactory(
        name="Ancienne", archived=True, closing="replaced", replaced_by=successor
    )
    response = client.get(old.get_absolute_url())
    assert response.status_code == 410
    assert response.context["reason"] == "Fiche non publiée\xa0; écrivez au Pôle"
    assert "anari" not in response.content.decode()


def test_it_is_gone_as_soon_as_it_is_archived_and_back_as_soon_as_it_is_published(client, table):
    address = table.get_absolute_url()
    etag = client.get(address).headers["ETag"]
    change(table, state="archived", closing="closed")
    response = client.get(address, headers={"If-None-Match": etag})
    assert response.status_code == 410
    change(table, state="published", closing="")
    response = client.get(address, headers={"If-None-Match": response.headers["ETag"]})
    assert response.status_code == 200


def renamed(enterprise, slug):
    connection.check_constraints()  # as a commit: what it was is public
    enterprise.slug = slug
    enterprise.save()
    return enterprise


ADDRESSES = [
    "/entreprises/{}/",
    "/entreprises/{}.vcf",
    "/entreprises/{}/signaler/",
    reverse("directory:claim", args=["nom"]).replace("/nom/", "/{}/"),
]


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_address_that_a_listing_had_leads_for_good_to_the_one_it_has(path, member, table):
    before = table.slug
    connection.check_constraints()
    Enterprise.objects.filter(pk=table.pk).update(slug="entre-deux")  # no history of it
    renamed(Enterprise.objects.get(pk=table.pk), "nouveau-nom")
    for old in (before, "entre-deux"):
        response = member.get(f"{path.format(old)}?de=caf%C3%A9")
        assert response.status_code == 301
        assert response.headers["Location"] == f"{path.format('nouveau-nom')}?de=caf%C3%A9"
    taker = EnterpriseFactory(name="Autre", slug=before, published=True)
    assert member.get(path.format(before)).status_code == 200
    renamed(taker, "encore-autre")
    response = member.get(path.format(before))
    assert response.headers["Location"] == path.format("encore-autre")
    taker.delete()
    connection.check_constraints()
    assert member.get(path.format(before)).status_code == 404


def test_what_was_sent_to_an_address_of_before_is_not_lost(client, table):
    address = ADDRESSES[2].format(table.slug)
    renamed(table, "nouveau-nom")
    response = client.post(address, {"message": "Fermée le lundi."})
    assert response.status_code == 308
    assert response.headers["Location"] == ADDRESSES[2].format("nouveau-nom")


def test_no_address_that_leads_to_a_listing_is_given_to_another(table):
    before = table.slug
    assert Slugs.of_the_site().new(table.name, "longueuil") != before
    renamed(table, "nouveau-nom")
    assert {before, "nouveau-nom"} <= Slugs.of_the_site().taken


def test_staff_are_told_that_an_address_leads_to_another_listing(table, superuser):
    before = table.slug
    renamed(table, "nouveau-nom")
    other = EnterpriseFactory(name="Autre", slug="autre", published=True)
    where = reverse("admin:directory_enterprise_change", args=[other.pk])
    sent = filled(superuser.get(where), "enterprise_form")
    for taken in (before, "nouveau-nom"):
        page = superuser.post(where, sent | {"slug": taken})
        assert page.status_code == 200
        said = f"Cette adresse mène déjà à «\xa0{table.name}\xa0»"
        assert page.context["adminform"].form.errors["slug"][0].startswith(said)
    # A listing may take its own back.
    where = reverse("admin:directory_enterprise_change", args=[table.pk])
    sent = filled(superuser.get(where), "enterprise_form")
    assert superuser.post(where, sent | {"slug": before}).status_code == 302


def test_an_address_of_before_tells_nothing_of_what_is_not_shown(client, table):
    address = table.get_absolute_url()
    renamed(table, "nouveau-nom")
    change(table, state="draft")
    assert client.get(address).status_code == 404
    renamed(EnterpriseFactory(name="Ébauche", slug="ebauche"), "autre-ebauche")
    change(table, state="published")
    assert client.get("/entreprises/ebauche/").status_code == 404
    change(table, state="archived", closing="closed")
    response = client.get(address)
    assert response.headers["Location"] == "/entreprises/nouveau-nom/"
    assert client.get("/entreprises/nouveau-nom/").status_code == 410


# --- What it says


def test_it_says_who_where_and_in_what_form(read, table):
    change(
        table,
        other_names=["Table", "LTR"],
        neq="1142345678",
        founded_year=1998,
        legal_form="coop_worker",
        address="12, rue du Parc",
        postal_code="J4K 1A1",
        borough=BoroughFactory(),
    )
    page = read(table)
    assert page["other_names"] == "Table et LTR"
    assert page["neq"] == "1142\xa0345\xa0678"
    assert page["form"] == "Coopérative de travail"
    assert page["place"] == "Longueuil, Saint-Hubert"
    assert page["address_lines"] == ["12, rue du Parc", "Longueuil (Québec) \xa0J4K 1A1"]
    assert page["region"] == "Montérégie"
    assert page["founded"] == 1998


def test_services_and_products_are_apart_in_their_order(read, table):
    for position, (kind, name) in enumerate(
        [("service", "Deux"), ("product", "Pain"), ("service", "Trois")], start=2
    ):
        OfferingFactory(enterprise=table, kind=kind, name=name, position=position)
    OfferingFactory(enterprise=table, name="Un", position=1)
    page = read(table)
    assert [row["name"] for row in page["services"]] == ["Un", "Deux", "Trois"]
    assert [row["name"] for row in page["products"]] == ["Pain"]


def test_an_offering_says_its_category_and_the_territory_of_its_own(read, table):
    category = PurchasingCategoryFactory(slug="g15")
    there = OfferingFactory(enterprise=table, category=category, position=1)
    there.served_cities.add(City.objects.get(code="58007"))
    OfferingFactory(enterprise=table, serves_province=True, position=2)
    OfferingFactory(enterprise=table, position=3)
    first, second, third = read(table)["services"]
    assert first["category"] == f"G15 – {category.name}"
    assert first["territory"] == "Territoire\xa0: Brossard"
    assert second["territory"] == "Territoire\xa0: Tout le Québec"
    assert (third["category"], third["territory"]) == ("", "")


def test_a_city_that_shares_its_name_comes_with_its_county(read, reference):
    names = list(City.objects.values_list("name", flat=True))
    shared = City.objects.filter(name=next(n for n in names if names.count(n) > 1)).first()
    enterprise = EnterpriseFactory(published=True, city=shared)
    assert read(enterprise)["city"] == f"{shared.name} ({shared.county.name})"


def test_it_serves_its_city_unless_it_says_where_it_goes(read, table):
    assert read(table)["territory"] == "Longueuil"
    table.served_regions.add(Region.objects.get(code="06"))
    table.served_cities.add(City.objects.get(code="58033"))
    assert read(table)["territory"] == "Montréal et Boucherville"
    change(table, serves_province=True)
    assert read(table)["territory"] == "Tout le Québec"


@pytest.mark.parametrize(
    ("phone", "extension", "text", "link"),
    [
        ("+14505550123", "", "450\xa0555-0123", "tel:+14505550123"),
        ("+14505550123", "12", "450\xa0555-0123, poste 12", "tel:+14505550123;ext=12"),
        ("+18005550123", "0", "800\xa0555-0123, poste 0", "tel:+18005550123;ext=0"),
    ],
)
def test_a_number_is_written_as_in_quebec_and_can_be_dialled(
    phone, extension, text, link, read, client, table
):
    change(table, phone=phone, phone_extension=extension)
    page = read(table)
    assert (page["phone"], page["phone_href"]) == (text, link)
    assert f'href="{link}"' in client.get(table.get_absolute_url()).content.decode()


def test_without_public_details_the_pole_puts_in_touch(client, table, settings):
    html = client.get(table.get_absolute_url()).content.decode()
    assert "Aucune coordonnée publique" in html
    change(table, email="info@table.example")
    html = client.get(table.get_absolute_url()).content.decode()
    assert "Aucune coordonnée publique" not in html
    assert 'href="mailto:info@table.example"' in html


@pytest.mark.parametrize(
    ("expires_on", "said", "expired"),
    [
        (days(0), "Valide jusqu’au 22 novembre 2026", False),
        (days(-1), "Expirée le 21 novembre 2026", True),
        (datetime.date(2027, 3, 1), "Valide jusqu’au 1er mars 2027", False),
        (None, "", False),
    ],
)
def test_a_certification_is_good_to_the_end_of_its_last_day(
    expires_on, said, expired, read, client, table
):
    CertificationFactory(enterprise=table, expires_on=expires_on, issuer="Ministère")
    PermitFactory(enterprise=table, expires_on=expires_on)
    page = read(table)
    (status,), (permit,) = page["statuses"], page["permits"]
    for row in (status, permit):
        assert (plain(row["expires"]), row["expired"]) == (said, expired)
    assert status["issuer"] == "Ministère"
    html = client.get(table.get_absolute_url()).content.decode()
    assert ('class="until expired"' in html) == expired


@pytest.mark.parametrize(
    ("given", "until", "shown"),
    [
        (days(-10), days(0), True),
        (days(0), days(10), True),
        (days(1), days(10), False),
        (days(-10), days(-1), False),
    ],
)
def test_a_recognition_is_said_while_it_holds(given, until, shown, read, client, table):
    RecognitionFactory(enterprise=table, recognised_on=given, expires_on=until)
    assert bool(read(table)["recognised"]) == shown
    html = client.get(table.get_absolute_url()).content.decode()
    assert ("Économie sociale reconnue par le Pôle" in html) == shown
    assert ("n’a pas encore vérifié" in html) != shown


def test_of_two_recognitions_the_last_one_counts(read, table):
    RecognitionFactory(enterprise=table, recognised_on=days(-30), expires_on=days(30))
    RecognitionFactory(enterprise=table, recognised_on=days(-5), expires_on=days(60))
    assert "17 novembre 2026" in plain(read(table)["recognised"]["text"])


@pytest.mark.parametrize(
    ("confirmed_on", "said", "stale"),
    [
        (None, "Coordonnées à confirmer", True),
        (TODAY, "Coordonnées confirmées le 22 novembre 2026", False),
        (datetime.date(2025, 11, 22), "Coordonnées confirmées le 22 novembre 2025", False),
        (
            datetime.date(2025, 11, 21),
            "Coordonnées à confirmer (confirmées le 21 novembre 2025)",
            True,
        ),
    ],
)
def test_details_are_fresh_for_twelve_months(confirmed_on, said, stale, read, table):
    change(table, confirmed_on=confirmed_on)
    page = read(table)
    assert (plain(page["confirmed"]), page["stale"]) == (said, stale)


def test_who_is_full_says_until_when_and_no_longer(read, table):
    change(table, busy_until=days(0))
    assert plain(read(table)["busy"]) == "Complet jusqu’au 22 novembre 2026"
    change(table, busy_until=days(-1))
    assert read(table)["busy"] == ""


def test_amounts_and_delays_are_written_as_in_quebec(read, table):
    change(
        table,
        smallest_order=500,
        largest_order=1_250_000,
        insured_amount=2_147_483_647,
        lead_time_days=1,
        accepts_cobidding=True,
        on_seao=True,
    )
    said = {row["label"]: row["value"] for row in read(table)["capacity"]}
    assert said["Plus petite commande"] == "500\xa0$"
    assert said["Plus grande commande"] == "1\xa0250\xa0000\xa0$"
    assert said["Montant assuré"] == "2\xa0147\xa0483\xa0647\xa0$"
    assert said["Délai habituel"] == "1 jour"
    assert said["Soumission conjointe"] == "Acceptée"
    assert said["Fournisseur au SEAO"].startswith("Oui")
    change(table, lead_time_days=15, smallest_order=0, accepts_cobidding=False)
    said = {row["label"]: row["value"] for row in read(table)["capacity"]}
    assert said["Délai habituel"] == "15 jours"
    assert "Plus petite commande" not in said
    assert "Soumission conjointe" not in said


def test_references_come_with_the_latest_first_and_their_amount_where_known(read, table):
    ReferenceFactory(enterprise=table, client="Brossard", year=2023, amount=40_000)
    ReferenceFactory(enterprise=table, client="Longueuil", year=2025, url="https://l.example/")
    rows = read(table)["references"]
    assert [row["client"] for row in rows] == ["Longueuil", "Brossard"]
    assert [row["amount"] for row in rows] == ["", "40\xa0000\xa0$"]
    assert [row["url"] for row in rows] == ["https://l.example/", ""]


def test_a_benefit_comes_with_what_shows_it(read, table):
    row = EnterpriseBenefitFactory(enterprise=table)
    assert read(table)["benefits"] == [
        {"name": row.benefit.name, "evidence": "Douze parcours par année."}
    ]


def test_a_person_without_a_shown_name_goes_by_their_function(read, table):
    ContactFactory(enterprise=table, name_visibility="staff", email_visibility="public")
    (contact,) = read(table)["contacts"]
    assert (contact["name"], contact["function"]) == ("Direction générale", "")
    assert contact["email"] == "aicha@traiteur.example"


def test_what_buyers_alone_see_is_announced_and_what_staff_alone_see_is_not(read, client, table):
    ContactFactory(enterprise=table)
    ContactFactory(enterprise=table, name="Autre")
    hidden = {f"{name}_visibility": "staff" for name in ("name", "email", "phone")}
    ContactFactory(enterprise=table, **hidden)
    assert read(table)["hidden_contacts"] == 2
    html = client.get(table.get_absolute_url()).content.decode()
    assert "Les coordonnées de 2 personnes de la gestion sont réservées" in html


# --- What it costs


def fill(enterprise, number):
    for rank in range(number):
        for factory in (OfferingFactory, ContactFactory, PermitFactory, ReferenceFactory):
            factory(enterprise=enterprise)
        CertificationFactory(
            enterprise=enterprise, number=f"{rank}", status=StatusFactory(slug=f"statut-{rank}")
        )
        EnterpriseBenefitFactory(enterprise=enterprise, benefit=BenefitFactory(slug=f"b-{rank}"))
        RecognitionFactory(enterprise=enterprise)
    cities = City.objects.order_by("pk")[:number]
    enterprise.served_cities.set(cities)
    for offering in enterprise.offerings.all():
        offering.served_cities.set(cities)


def statements(person, address):
    connection.check_constraints()
    person.get(address)  # the names are read once, whatever the page
    with CaptureQueriesContext(connection) as queries:
        assert person.get(address).status_code == 200
    return [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]


def test_it_is_read_in_two_statements_whatever_its_children(client, table):
    address = table.get_absolute_url()
    assert len(statements(client, address)) == 2
    fill(table, 12)
    asked = statements(client, address)
    assert len(asked) == 2, asked


def test_a_process_that_has_read_nothing_asks_for_three_at_most(client, table):
    fill(table, 3)
    connection.check_constraints()
    with CaptureQueriesContext(connection) as queries:
        client.get(table.get_absolute_url())
    asked = [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
    assert len(asked) <= 3, asked


def test_an_archived_page_costs_one_more_to_know_whether_it_was_merged(client, table):
    old = EnterpriseFactory(archived=True, closing="replaced", replaced_by=table)
    connection.check_constraints()
    client.get(old.get_absolute_url())
    with CaptureQueriesContext(connection) as queries:
        client.get(old.get_absolute_url())
    asked = [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]
    assert len(asked) == 3, asked


def test_a_full_page_stays_light(client, table):
    change(table, mission="Nourrir la ville. " * 8, description="Un paragraphe.\n\n" * 12)
    fill(table, 8)
    response = client.get(table.get_absolute_url(), headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.content) <= 10_000


# --- The logo


@pytest.fixture
def with_logo(table):
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    name = default_storage.save("table.png", ContentFile(picture.getvalue()))
    change(table, logo=name)
    yield table
    default_storage.delete(name)


def logo_of(enterprise):
    return reverse("directory:logo", args=[enterprise.logo.name])


def test_a_logo_is_served_as_an_image_that_can_do_nothing(client, with_logo):
    address = logo_of(with_logo)
    assert f'src="{address}"' in client.get(with_logo.get_absolute_url()).content.decode()
    response = client.get(address)
    assert response.status_code == 200
    assert response.getvalue().startswith(b"\x89PNG")
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "immutable" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers


def test_a_logo_is_served_for_published_listings_only(client, superuser, with_logo):
    address = logo_of(with_logo)
    for state in ({"state": "draft"}, {"state": "archived", "closing": "closed"}):
        change(with_logo, **state)
        for person in (client, superuser):
            assert person.get(address).status_code == 404
    change(with_logo, state="published", closing="")
    assert client.get(address).getvalue()
    with_logo.delete()
    assert client.get(address).status_code == 404


def test_a_file_that_is_nobodys_logo_is_not_served(client, with_logo):
    other = default_storage.save("autre.png", ContentFile(b"\x89PNG"))
    assert client.get(reverse("directory:logo", args=[other])).status_code == 404
    default_storage.delete(other)


def test_a_logo_whose_file_is_gone_is_not_found_and_the_page_stands(client, with_logo):
    default_storage.delete(with_logo.logo.name)
    assert client.get(logo_of(with_logo)).status_code == 404
    assert client.get(with_logo.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [("x.svg", "image/svg+xml"), ("x.html", "text/html"), ("x.js", None), ("x", None)],
)
def test_a_logo_that_is_no_image_is_kept_from_running(name, kind, client, table):
    """No form lets one in; the sandbox is for what a file or a hand may have brought."""
    stored = default_storage.save(name, ContentFile(b"<svg onload='alert(1)'/>"))
    change(table, logo=stored)
    response = client.get(logo_of(table))
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.getvalue()
    default_storage.delete(stored)
