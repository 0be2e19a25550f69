"""The search answers real phrasings of buyers, on the demonstration's enterprises."""

import csv

import pytest
from django.utils import timezone

from directory.models import City, Enterprise
from directory.search import fold
from tests import quality
from tests.client import StrictClient
from tests.demonstration import lasting


@pytest.fixture(scope="module")
def demonstration(reference_kept, django_db_blocker):
    yield from lasting(django_db_blocker, lambda: quality.load(timezone.localdate()))


@pytest.fixture(autouse=True)
def reading(demonstration, django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def rows():
    with quality.PHRASINGS.open(newline="") as file:
        return list(csv.DictReader(file))


def test_ninety_five_in_a_hundred_are_answered_among_the_first_five(tell):
    given = quality.answers(StrictClient())
    for line in quality.report(given):
        tell(line)
    assert quality.shares(given)["all"] >= 0.95


def test_each_phrasing_has_an_answer_and_few_enterprises_are_one(rows):
    """Otherwise the set would ask for the impossible, or be content with anything."""
    offered = {
        enterprise: [fold(offering.name) for offering in enterprise.offerings.all()]
        for enterprise in Enterprise.objects.filter(state="published").prefetch_related("offerings")
    }
    for row in rows:
        sellers = [
            enterprise
            for enterprise, names in offered.items()
            if any(quality.sells(name, row) for name in names)
        ]
        assert 0 < len(sellers) <= len(offered) / 4, row["phrasing"]
        if row["city"]:
            city = City.objects.select_related("county__region").get(code=row["city"])
            assert any(quality.reaches(seller, city) for seller in sellers), row["phrasing"]


def test_the_set_is_made_of_real_expressions_of_every_kind(rows):
    assert len({row["phrasing"] for row in rows}) == len(rows) > 120
    assert sum(bool(row["expression"]) for row in rows) >= 80
    assert len({row["kind"] for row in rows}) == 10


def test_an_answer_that_sells_something_else_is_a_miss():
    row = {"kind": "as typed", "phrasing": "traiteur", "offering": "zeppelin", "city": ""}
    answer = quality.answer(StrictClient(), row)
    assert answer.total > 0
    assert answer.rank == 0
    assert quality.shares([answer]) == {"as typed": 0, "all": 0}
    assert any("traiteur" in line for line in quality.report([answer]))
