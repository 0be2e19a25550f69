"""A listing read and written a section at a time."""

import datetime

import pytest
from django.core.exceptions import ValidationError

from directory import sections, state
from directory.models import (
    Borough,
    Certification,
    City,
    Contact,
    Enterprise,
    Offering,
    PurchasingCategory,
    Section,
    Sector,
)
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    ReferenceFactory,
)

OWNER = Enterprise.Source.OWNER


@pytest.fixture
def write(enterprise, alice, reference):
    def written(section, /, **changes):
        return sections.apply(
            enterprise=enterprise,
            section=section,
            changes=changes,
            by=alice.user,
            source=OWNER,
            reason="Essai",
        )

    return written


def now(enterprise, section):
    return sections.present(Enterprise.objects.get(pk=enterprise.pk), section)


def test_every_section_has_its_fields_and_every_field_its_label():
    assert set(sections.FIELDS) == set(Section.values)
    assert sections.LABELS.keys() == sections.SECTION_OF.keys()
    assert sections.LABELS.keys() > sections.SENSITIVE


def test_what_is_presented_is_what_json_can_hold(enterprise, reference):
    import json

    for factory in (
        *(OfferingFactory, ContactFactory, CertificationFactory, EnterpriseBenefitFactory),
        *(PermitFactory, ReferenceFactory),
    ):
        factory(enterprise=enterprise)
    Enterprise.objects.update(busy_until="2026-09-30")
    for section in Section.values:
        said = now(enterprise, section)
        assert tuple(said) == sections.FIELDS[section]
        assert json.loads(json.dumps(said)) == said


def test_presenting_and_applying_the_same_writes_nothing(enterprise, write):
    OfferingFactory(enterprise=enterprise)
    ContactFactory(enterprise=enterprise)
    before = Enterprise.objects.get(pk=enterprise.pk)
    for section in Section.values:
        assert write(section, **now(enterprise, section)) == frozenset()
    after = Enterprise.objects.get(pk=enterprise.pk)
    assert (after.version, after.updated_at) == (before.version, before.updated_at)


def test_a_change_moves_the_version_once_and_says_who_and_why(enterprise, alice, write):
    rows = enterprise.history.count()
    changed = write(
        Section.IDENTITY, mission="Nourrir", sectors=["alimentation"], languages=["français"]
    )
    assert changed == {"mission", "sectors", "languages"}
    enterprise.refresh_from_db()
    assert enterprise.mission == "Nourrir"
    assert [sector.slug for sector in enterprise.sectors.all()] == ["alimentation"]
    assert enterprise.version == 2
    assert enterprise.provenance == dict.fromkeys(changed, "owner")
    assert enterprise.history.count() == rows + 1
    row = enterprise.history.first()
    assert (row.history_user, row.history_change_reason) == (alice.user, "Essai")
    assert [link.sector.slug for link in row.sectors.all()] == ["alimentation"]


def test_a_change_neither_confirms_nor_unpublishes(enterprise, write):
    write(Section.CONTACTS, phone="+14505550199")
    after = Enterprise.objects.get(pk=enterprise.pk)
    assert (after.state, after.published_on) == (enterprise.state, enterprise.published_on)
    assert (after.confirmed_on, after.confirmed_by) == (
        enterprise.confirmed_on,
        enterprise.confirmed_by,
    )


def test_rows_are_changed_added_removed_and_put_in_order(enterprise, alice, write):
    first, second = (
        OfferingFactory(enterprise=enterprise, name=name, unspsc="90101600") for name in "AB"
    )
    row = {"kind": "service", "description": "", "category": None}
    PurchasingCategory.objects.get(code="G15")
    write(
        Section.OFFERINGS,
        offerings=[
            row | {"id": None, "name": "Nouvelle", "category": "G15"},
            row | {"id": second.pk, "name": "B changée"},
        ],
    )
    assert list(Offering.objects.values_list("name", "position", "category__code")) == [
        ("Nouvelle", 0, "G15"),
        ("B changée", 1, None),
    ]
    kept = Offering.objects.get(pk=second.pk)
    assert kept.unspsc == "90101600"  # not in the form, left alone
    assert {
        (row.name, row.history_type) for row in Offering.history.filter(history_user=alice.user)
    } == {
        ("Nouvelle", "+"),
        ("B changée", "~"),
        ("A", "-"),
    }
    assert not Offering.objects.filter(pk=first.pk).exists()


