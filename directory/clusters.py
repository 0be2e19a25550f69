"""The map: how many of the listings found stand in each cell of the part that is looked at.

The world, in the projection of web maps, is a square of 2^level cells a side, counted from its
north-west corner; at a zoom a cell is 64 pixels wide. `sql/map.sql` holds the same arithmetic.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from directory import sampling, wording
from directory.conditions import ask, matching, starting_point
from directory.criteria import CLOSEST, Box, Criteria
from directory.facets import Dimension
from directory.labels import CityLabel
from directory.results import Results
from directory.search import Statement
from directory.state import State

#: A square of 256 pixels, the whole world at zoom 0, is four cells a side.
ZOOM_TO_LEVEL = 2
#: Cells in an answer, so that it is as light for a million listings as for four hundred.
MOST_CELLS = 200
#: The level down to which cells are counted beforehand, where the directory is large.
DEEPEST = 14
#: Characters of a name in an answer.
LONGEST_NAME = 60
#: Names of cities written on a map that has no other ground than borders.
MOST_PLACES = 12
FEW_PLACES = 4
#: Of more listings than this, a view leaves out the hundredth that is farthest on each side.
MANY = 100
#: The part of the province where people are, and more.
PROVINCE_BOX = Box(-79.8, 44.9, -57.1, 62.6)
#: Margin around what a view must show, in degrees of latitude.
MARGIN = 0.04


@dataclass(frozen=True)
class Grid:
    """Cells of a level, from one column and row to another, both included."""

    level: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def cells(self) -> int:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)

    @property
    def box(self) -> Box:
        side = 2**self.level
        return Box(
            self.left / side * 360 - 180,
            latitude((self.bottom + 1) / side),
            (self.right + 1) / side * 360 - 180,
            latitude(self.top / side),
        )


def across(longitude: float) -> float:
    """Where a longitude lies between the left of the world (0) and its right (1)."""
    return (longitude + 180) / 360


def down(latitude: float) -> float:
    """Where a latitude lies between the top of the world (0) and its bottom (1)."""
    return 0.5 - math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) / math.tau


def latitude(y: float) -> float:
    """The latitude of what lies there; the inverse of `down`."""
    return math.degrees(2 * math.atan(math.exp((0.5 - y) * math.tau)) - math.pi / 2)


def grid(box: Box, zoom: int | None) -> Grid:
    """The cells that a box touches at a zoom, the closest where none is given; larger ones where
    there would be too many."""
    # The projection knows no poles.
    south, north = (min(max(degrees, -85.0), 85.0) for degrees in (box.south, box.north))
    level = (CLOSEST if zoom is None else zoom) + ZOOM_TO_LEVEL
    while True:
        side = 2**level
        columns = [min(math.floor(across(each) * side), side - 1) for each in (box.west, box.east)]
        rows = [min(math.floor(down(each) * side), side - 1) for each in (north, south)]
        touched = Grid(level, columns[0], rows[0], columns[1], rows[1])
        if touched.cells <= MOST_CELLS:
            return touched
        level -= 1


def read(criteria: Criteria, state: State) -> dict:
    """What a map shows of the listings that `criteria` finds: cells of a level, each with its
    listings, its centre of gravity and what it is called, and the cities that help one to find
    one's way.

    Whole cells are counted, beyond the edges of `criteria.box`, so that they stay the same while
    the map moves. One statement, and one more for an estimate in a large directory."""
    asked = grid(criteria.box or PROVINCE_BOX, criteria.zoom)
    if state.large:
        state.recount_if_late()
    rows = ask(_counted(criteria, asked, state), state) or []
    for row in rows:
        row["n"] = sampling.rounded(row["n"]) if row["about"] else row["n"]
    cities = _cities(asked, state)
    return {
        "level": asked.level,
        "total": sum(row["n"] for row in rows),
        "about": any(row["about"] for row in rows),
        "cells": [_cell(row, asked, cities, state) for row in rows],
        "places": _places(asked, state),
    }


CELL = """json_build_object('x', x, 'y', y, 'n', listings, 'lat', latitude, 'lng', longitude,
    'stacked', stacked, 'about', about, 'card', CASE WHEN listings = 1 THEN (
        SELECT json_build_array(l.card->>'name', l.card->>'slug', l.card->'city')
        FROM directory_listing l WHERE l.enterprise_id = cell.first_id) END)"""


def _counted(criteria: Criteria, asked: Grid, state: State) -> Statement:
    everything = not replace(criteria, box=None).narrowed
    if everything and state.large and asked.level <= DEEPEST:
        return Statement(
            f"""
