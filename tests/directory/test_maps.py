"""What stands on a map, and what a map weighs, whatever the enterprises."""

import gzip
import random

import pytest
from django.urls import reverse

from directory import clusters
from directory.filters import find_box
from directory.labels import Labels
from directory.models import Enterprise
from tests.factories import CityFactory, EnterpriseFactory

pytestmark = pytest.mark.django_db

CELLS, MAP = reverse("directory:map_cells"), reverse("directory:map")
AROUND = {"boite": "-73.6,45.4,-73.2,45.7", "zoom": 11}


def test_drafts_and_archived_enterprises_are_on_no_map(reference, client):
    place = {"latitude": 45.5, "longitude": -73.45, "geo_precision": "exact"}
    EnterpriseFactory(name="Brouillon", **place)
    EnterpriseFactory(name="Archivée", archived=True, **place)
    assert client.get(CELLS, AROUND).json()["cells"] == []


def test_an_answer_is_light_whatever_there_is(reference, client):
    """At worst each cell holds one enterprise, of a long name that nothing compresses."""
    chance, city = random.Random(3), CityFactory()
    grid = clusters.grid(find_box(AROUND["boite"], Labels()), 11)
    side, rows = 2**grid.level, []
    for x in range(grid.left, grid.right + 1):
        for y in range(grid.top, grid.bottom + 1):
            rows.append(
                EnterpriseFactory.build(
                    name="".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(200)),
                    slug=f"{chance.getrandbits(320):x}",
                    published=True,
                    city=city,
                    latitude=clusters.latitude((y + 0.5) / side),
                    longitude=(x + 0.5) / side * 360 - 180,
                    geo_precision="exact",
                )
            )
    Enterprise.objects.bulk_create(rows)
    assert 90 < len(rows) == grid.cells <= clusters.MOST_CELLS
    response = client.get(CELLS, AROUND)
    assert [cell["n"] for cell in response.json()["cells"]] == [1] * len(rows)
    assert len(gzip.compress(response.content)) <= 60_000 * len(rows) / clusters.MOST_CELLS


def test_names_that_are_code_are_text_on_the_map(reference, client):
    name = "</script><script>alert(1)</script><img src=x onerror=x>"
    EnterpriseFactory(
        name=name, slug="code", published=True,
        latitude=45.5, longitude=-73.45, geo_precision="exact",
    )  # fmt: skip
    response = client.get(CELLS, AROUND)
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["cells"][0]["name"] == name
    page = client.get(MAP, {"q": name[:100]}).content.decode()
    assert "<script>alert" not in page
