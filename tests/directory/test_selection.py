"""All that a search finds, to the last, and its rows."""

import datetime

import pytest
from django.db import connection
from django.http import QueryDict

from directory import selection, state
from directory.criteria import Place
from directory.filters import EnterpriseFilter
from directory.models import Enterprise, Listing
from directory.results import find
from directory.selection import every_id, listed
from tests.demonstration import lasting
from tests.factories import CityFactory, EnterpriseFactory
from tests.sql import recorded_sql

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def fifty(reference_kept, django_db_blocker):
    yield from lasting(django_db_blocker, write_fifty)


def write_fifty():
    """More than two pages, of two names and two cities, some published on one day."""
    city = CityFactory(code="58007")
    for number in range(50):
        EnterpriseFactory(
            name=["Traiteur", "Atelier de traiteur"][number % 2],
            slug=f"fiche-{number}",
            published=True,
            published_on=datetime.date(2026, 1, 1 + number % 3),
            **({"city": city} if number % 4 else {}),
        )


def asked(query):
    current = state.current()
    return EnterpriseFilter(QueryDict(query), current.labels).criteria, current


QUERIES = [
    *("", "tri=nom", "tri=recent", "tri=rotation", "q=traiteur", "q=traiteur&tri=nom"),
    *("q=traiteur&tri=recent", "pres=longueuil&rayon=50", "pres=longueuil&rayon=50&q=traiteur"),
    *("ville=brossard", "ville=brossard&tri=recent", "q=piscine"),
]


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_the_pages_one_after_the_other(query):
    criteria, current = asked(query)
    pages = []
    for criteria.page in (1, 2, 3):
        pages += [row["card"]["slug"] for row in find(criteria, current).rows]
    slugs = dict(Enterprise.objects.values_list("pk", "slug"))
    assert [slugs[pk] for pk in every_id(criteria, current)] == pages
    assert len(pages) == len(set(pages)) == find(criteria, current).total


def test_beyond_what_relevance_ranks_all_come_by_name(monkeypatch):
    monkeypatch.setattr(selection, "RANKED", 49)
    found = list(every_id(*asked("q=traiteur")))
    names = dict(Enterprise.objects.values_list("pk", "name"))
    assert [names[pk] for pk in found] == sorted(names.values())


def test_the_keys_are_read_in_one_statement():
    criteria, current = asked("q=traiteur&pres=longueuil")
    with recorded_sql() as statements:
        every_id(criteria, current)
    assert len(statements) == 1


def test_the_rows_come_in_the_order_asked_each_with_its_place():
    ids = [pk for (pk,) in Listing.objects.order_by("-pk").values_list("pk")[:3]]
    ids = [ids[1], ids[2], ids[0]]
    rows = listed(ids)
    slugs = dict(Enterprise.objects.values_list("pk", "slug"))
    assert [row["card"]["slug"] for row in rows] == [slugs[pk] for pk in ids]
    assert all({"latitude", "longitude", "precision"} <= row.keys() for row in rows)
    assert "distance" not in rows[0]
    near = listed(ids, Place("Longueuil", 45.51389, -73.43139))
    assert all(row["distance"] < 20 for row in near)


def test_who_left_meanwhile_is_left_out():
    ids = list(every_id(*asked("tri=nom")))
    Enterprise.objects.filter(pk=ids[0]).update(state="draft", published_on=None)
    connection.check_constraints()  # as a commit would
    assert len(listed(ids)) == len(ids) - 1


def test_nothing_gives_nothing():
    assert listed([]) == []
