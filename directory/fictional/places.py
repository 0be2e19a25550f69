"""Where enterprises are, and where they serve."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from directory.fictional.dice import Dice
from directory.fictional.texts import with_preposition

POSTAL_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"
# Kilometres in one degree of latitude.
DEGREE = 111.2
# Without a county, the cities this near are neighbours, in kilometres.
NEAR = 15


class Place:
    """A city as the caller describes it, with what is computed once."""

    def __init__(self, city: Mapping[str, Any], common: Mapping[str, Any]):
        self.code: str = city["code"]
        self.name: str = city["name"]
        self.latitude: float = city["lat"]
        self.longitude: float = city["lng"]
        self.weight = max(city.get("population") or 0, 300) ** 0.9
        self.region: str = city.get("region_code") or ""
        self.county: str = city.get("county_code") or ""
        self.fsas = list(city.get("fsas") or ())
        self.boroughs = list(city.get("boroughs") or ())
        self.slots = {
            "ville": self.name,
            "à_ville": with_preposition("à", self.name),
            "de_ville": with_preposition("de", self.name),
        }
        self.area_codes = common["area_codes"].get(self.region) or common["area_codes"]["*"]
        self.neighbours: list[str] | None = None


def neighbours(place: Place, places: Sequence[Place]) -> list[str]:
    """Codes of the city, then of the nearest of its county (or near it, without a county)."""
    if place.neighbours is None:
        near = [(distance(place, other), other.code) for other in places if related(place, other)]
        near = [pair for pair in near if place.county or pair[0] <= NEAR]
        place.neighbours = [place.code, *(code for _, code in sorted(near)[:8])]
    return place.neighbours


def related(place: Place, other: Place) -> bool:
    return other is not place and (not place.county or other.county == place.county)


def distance(place: Place, other: Place) -> float:
    """Kilometres, as the crow flies over a flat Québec."""
    north = (other.latitude - place.latitude) * DEGREE
    east = (other.longitude - place.longitude) * DEGREE * math.cos(math.radians(place.latitude))
    return math.hypot(north, east)


def location(dice: Dice, place: Place, common: Mapping[str, Any]) -> dict[str, Any]:
    area = dice.pick(place.fsas) if place.fsas else None
    borough = ""
    if place.boroughs:
        borough = common["borough_of_fsa"].get(area["code"], "") if area else ""
        if borough not in place.boroughs:
            borough = dice.pick(place.boroughs)
    streets = common["streets"]
    street, first, last = dice.pick(streets.get(borough) or streets.get(place.code) or streets["*"])
    address = f"{dice.between(first, last)}, {street}"
    if dice.chance(0.28):
        room = dice.pick(["bureau", "bureau", "local", "bureau"])
        address += f", {room} {dice.between(1, 4)}{dice.between(0, 2)}{dice.between(0, 9)}"
    postal = ""
    if area:
        end = f"{dice.between(1, 9)}{dice.pick(POSTAL_LETTERS)}{dice.between(0, 9)}"
        postal = f"{area['code']} {end}"
    precision, chance = "city", dice.draw()
    latitude, longitude = place.latitude, place.longitude
    if area and chance < 0.95:
        precision = "exact" if chance < 0.82 else "fsa"
        latitude, longitude = area["lat"], area["lng"]
        if precision == "exact":
            # Urban areas are small: a kilometre keeps the point on its own side of the river.
            radius, angle = 1.1 * math.sqrt(dice.draw()), dice.draw() * math.tau
            latitude += radius * math.sin(angle) / DEGREE
            longitude += radius * math.cos(angle) / (DEGREE * math.cos(math.radians(latitude)))
    return {
        "address": address,
        "borough": borough,
        "city_code": place.code,
        "postal_code": postal,
        "latitude": round(latitude, 5),
        "longitude": round(longitude, 5),
        "geo_precision": precision,
    }


def territory(
    dice: Dice, reach: str, place: Place, places: Sequence[Place], common: Mapping[str, Any]
) -> dict[str, Any]:
    """What is served from a place: the province, regions, counties or cities."""
    served: dict[str, Any] = {"province": False, "regions": [], "counties": [], "cities": []}
    if reach == "province":
        served["province"] = True
    elif reach == "region" and place.region:
        around = common["region_neighbours"].get(place.region, [])
        served["regions"] = [place.region]
        if around and dice.chance(0.45):
            served["regions"].append(dice.pick(around))
    elif reach == "county" and place.county:
        served["counties"] = [place.county]
    elif reach in ("county", "region"):
        served["cities"] = list(neighbours(place, places))
    elif reach == "cities":
        around = neighbours(place, places)
        served["cities"] = [place.code, *dice.some(around[1:], dice.between(1, 3))]
    else:
        served["cities"] = [place.code]
    return served