def test_only_the_rows_that_change_are_written(enterprise, write):
    contacts = [
        ContactFactory(enterprise=enterprise, name=name, position=n) for n, name in enumerate("AB")
    ]
    rows = now(enterprise, Section.CONTACTS)["contacts"]
    rows[1]["phone"] = "+14505550188"
    write(Section.CONTACTS, contacts=rows)
    assert contacts[0].history.count() == 1
    assert contacts[1].history.count() == 2


def test_the_row_of_another_enterprise_is_left_alone(enterprise, write):
    other = ContactFactory(enterprise=EnterpriseFactory(published=True), name="À eux")
    row = now(other.enterprise, Section.CONTACTS)["contacts"][0]
    write(Section.CONTACTS, contacts=[row | {"name": "À nous"}])
    other.refresh_from_db()
    assert other.name == "À eux"
    assert Contact.objects.get(enterprise=enterprise).name == "À nous"


def test_certifications_may_swap_their_numbers(enterprise, write):
    for number in "12":
        CertificationFactory(enterprise=enterprise, number=number, issuer=f"émis {number}")
    rows = now(enterprise, Section.CAPACITY)["certifications"]
    rows[0]["number"], rows[1]["number"] = "2", "1"
    write(Section.CAPACITY, certifications=rows)
    assert dict(Certification.objects.values_list("number", "issuer")) == {
        "2": "émis 1",
        "1": "émis 2",
    }


def test_the_same_row_twice_is_refused(enterprise, write):
    CertificationFactory(enterprise=enterprise)
    rows = now(enterprise, Section.CAPACITY)["certifications"]
    with pytest.raises(ValidationError) as error:
        write(Section.CAPACITY, certifications=[*rows, rows[0] | {"id": None}])
    assert set(error.value.message_dict) == {"certifications"}


def test_a_field_of_another_section_or_of_none_is_refused(enterprise, write):
    for name in ("phone", "state", "slug", "confirmed_on", "version"):
        with pytest.raises(KeyError):
            write(Section.IDENTITY, **{name: "x"})
    assert Enterprise.objects.get(pk=enterprise.pk).version == 1


@pytest.mark.parametrize(
    ("section", "changes", "wrong"),
    [
        ("identity", {"name": ""}, {"name"}),
        ("identity", {"neq": "12"}, {"neq"}),
        ("identity", {"neq": "1123669021"}, {"neq"}),  # another's
        ("identity", {"legal_form": "sarl"}, {"legal_form"}),
        ("identity", {"founded_year": 2200}, {"founded_year"}),
        ("identity", {"sectors": ["nulle-part"]}, {"sectors"}),
        ("places", {"city": "00000"}, {"city"}),
        ("places", {"borough": "Outremont"}, {"borough"}),
        ("places", {"postal_code": "12345"}, {"postal_code"}),
        ("contacts", {"phone": "911"}, {"phone"}),
        ("contacts", {"website": "javascript:alert(1)", "email": "x"}, {"website", "email"}),
        ("capacity", {"smallest_order": 10, "largest_order": 5}, {"largest_order"}),
        (
            "capacity",
            {"permits": [{"id": None, "kind": "", "number": "", "expires_on": None}]},
            {"permits"},
        ),
        ("logo", {"logo": "nulle-part.webp"}, {"logo"}),
    ],
)
def test_what_the_listing_cannot_hold_is_refused_field_by_field(
    write, enterprise, section, changes, wrong
):
    EnterpriseFactory(neq="1123669021")
    with pytest.raises(ValidationError) as error:
        write(section, **changes)
    assert set(error.value.message_dict) == wrong
    assert Enterprise.objects.get(pk=enterprise.pk).version == 1


