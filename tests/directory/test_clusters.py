"""The map's cells against the truth, on random listings, for any box and zoom."""

import math
import random
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from directory import clusters, integrity, sampling, state
from directory.criteria import Box
from directory.filters import find_box
from directory.labels import Labels
from directory.models import Enterprise
from tests.demonstration import lasting
from tests.factories import CityFactory, EnterpriseFactory
from tests.sql import recorded_sql

pytestmark = pytest.mark.django_db

CELLS, LIST, MAP = (reverse(f"directory:{name}") for name in ("map_cells", "list", "map"))
SOUTH_SHORE = "-73.6,45.4,-73.2,45.7"


@pytest.fixture(scope="module")
def scattered(reference_kept, django_db_blocker):
    yield from lasting(django_db_blocker, scatter)


def scatter():
    """Four hundred enterprises: most anywhere around Longueuil, forty at one position."""
    chance = random.Random(7)
    cities = [CityFactory(), CityFactory(code="58033"), CityFactory(code="58007")]
    rows = []
    for number in range(400):
        alone = number >= 40
        rows.append(
            EnterpriseFactory.build(
                name=f"Entreprise {number}",
                slug=f"entreprise-{number}",
                published=True,
                city=cities[number % 3],
                legal_form=["npo", "coop_worker"][number % 2],
                latitude=chance.uniform(45.3, 45.8) if alone else 45.5,
                longitude=chance.uniform(-73.7, -73.1) if alone else -73.45,
                geo_precision="exact" if alone else "city",
            )
        )
    Enterprise.objects.bulk_create(rows)
    return rows


def cells(client, **parameters):
    response = client.get(CELLS, parameters)
    assert response.status_code == 200
    return response.json()


def inside(rows, box):
    return [
        row
        for row in rows
        if box.south <= row.latitude < box.north and box.west <= row.longitude < box.east
    ]


def asked_of(statements):
    """Those of the site; the client checks constraints as a commit would, and what is a
    transaction of its own elsewhere is a savepoint in a test."""
    aside = ("SET CONSTRAINTS", "SAVEPOINT", "RELEASE SAVEPOINT")
    return [sql for sql in statements if not sql.startswith(aside)]


# --- Counts


def test_the_cells_hold_every_listing_of_the_box_once(scattered, client):
    chance = random.Random(11)
    for _ in range(40):
        west, east = sorted(chance.uniform(-73.8, -73.0) for _ in range(2))
        south, north = sorted(chance.uniform(45.2, 45.9) for _ in range(2))
        zoom = chance.randrange(4, 17)
        grid = clusters.grid(Box(west, south, east, north), zoom)
        found = cells(client, boite=f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}", zoom=zoom)
        assert found["total"] == len(inside(scattered, grid.box))
        assert sum(cell["n"] for cell in found["cells"]) == found["total"]
        assert len(found["cells"]) <= clusters.MOST_CELLS


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"ville": "longueuil"}, lambda row: row.city.code == "58227"),
        ({"forme": "npo"}, lambda row: row.legal_form == "npo"),
        ({"q": "entreprise"}, lambda row: True),
        ({"q": '"entreprise 17"'}, lambda row: row.name == "Entreprise 17"),
        (
            {"forme": "npo", "ville": "longueuil"},
            lambda row: row.legal_form == "npo" and row.city.code == "58227",
        ),
    ],
)
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_filter_narrows_the_map_as_it_narrows_the_list(
    asked, kept, size, scattered, client, as_large
):
    if size == "large":
        as_large()
    client.get(LIST)
    grid = clusters.grid(find_box(SOUTH_SHORE, Labels()), 11)
    expected = [row for row in inside(scattered, grid.box) if kept(row)]
    found = cells(client, boite=SOUTH_SHORE, zoom=11, **asked)
    assert found["total"] == len(expected)
    assert found["about"] is False
    alone = {cell["name"] for cell in found["cells"] if cell["n"] == 1}
    assert alone <= {row.name for row in expected}


