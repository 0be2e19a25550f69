"""Who prevails where a file says otherwise than what is kept."""

import pytest

from directory.imports.bounds import Refused
from directory.imports.entries import Outcome
from directory.imports.run import Import
from directory.models import Certification, City, Contact, Enterprise, Offering, Permit
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    CityFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    StatusFactory,
)
from tests.imports import NEQ, NPO, PERSON, row, said

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("provenance", "phone", "becomes"),
    [
        ({"phone": "import"}, "+14505550001", "+14505550123"),
        ({"phone": "staff"}, "+14505550001", "+14505550001"),
        ({"phone": "owner"}, "+14505550001", "+14505550001"),
        ({"phone": "owner"}, "", ""),
        ({}, "+14505550001", "+14505550001"),
        ({}, "", "+14505550123"),
    ],
)
def test_a_file_never_replaces_what_a_person_said(imported, provenance, phone, becomes):
    listed = EnterpriseFactory(name="Traiteur du parc", phone=phone, provenance=provenance)
    (entry,) = imported(row(city="Longueuil", Téléphone="450 555-0123"))
    listed.refresh_from_db()
    assert listed.phone == becomes
    changed = becomes != phone
    assert listed.version == 1 + changed
    assert entry.outcome == (Outcome.UPDATED if changed else Outcome.LEFT)
    if changed:
        assert listed.provenance["phone"] == "import"
    else:
        assert "Téléphone («\xa0450 555-0123\xa0»)\xa0: Gardé" in said(entry)


@pytest.mark.parametrize(
    ("provenance", "cell", "becomes"),
    [
        ("owner", "450 555-0199 poste 12", ("+14505550104", "")),
        ("import", "450 555-0199 poste 12", ("+14505550199", "12")),
        ("owner", "450 555-0104 poste 12", ("+14505550104", "12")),
    ],
)
def test_an_extension_goes_with_its_number(imported, provenance, cell, becomes):
    listed = EnterpriseFactory(
        name="Traiteur du parc", phone="+14505550104", provenance={"phone": provenance}
    )
    (entry,) = imported(row(city="Longueuil", Téléphone=cell))
    listed.refresh_from_db()
    assert (listed.phone, listed.phone_extension) == becomes
    assert ("phone_extension" in entry.kept) == (becomes[1] == "")


def test_another_number_takes_the_extension_of_the_one_before_away(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        phone="+14505550104",
        phone_extension="7",
        provenance={"phone": "import", "phone_extension": "import"},
    )
    imported(row(city="Longueuil", Téléphone="450 555-0199"))
    listed.refresh_from_db()
    assert (listed.phone, listed.phone_extension) == ("+14505550199", "")


@pytest.mark.parametrize(("before", "extension"), [("+14505550104", ""), ("", "7")])
def test_another_number_of_a_person_takes_the_extension_of_the_one_before_away(
    imported, before, extension
):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"contacts": "import"})
    ContactFactory(enterprise=listed, name="Mélanie Roy", phone=before, phone_extension="7")
    moved = {
        "Personne-ressource": "Mélanie Roy",
        "Téléphone de la personne-ressource": "450 555-0199",
    }
    imported(row(city="Longueuil", **moved))
    person = listed.contacts.get()
    assert (person.phone, person.phone_extension) == ("+14505550199", extension)


def test_an_empty_cell_and_an_absent_column_leave_what_is_there(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        mission="Nourrir",
        email="info@parc.example",
        provenance={"mission": "import", "email": "import"},
    )
    OfferingFactory(enterprise=listed)
    before = Enterprise.objects.values().get()
    (entry,) = imported(row(city="Longueuil", Mission="", **{"Produits et services": ""}))
    assert entry.outcome == Outcome.LEFT
    assert Enterprise.objects.values().get() == before
    assert Offering.objects.count() == 1


def test_the_default_value_is_for_new_listings_only(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", legal_form="mutual", provenance={"legal_form": "import"}
    )
    (entry,) = imported(row(city="Longueuil"))
    listed.refresh_from_db()
    assert (entry.outcome, listed.legal_form) == (Outcome.LEFT, "mutual")


def test_statuses_and_benefits_that_stay_keep_what_else_is_known_of_them(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", provenance={"statuses": "import", "benefits": "import"}
    )
    kept = CertificationFactory(enterprise=listed, number="EI-7", issuer="Collectif")
    CertificationFactory(enterprise=listed, status=StatusFactory(slug="cpe"))
    evidence = EnterpriseBenefitFactory(
        enterprise=listed, benefit=BenefitFactory(slug="lien-social")
    )
    imported(
        row(
            city="Longueuil",
            Statuts="entreprise-insertion | entreprise-adaptee",
            Bienfaits="lien-social | environnement",
        )
    )
    assert {row.status.slug for row in listed.certifications.all()} == {
        *("entreprise-insertion", "entreprise-adaptee"),
    }
    assert Certification.objects.get(pk=kept.pk).issuer == "Collectif"
    assert listed.enterprisebenefit_set.get(pk=evidence.pk).evidence == "Douze parcours par année."