def test_moving_to_another_city_leaves_borough_and_position_behind(write, enterprise):
    city = City.objects.get(code="58227")
    Enterprise.objects.filter(pk=enterprise.pk).update(
        city=city,
        borough=Borough.objects.filter(city=city).first(),
        latitude=45.5,
        longitude=-73.4,
        geo_precision="exact",
    )
    write(Section.PLACES, city="58007")
    enterprise.refresh_from_db()
    assert enterprise.city.code == "58007"
    assert enterprise.borough is None
    assert (enterprise.geo_precision, enterprise.latitude) == ("city", enterprise.city.latitude)


def test_an_exact_position_outlives_a_correction_of_the_street(write, enterprise):
    Enterprise.objects.filter(pk=enterprise.pk).update(
        latitude=45.5, longitude=-73.4, geo_precision="exact"
    )
    write(Section.PLACES, address="12, rue Principale")
    enterprise.refresh_from_db()
    assert (enterprise.geo_precision, enterprise.latitude) == ("exact", 45.5)


def test_values_are_said_in_french(reference):
    labels = state.current().labels

    def said(name, value):
        return sections.shown(name, value, labels)

    assert said("phone", "+14505550123") == ["450\xa0555-0123"]
    assert said("legal_form", "coop_worker") == ["Coopérative de travail"]
    assert said("city", "58227") == ["Longueuil"]
    assert said("sectors", ["alimentation"]) == [Sector.objects.get(slug="alimentation").name]
    assert said("busy_until", "2026-09-01") == ["1er\xa0septembre\xa02026"]
    assert said("busy_until", None) == said("neq", "") == said("other_names", []) == []
    assert said("on_seao", False) == ["Non"]
    assert said("largest_order", 12000) == ["12\xa0000\xa0$"]
    assert said("lead_time_days", 3) == ["3 jours"]
    assert said("other_names", ["A", "B"]) == ["A et B"]
    assert said("description", "Un\n\nDeux") == ["Un", "Deux"]


def test_rows_are_said_one_to_a_line(enterprise, reference):
    labels = state.current().labels
    ContactFactory(enterprise=enterprise)
    OfferingFactory(enterprise=enterprise, description="Froids ou chauds")
    CertificationFactory(enterprise=enterprise, expires_on=datetime.date(2027, 3, 1))
    EnterpriseBenefitFactory(enterprise=enterprise)
    PermitFactory(enterprise=enterprise)
    ReferenceFactory(enterprise=enterprise, amount=5000)

    def said(name):
        section = sections.SECTION_OF[name]
        return sections.shown(name, now(enterprise, section)[name], labels)

    assert said("contacts") == [
        (
            "Aïcha Fictive (tout le monde), Direction générale, aicha@traiteur.example "
            "(acheteurs publics), 450\xa0555-0123 (acheteurs publics)"
        )
    ]
    assert said("offerings") == ["Boîtes à lunch pour réunions (service), Froids ou chauds"]
    assert said("certifications") == [
        "Entreprise d’insertion, EI-0001, valide jusqu’au 1er\xa0mars\xa02027"
    ]
    assert said("permits") == ["RBQ, 1234-5678-90"]
    assert said("references") == [
        "Ville de Longueuil, Repas de la fête nationale, 2025, 5\xa0000\xa0$"
    ]
    assert said("benefits") == ["Insertion en emploi, Douze parcours par année."]


def test_what_a_vocabulary_no_longer_has_is_said_by_its_key(reference):
    assert sections.shown("sectors", ["fondu"], state.current().labels) == ["fondu"]