def test_the_centre_of_gravity_stays_in_its_cell_and_away_from_its_edges(scattered, client):
    grid = clusters.grid(find_box(SOUTH_SHORE, Labels()), 11)
    found = cells(client, boite=SOUTH_SHORE, zoom=11)
    places = [
        (clusters.across(cell["lng"]) * 2**grid.level, clusters.down(cell["lat"]) * 2**grid.level)
        for cell in found["cells"]
    ]
    assert len(places) > 20
    assert len({(math.floor(x), math.floor(y)) for x, y in places}) == len(places)
    for one in places:
        for other in places:
            assert one is other or math.dist(one, other) > 0.39


def test_listings_of_one_position_are_one_cell_that_opens_as_a_list(scattered, client):
    (stack,) = (
        cell
        for cell in cells(client, boite="-73.4501,45.4999,-73.4499,45.5001", zoom=18)["cells"]
        if cell["n"] > 1
    )
    assert (stack.pop("lat"), stack.pop("lng")) == pytest.approx((45.5, -73.45), abs=0.0005)
    assert stack == {
        "n": 40,
        "label": "40 entreprises près de Longueuil",
        "stacked": [45.5, -73.45],
    }
    box = "-73.45002,45.49998,-73.44998,45.50002"
    listed = client.get(reverse("directory:list_json"), {"boite": box, "taille": 50}).json()
    assert listed["total"] == 40
    assert client.get(LIST, {"boite": box}).context["total"] == 40


def test_a_cell_of_one_names_it_and_leads_to_it(scattered, client):
    found = cells(client, boite="-73.45,45.5,-73.40,45.55", zoom=14)
    (cell, *_) = (cell for cell in found["cells"] if cell["n"] == 1)
    row = next(row for row in scattered if row.name == cell["name"])
    # Within a fifth of a cell of where it is.
    where = (cell.pop("lat"), cell.pop("lng"))
    assert where == pytest.approx((row.latitude, row.longitude), abs=0.2 * 360 / 2**16)
    assert cell == {
        "n": 1,
        "name": row.name,
        "city": row.city.name,
        "url": row.get_absolute_url(),
    }


# --- A large directory


def test_the_cells_of_a_large_directory_are_counted_beforehand(scattered, client, as_large):
    box = find_box(SOUTH_SHORE, Labels())
    small = {zoom: cells(client, boite=SOUTH_SHORE, zoom=zoom) for zoom in (5, 9, 11, 12)}
    as_large()
    client.get(LIST)
    for zoom, expected in small.items():
        with recorded_sql() as statements:
            found = cells(client, boite=SOUTH_SHORE, zoom=zoom)
        assert "directory_cells(" in asked_of(statements)[-1]
        assert len(found["cells"]) == len(expected["cells"])
        assert (
            found["total"]
            == expected["total"]
            == len(inside(scattered, clusters.grid(box, zoom).box))
        )
        assert [cell.get("url") for cell in found["cells"]] == [
            cell.get("url") for cell in expected["cells"]
        ]


def test_what_was_counted_beforehand_is_that_of_the_last_count(scattered, client, as_large):
    as_large()
    before = cells(client, boite=SOUTH_SHORE, zoom=9)["total"]
    EnterpriseFactory(published=True, latitude=45.5, longitude=-73.45, geo_precision="exact")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert cells(client, boite=SOUTH_SHORE, zoom=9)["total"] == before
        cursor.execute(
            "UPDATE directory_cells_taken SET taken_at = %s",
            [timezone.now() - timedelta(seconds=61)],
        )
    state.recount(timezone.localdate())
    assert cells(client, boite=SOUTH_SHORE, zoom=9)["total"] == before + 1


def test_what_left_a_large_directory_is_no_longer_named(scattered, client, as_large):
    as_large()
    client.get(LIST)
    around = {"boite": "-73.7,45.3,-73.1,45.8", "zoom": 12}
    named = {cell["name"] for cell in cells(client, **around)["cells"] if cell["n"] == 1}
    gone = Enterprise.objects.get(name=min(named))
    gone.state, gone.published_on = Enterprise.State.DRAFT, None
    gone.save()
    still = {cell.get("name") for cell in cells(client, **around)["cells"]}
    assert gone.name not in still


