"""The history of a listing, as its owner and staff read it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from directory.models import Enterprise
from directory.timeline import events
from tests.factories import (
    CityFactory,
    EnterpriseFactory,
    OfferingFactory,
    SectorFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def enterprise():
    """Made long ago, so that what follows is another event."""
    enterprise = EnterpriseFactory(name="Avant")
    past = timezone.now() - timedelta(days=3)
    enterprise.history.update(history_date=past)
    return enterprise


def written(enterprise, by=None, reason="", **fields):
    for name, value in fields.items():
        setattr(enterprise, name, value)
    enterprise._history_user, enterprise._change_reason = by, reason
    enterprise.save()


def test_the_first_event_is_the_making_of_the_listing(enterprise):
    (event,) = events(enterprise)
    assert event.created
    assert event.changes == []


def test_a_change_says_who_why_and_what_it_was_before(enterprise):
    by = UserFactory(name="Estelle")
    written(enterprise, by, "coquille", name="Après", legal_form=Enterprise.LegalForm.MUTUAL)
    last = events(enterprise)[0]
    assert (last.by, last.reason) == ("Estelle", "coquille")
    assert [(change.label, change.after) for change in last.changes] == [
        ("Nom", "Après"),
        ("Forme juridique", "Mutuelle"),
    ]
    assert last.changes[0].before == "Avant"


def test_cities_and_sectors_are_named(enterprise, reference):
    sector = SectorFactory(slug="culture", name="Culture")
    city = CityFactory(code="58007", name="Brossard", slug="brossard")
    enterprise.sectors.add(sector)
    written(enterprise, city=city)
    said = {change.label: (change.before, change.after) for change in events(enterprise)[0].changes}
    assert said["Secteurs d’activité"] == ("", str(sector))
    assert said["Municipalité"][1] == str(city)


def test_a_part_added_changed_and_removed_is_told_under_its_name(enterprise):
    offering = OfferingFactory(enterprise=enterprise, name="Traiteur")
    written(offering, description="Boîtes à lunch")
    offering.delete()
    changes = [change for event in events(enterprise) for change in event.changes]
    parts = {change.part for change in changes}
    assert parts == {"produit ou service\xa0: Traiteur"}
    assert any(change.before == "Boîtes à lunch" and change.after == "" for change in changes)


def test_what_one_person_does_at_once_is_one_event(enterprise):
    by = UserFactory()
    written(enterprise, by, "visite", phone="+14505550123")
    offering = OfferingFactory.build(enterprise=enterprise, name="Ménage")
    written(offering, by, "visite")
    assert len(events(enterprise)) == 2


def test_a_save_that_changes_nothing_is_not_told(enterprise):
    written(enterprise, UserFactory(), "rien")
    assert len(events(enterprise)) == 1


def test_a_long_history_costs_as_many_statements_as_a_short_one(
    enterprise, django_assert_max_num_queries
):
    for number in range(30):
        written(enterprise, mission=f"Mission {number}")
        OfferingFactory(enterprise=enterprise, name=f"Offre {number}")
    with django_assert_max_num_queries(20):
        assert events(enterprise)


def test_what_is_made_with_the_listing_is_one_event_with_it():
    enterprise = EnterpriseFactory()
    OfferingFactory(enterprise=enterprise)
    (event,) = events(enterprise)
    assert event.created
    assert {change.part for change in event.changes} == {
        "produit ou service\xa0: Boîtes à lunch pour réunions"
    }
    assert event.until > event.at


def test_a_no_says_nothing_of_what_is_made_nor_of_what_is_removed(enterprise):
    offering = OfferingFactory(enterprise=enterprise, name="Ménage", serves_province=False)
    offering.delete()
    labels = {change.label for event in events(enterprise) for change in event.changes}
    assert "Nom" in labels
    assert "Sert tout le Québec" not in labels


def test_a_telephone_is_written_as_people_read_it(enterprise):
    written(enterprise, phone="+14505550123")
    assert events(enterprise)[0].changes[0].after == "450\xa0555-0123"
