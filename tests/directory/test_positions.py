import pytest

from directory.models import Enterprise
from directory.positions import locate
from tests.factories import CityFactory, EnterpriseFactory

pytestmark = pytest.mark.usefixtures("reference")


@pytest.mark.parametrize(
    ("postal_code", "place", "precision"),
    [
        ("J4K 1A1", (45.5183, -73.5023), "fsa"),
        ("", (45.51389, -73.43139), "city"),
        ("H0H 0H0", (45.51389, -73.43139), "city"),  # at the North Pole, so not in our data
    ],
)
def test_without_an_exact_position_the_postal_code_then_the_city_decide(
    postal_code, place, precision
):
    enterprise = EnterpriseFactory.build(city=CityFactory(), postal_code=postal_code)
    locate(enterprise)
    assert (enterprise.latitude, enterprise.longitude) == place
    assert enterprise.geo_precision == precision


def test_an_exact_position_is_left_alone():
    enterprise = EnterpriseFactory(
        latitude=45.6, longitude=-73.4, geo_precision="exact", postal_code="J4K 1A1"
    )
    locate(enterprise)
    assert (enterprise.latitude, enterprise.longitude) == (45.6, -73.4)


def test_an_enterprise_that_moves_is_placed_anew():
    enterprise = EnterpriseFactory.build(city=CityFactory(), postal_code="J4K 1A1")
    locate(enterprise)
    enterprise.city = CityFactory(code="58007")
    enterprise.postal_code = "J4W 1A1"
    locate(enterprise)
    assert (enterprise.latitude, enterprise.longitude) == (45.4674, -73.4832)
    assert enterprise.geo_precision == Enterprise.GeoPrecision.FSA