def test_of_very_many_found_in_a_large_directory_a_sample_is_counted(
    scattered, client, as_large, monkeypatch
):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE directory_listing")
    monkeypatch.setattr(sampling, "ALL_UP_TO", 50)
    monkeypatch.setattr(sampling, "SAMPLE", 80)
    around = {"boite": "-74,45,-73,46", "zoom": 9, "forme": "npo"}
    true = cells(client, **around)["total"]
    as_large()
    found = cells(client, **around)
    assert found["about"] is True
    assert 0.5 < found["total"] / true < 2
    assert found["cells"][0]["label"].startswith("environ ")
    assert not [cell for cell in found["cells"] if "stacked" in cell]


def test_cells_that_are_wrong_are_reported(scattered, client, as_large):
    client.get(LIST)  # commits
    as_large()
    cells(client, boite=SOUTH_SHORE, zoom=9)
    assert integrity.check(timezone.localdate()).wrong == []
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE directory_cell SET listings = listings + 1
               WHERE (level, x, y) IN (
                   SELECT DISTINCT ON (level) level, x, y FROM directory_cell
                   WHERE level IN (3, 14))"""
        )
    assert sorted(integrity.check(timezone.localdate()).wrong) == [
        "map level 14: 1 cells differ",
        "map level 3: 1 cells differ",
    ]


# --- Weight and statements


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"boite": SOUTH_SHORE, "zoom": "11"},
        {"boite": SOUTH_SHORE, "zoom": "11", "q": "entreprise", "forme": "npo"},
        {"q": "rien-du-tout"},
        {"pres": "longueuil", "rayon": "10", "ville": "longueuil", "reconnue": "1"},
    ],
)
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_move_of_the_map_is_two_statements_three_in_a_large_directory(
    asked, size, scattered, client, as_large
):
    if size == "large":
        as_large()
    client.get(MAP)
    with recorded_sql() as statements:
        cells(client, **asked)
    # That of the state and that of the cells; in a large directory, an estimate before it.
    extra = {"small": 0, "large": 1 if {*asked} - {"boite", "zoom"} else 0}[size]
    assert len(asked_of(statements)) == 2 + extra


def test_the_page_of_the_map_asks_for_no_more_than_that_of_the_list(scattered, client):
    for query in ("", "?q=entreprise&ville=longueuil", f"?boite={SOUTH_SHORE}"):
        numbers = []
        for path in (LIST, MAP):
            client.get(path)
            with recorded_sql() as statements:
                client.get(path + query)
            numbers.append(len(asked_of(statements)))
        assert numbers[0] == numbers[1] <= 4


def test_a_browser_that_has_these_cells_is_told_so(scattered, client):
    asked = {"boite": SOUTH_SHORE, "zoom": "11"}
    etag = client.get(CELLS, asked).headers["ETag"]
    again = client.get(CELLS, asked, headers={"if-none-match": etag})
    assert again.status_code == 304
    page = client.get(MAP)
    assert client.get(MAP, headers={"if-none-match": page.headers["ETag"]}).status_code == 304


# --- Boxes


BAD_BOXES = [
    "NaN,NaN,NaN,NaN", "inf,-inf,inf,inf", "-73.2,45.4,-73.6,45.7", "-73.6,45.7,-73.2,45.4",
    "1,2,3", "1,2,3,4,5", ",,,", "a,b,c,d", "-999,-99,999,99", "1e9,1,2,3", "--73,45,-72,46",
    "-73.6;45.4;-73.2;45.7", "٣,٣,٤,٤", "-73.12345678901,45,-72,46", "-181,45,-72,46",
]  # fmt: skip


@pytest.mark.parametrize("box", BAD_BOXES)
def test_a_box_that_means_nothing_is_ignored_and_said(box, scattered, client):
    for path in (LIST, MAP):
        response = client.get(path, {"boite": box})
        assert response.context["total"] == 400
        assert [notice["text"] for notice in response.context["notices"]]
    found = cells(client, boite=box, zoom="12")
    assert found["total"] == 400
    assert len(found["notices"]) == 1


@pytest.mark.parametrize("zoom", ["-1", "19", "99999999999", "NaN", "1.5", "٣"])
def test_a_zoom_that_means_nothing_is_ignored_and_said(zoom, scattered, client):
    found = cells(client, boite=SOUTH_SHORE, zoom=zoom)
    assert found["cells"]
    assert len(found["notices"]) == 1


@pytest.mark.parametrize(
    "box",
    ["-180,-90,180,90", "0,0,0,0", "-73.45,45.5,-73.45,45.5", "179.9,89.9,180,90", "-0,-0,0,0"],
)
@pytest.mark.parametrize("zoom", ["0", "18"])
def test_a_box_at_the_ends_of_the_earth_is_answered(box, zoom, scattered, client):
    assert len(cells(client, boite=box, zoom=zoom)["cells"]) <= clusters.MOST_CELLS


def test_without_a_box_the_whole_province_is_shown(scattered, client):
    found = cells(client)
    assert found["total"] == 400
    assert found["notices"] == []


def test_a_box_that_holds_the_province_narrows_nothing(scattered, client):
    response = client.get(LIST, {"boite": "-180,-90,180,90"})
    assert response.context["total"] == 400
    assert "Zone de la carte" in [chip["label"] for chip in response.context["chips"]]


# --- The page


def test_list_and_map_lead_to_each_other_with_their_filters(scattered, client):
    for path in (LIST, MAP):
        response = client.get(f"{path}?q=entreprise&ville=longueuil&page=2")
        looks = {look["label"]: look for look in response.context["looks"]}
        assert looks["Liste"]["url"] == f"{LIST}?q=entreprise&ville=longueuil"
        assert looks["Carte"]["url"] == f"{MAP}?q=entreprise&ville=longueuil"
        assert [look["current"] for look in looks.values()] == [path == LIST, path == MAP]
        for chip in response.context["chips"]:
            assert chip["remove_url"].startswith(path)
        assert response.context["pages"]["previous_url"].startswith(path)


def test_map_and_list_find_the_same(scattered, client):
    for query in ("", "?q=entrepryse", "?ville=nulle-part", "?forme=npo&tri=nom&page=2", "?q=zut"):
        listed, mapped = client.get(LIST + query).context, client.get(MAP + query).context
        for name in ("total", "heading", "notices", "cards", "correction"):
            if name == "correction" and listed[name]:
                assert listed[name]["shown"] == mapped[name]["shown"]
            else:
                assert listed[name] == mapped[name], (query, name)


def test_the_map_of_a_corrected_search_shows_what_was_found(scattered, client):
    context = client.get(MAP, {"q": "entrepryse"}).context
    assert context["correction"]["shown"] == "entreprise"
    assert client.get(context["map"]["cells"]).json()["total"] == 400


def test_a_map_opens_on_what_was_found(scattered, client):
    def view(**asked):
        return client.get(MAP, asked).context["map"]["view"]

    west, south, east, north = view()
    assert west < -73.5
    assert east > -73.4
    assert 45.3 < south < north < 45.8
    assert view(boite=SOUTH_SHORE) == [-73.6, 45.4, -73.2, 45.7]
    west, south, east, north = view(pres="longueuil", rayon="100")
    assert 1.7 < north - south < 1.9
    assert view(q="zut") == [-79.8, 44.9, -57.1, 62.6]


def test_cities_are_written_where_there_are_enterprises_and_a_few_where_there_are_none(
    scattered, client
):
    client.get(LIST)
    names = [row["name"] for row in cells(client, boite=SOUTH_SHORE, zoom=11)["places"]]
    assert names[:1] == ["Longueuil"]
    assert len(names) <= clusters.MOST_PLACES
    away = cells(client, boite="-72.5,46.3,-72,46.6", zoom=11)
    assert away["cells"] == []
    assert len(away["places"]) == clusters.FEW_PLACES