SELECT json_agg({CELL} ORDER BY y, x) FROM (
    SELECT x, y, listings, latitudes / listings AS latitude, longitudes / listings AS longitude,
        south = north AND west = east AS stacked, false AS about, first_id
    FROM public.directory_cells(%s, %s, %s, %s, %s)
) cell""",
            [asked.level, asked.left, asked.right, asked.top, asked.bottom],
        )
    start, where = matching(replace(criteria, box=asked.box), state)
    sample = None
    if state.large and not everything:
        sample = sampling.draw(where, starting_point(state.today), sampling.SAMPLE)
    if sample:
        where = Statement(f"{where.sql} AND {sample.where.sql}", where.params + sample.where.params)
    share = sample.share if sample else 1
    side = 2**asked.level
    return Statement(
        f"""
WITH {start.sql} cell AS MATERIALIZED (
    SELECT floor((longitude + 180) / 360 * {side})::integer AS x,
        floor(public.directory_map_y(latitude) * {side})::integer AS y,
        count(*) / {share} AS listings, {share} < 1 AS about,
        avg(latitude) AS latitude, avg(longitude) AS longitude,
        {share} = 1 AND min(latitude) = max(latitude) AND min(longitude) = max(longitude)
            AS stacked,
        min(enterprise_id) AS first_id
    FROM directory_listing l WHERE {where.sql} GROUP BY 1, 2
)
SELECT json_agg({CELL} ORDER BY y, x) FROM cell""",
        [*start.params, *where.params],
    )


def _cell(row: dict, asked: Grid, cities: dict, state: State) -> dict:
    # Away from the edges of the cell, so that what two neighbours hold can be told apart, and
    # pressed: a pin is smaller than a cluster.
    lat, lng = _apart(row, asked, 0.2 if row["card"] else 0.33)
    if row["card"]:
        name, slug, city = row["card"]
        return {
            "n": 1,
            "lat": round(lat, 5),
            "lng": round(lng, 5),
            "name": name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…",
            "city": state.labels.city(city).full_name,
            "url": reverse("directory:detail", args=[slug]),
        }
    city = cities.get((row["x"], row["y"])) or _nearest(row["lat"], row["lng"], state)
    enterprises = wording.enterprises(row["n"])
    if row["about"]:
        enterprises = _("environ %(enterprises)s") % {"enterprises": enterprises}
    return {
        "n": row["n"],
        "lat": round(lat, 5),
        "lng": round(lng, 5),
        "label": _("%(enterprises)s près de %(city)s")
        % {"enterprises": enterprises, "city": city.full_name}
        if city
        else enterprises,
        # Where all of them are, to ask for their names.
        **({"stacked": [round(row["lat"], 5), round(row["lng"], 5)]} if row["stacked"] else {}),
    }


def _apart(row: dict, asked: Grid, margin: float) -> tuple[float, float]:
    """The centre of gravity of a cell, at least this share of its side away from its edges."""
    side = 2**asked.level
    x, y = across(row["lng"]) * side, down(row["lat"]) * side
    x = min(max(x, row["x"] + margin), row["x"] + 1 - margin)
    y = min(max(y, row["y"] + margin), row["y"] + 1 - margin)
    return latitude(y / side), x / side * 360 - 180


@dataclass(frozen=True)
class _Standing:
    """A city, where it stands in the world, and how many enterprises it has."""

    city: CityLabel
    x: float
    y: float
    listings: int


def _standing(state: State) -> list[_Standing]:
    """Every city, those with the most enterprises first; kept while labels and counts hold."""
    if "cities" not in state.drawn:
        counts = state.snapshot.counts
        cities: list[Any] = state.labels.of(Dimension.CITY)
        state.drawn["cities"] = sorted(
            (
                _Standing(
                    city, across(city.longitude), down(city.latitude), counts.get(city.code, 0)
                )
                for city in cities
            ),
            key=lambda each: (-each.listings, each.city.name, each.city.code),
        )
    return state.drawn["cities"]


def _cities(asked: Grid, state: State) -> dict[tuple[int, int], CityLabel]:
    """The city that each cell is called by: of those in it, the one with the most enterprises."""
    side = 2**asked.level
    found: dict[tuple[int, int], CityLabel] = {}
    for each in _standing(state):
        found.setdefault((math.floor(each.x * side), math.floor(each.y * side)), each.city)
    return found


def _nearest(lat: float, lng: float, state: State) -> CityLabel | None:
    """The city whose centre is closest, looked for around first."""
    x, y = across(lng), down(lat)
    buckets = state.drawn.get("buckets")
    if buckets is None:
        buckets = {}
        for each in _standing(state):
            buckets.setdefault((int(each.x * NEARBY), int(each.y * NEARBY)), []).append(each)
        state.drawn["buckets"] = buckets
    column, row = int(x * NEARBY), int(y * NEARBY)
    around = [
        each
        for i in (column - 1, column, column + 1)
        for j in (row - 1, row, row + 1)
        for each in buckets.get((i, j), ())
    ] or _standing(state)
    closest = min(around, key=lambda each: math.hypot(each.x - x, each.y - y), default=None)
    return closest and closest.city


#: Parts of the world's side within which, or beside which, the nearest city is looked for: 28 km
#: in the south of the province.
NEARBY = 1_000


def _places(asked: Grid, state: State) -> list[dict]:
    """Cities to write on the map, those with the most enterprises first, none over another; where
    they are few, some of the others, so that one knows where one is."""
    side = 2**asked.level
    chosen: list[tuple[float, float, CityLabel]] = []
    for each in _standing(state):
        if len(chosen) >= (MOST_PLACES if each.listings else FEW_PLACES):
            break
        x, y = each.x * side, each.y * side
        inside = asked.left <= x <= asked.right + 1 and asked.top <= y <= asked.bottom + 1
        if inside and not any(abs(x - i) < 2 and abs(y - j) < 0.7 for i, j, _city in chosen):
            chosen.append((x, y, each.city))
    return [
        {"name": city.name, "lat": city.latitude, "lng": city.longitude} for _x, _y, city in chosen
    ]


# --- Where a map opens


def view(criteria: Criteria, found: Results, state: State) -> Box:
    """The part of the map that shows what was found: the box asked for, the surroundings of a
    place, else the cities of the listings found; the whole province where there are none."""
    if criteria.box:
        return criteria.box
    if criteria.near:
        return criteria.near.around(criteria.radius)
    own = criteria.facets.get(Dimension.CITY)
    standing = [
        (state.labels.by_code[code], count)
        for code, count in found.counts.items()
        if code in state.labels.by_code
        and isinstance(state.labels.by_code[code], CityLabel)
        and (not own or code in own)
        and count
    ]
    cities: list[tuple[Any, int]] = standing
    if not cities:
        return PROVINCE_BOX
    south, north = _middle([(city.latitude, count) for city, count in cities])
    west, east = _middle([(city.longitude, count) for city, count in cities])
    return Box(west - MARGIN * 1.5, south - MARGIN, east + MARGIN * 1.5, north + MARGIN)


def _middle(weighted: list[tuple[float, int]]) -> tuple[float, float]:
    """From where to where lie the values, each with its weight, the farthest left out."""
    total = sum(weight for _value, weight in weighted)
    spare = total / 100 if total > MANY else 0

    def first(values: list[tuple[float, int]]) -> float:
        passed = 0
        for value, weight in values:
            passed += weight
            if passed > spare:
                return value
        return values[-1][0]

    ordered = sorted(weighted)
    return first(ordered), first(ordered[::-1])
