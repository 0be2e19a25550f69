"""The addresses of listings: which can be one, and which are given."""

import pytest
from django.db import IntegrityError, transaction

from directory.models import Listing
from directory.search import fold
from directory.slugs import RESERVED, Slugs
from directory.urls import urlpatterns
from tests.factories import CityFactory, EnterpriseFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slug", ["carte", "suggestions", "suggerer", "export"])
def test_no_enterprise_has_the_address_of_a_page(slug, reference):
    enterprise = EnterpriseFactory.build(slug=slug, city=CityFactory())
    with pytest.raises(Exception, match="page du site"):
        enterprise.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        EnterpriseFactory(slug=slug)


@pytest.mark.parametrize("slug", ["a_b", "A", "é", "a--b", "-a", "a-", "a.b", "a b", "a/b"])
def test_a_slug_is_small_letters_digits_and_hyphens(slug, reference):
    with pytest.raises(IntegrityError), transaction.atomic():
        EnterpriseFactory(slug=slug)
    assert not Listing.objects.exists()


# --- Addresses given


def test_an_address_is_made_of_the_name():
    given = Slugs(set()).new("L’Écolo_Boutique d'Étienne & fils", "brossard")
    assert given == "l-ecolo-boutique-d-etienne-fils"


def test_the_city_then_a_number_tell_those_of_one_name_apart():
    slugs = Slugs({"castor"})
    given = [slugs.new("Castor", "brossard") for _ in range(3)]
    assert given == ["castor-brossard", "castor-brossard-2", "castor-brossard-3"]
    assert slugs.taken == {"castor", *given}


@pytest.mark.parametrize("name", ["Carte", "Suggestions", "Suggérer", "Export", "Nouvelle"])
def test_no_listing_is_given_the_address_of_a_page(name):
    assert Slugs(set()).new(name, "brossard") == f"{fold(name)}-brossard"


@pytest.mark.parametrize("name", ["", "!!!", "東京", "🦫"])
def test_a_name_without_a_letter_has_an_address_too(name):
    slugs = Slugs(set())
    assert slugs.new(name, "brossard") == "entreprise"
    assert slugs.new(name, "brossard") == "entreprise-brossard"


@pytest.mark.parametrize("name", ["a" * 300, "mot " * 100, "É_" * 100, "x" * 79 + " y"])
def test_what_is_given_is_what_the_database_takes(name, reference):
    slugs = Slugs(set())
    for number in range(3):
        slug = slugs.new(name, "saint-bruno-de-montarville-" + "x" * 60)
        assert len(slug) <= 100
        EnterpriseFactory(name=f"{number}", slug=slug)


def test_every_page_beside_the_listings_is_reserved(reference):
    """A listing of that address would never be reached."""
    beside = [
        route.split("/")[1]
        for route in (str(pattern.pattern) for pattern in urlpatterns)
        if route.startswith("entreprises/") and not route.startswith("entreprises/<")
    ]
    pages = {part for part in beside if part and "." not in part}
    assert pages == {"carte", "suggestions", "suggerer"}
    assert pages <= set(RESERVED)
