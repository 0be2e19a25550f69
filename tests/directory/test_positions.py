import math

import pytest
from django.db import IntegrityError, transaction

from directory.conditions import EARTH_RADIUS
from directory.criteria import PROVINCE, Box, Place
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


@pytest.mark.parametrize(
    ("latitude", "longitude", "outside"),
    [
        (PROVINCE.south, PROVINCE.west, {"latitude": PROVINCE.south - 0.1}),
        (PROVINCE.north, PROVINCE.east, {"latitude": PROVINCE.north + 0.1}),
        (PROVINCE.south, PROVINCE.west, {"longitude": PROVINCE.west - 0.1}),
        (PROVINCE.north, PROVINCE.east, {"longitude": PROVINCE.east + 0.1}),
    ],
)
def test_the_limits_of_the_province_are_those_of_the_database(latitude, longitude, outside):
    place = {"latitude": latitude, "longitude": longitude, "geo_precision": "exact"}
    EnterpriseFactory(name="Au bord", **place)
    with pytest.raises(IntegrityError), transaction.atomic():
        EnterpriseFactory(name="Dehors", **place | outside)


def test_only_a_box_that_holds_the_province_leaves_nothing_out():
    assert PROVINCE.whole
    assert Box(-180, -90, 180, 90).whole
    assert not Box(PROVINCE.west, PROVINCE.south, PROVINCE.east, PROVINCE.north - 0.1).whole
    assert not Box(PROVINCE.west + 0.1, PROVINCE.south, PROVINCE.east, PROVINCE.north).whole


@pytest.mark.parametrize("latitude", [45.0, 52.5, 62.9])
@pytest.mark.parametrize("radius", [5, 100])
def test_a_box_around_a_place_holds_its_circle_and_little_more(latitude, radius):
    box = Place("Ici", latitude, -73.0).around(radius)
    for bearing in range(0, 360, 5):
        # The point at this distance on the sphere of the conditions.
        angle, turn = radius / EARTH_RADIUS, math.radians(bearing)
        start = math.radians(latitude)
        north = math.asin(
            math.sin(start) * math.cos(angle) + math.cos(start) * math.sin(angle) * math.cos(turn)
        )
        east = math.atan2(
            math.sin(turn) * math.sin(angle) * math.cos(start),
            math.cos(angle) - math.sin(start) * math.sin(north),
        )
        assert box.south <= math.degrees(north) <= box.north
        assert box.west <= -73.0 + math.degrees(east) <= box.east
    assert (box.north - box.south) * 111.19 < 2.01 * radius