def test_offerings_that_stay_keep_their_description_category_and_territory(imported):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"offerings": "import"})
    kept = OfferingFactory(
        enterprise=listed, name="Boîtes à lunch", kind="product", description="!"
    )
    kept.served_cities.add(CityFactory())
    OfferingFactory(enterprise=listed, name="Abandonné", position=1)
    (entry,) = imported(
        row(city="Longueuil", **{"Produits et services": "Buffets | BOITES A LUNCH"})
    )
    assert entry.outcome == Outcome.UPDATED
    assert [(row.name, row.kind) for row in listed.offerings.all()] == [
        *(("Buffets", "service"), ("Boîtes à lunch", "product")),
    ]
    kept.refresh_from_db()
    assert kept.description == "!"
    assert kept.served_cities.count() == 1


def test_permits_are_made_those_of_the_file(imported):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"permits": "import"})
    kept = PermitFactory(enterprise=listed)
    PermitFactory(enterprise=listed, kind="MAPAQ", number="1")
    imported(row(city="Longueuil", Permis="RBQ : 1234-5678-90 | MAPAQ : 2"))
    assert Permit.objects.filter(pk=kept.pk).exists()
    assert {(row.kind, row.number) for row in listed.permits.all()} == {
        *(("RBQ", "1234-5678-90"), ("MAPAQ", "2")),
    }


def test_a_person_is_completed_and_never_removed(imported):
    listed = EnterpriseFactory(name="Traiteur du parc")
    ContactFactory(enterprise=listed, email="", function="")
    ContactFactory(enterprise=listed, name="Bob Fictif")
    (entry,) = imported(row(city="Longueuil", **PERSON, Fonction="Gérance"))
    assert entry.outcome == Outcome.UPDATED
    assert {(row.name, row.email, row.function) for row in Contact.objects.all()} == {
        ("Aïcha Fictive", "autre@traiteur.example", "Gérance"),
        ("Bob Fictif", "aicha@traiteur.example", "Direction générale"),
    }


def test_what_is_known_of_a_person_is_not_replaced_nor_another_put_beside(imported):
    listed = EnterpriseFactory(name="Traiteur du parc")
    ContactFactory(enterprise=listed)
    entries = imported(row(city="Longueuil", **PERSON))
    entries += imported(row(city="Longueuil", **PERSON | {"Personne-ressource": "Zoé Nouvelle"}))
    assert [entry.outcome for entry in entries] == [Outcome.LEFT] * 2
    assert "Gardé «\xa0aicha@traiteur.example\xa0»" in said(entries[0])
    assert "Gardé «\xa0Aïcha Fictive\xa0»" in said(entries[1])
    assert Contact.objects.count() == 1


def test_a_new_city_takes_its_borough_away(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", neq=NEQ, provenance={"city": "import", "name": "import"}
    )
    imported(row(neq=NEQ, city="Saint-Hubert"))
    listed.refresh_from_db()
    assert listed.borough.name == "Saint-Hubert"
    imported(row(neq=NEQ, city="Brossard"))
    listed.refresh_from_db()
    assert (listed.city.name, listed.borough) == ("Brossard", None)


def test_a_shared_name_of_place_is_that_where_the_listing_is(imported):
    saint_lambert = City.objects.get(code="58012")
    EnterpriseFactory(name="Traiteur du parc", neq=NEQ, city=saint_lambert)
    (entry,) = imported(row(neq=NEQ, city="SAINT-LAMBERT"))
    assert entry.outcome == Outcome.LEFT, said(entry)


def test_what_staff_write_between_the_two_readings_is_seen(reference, file):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"phone": "import"})
    work = Import(file(row(city="Longueuil", Téléphone="450 555-0123")), NPO)
    planned = work.preview()
    assert planned.counts[Outcome.UPDATED] == 1
    Enterprise.objects.update(phone="+14505550001", provenance={"phone": "staff"})
    done = work.apply(planned)
    listed.refresh_from_db()
    assert (done.counts[Outcome.LEFT], listed.phone) == (1, "+14505550001")


def test_a_listing_made_between_the_two_readings_stops_the_import(reference, file):
    work = Import(file(row(neq=NEQ, Téléphone="450 555-0123")), NPO)
    planned = work.preview()
    listed = EnterpriseFactory(neq=NEQ)
    with pytest.raises(Refused, match="Recommencez"):
        work.apply(planned)
    listed.refresh_from_db()
    assert listed.phone == ""


def test_what_staff_change_in_the_admin_is_theirs(reference, superuser, imported):
    from django.urls import reverse

    from tests.forms import filled

    imported(row(Téléphone="450 555-0001", Services="Repas"))
    made = Enterprise.objects.get()
    page = reverse("admin:directory_enterprise_change", args=[made.pk])
    data = filled(superuser.get(page), "enterprise_form")
    response = superuser.post(page, data | {"phone": "450 555-0002", "offerings-0-name": "Buffets"})
    assert response.status_code == 302
    made.refresh_from_db()
    assert (made.provenance["phone"], made.provenance["offerings"]) == ("staff", "staff")
    assert made.provenance["city"] == "import"
    (entry,) = imported(row(Téléphone="450 555-0003", Services="Repas"))
    assert entry.outcome == Outcome.LEFT
    assert "écrit par le Pôle" in said(entry)
