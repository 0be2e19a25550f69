"""The addresses of listings: which can be one, and which are given."""

import pytest
from django.db import IntegrityError, transaction

from directory.models import Listing
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
