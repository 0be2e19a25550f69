"""Where to go from a search that finds nothing."""

import pytest
from django.db import connection
from django.http import QueryDict

from directory import help as help_module
from directory import state
from directory.facets import Dimension
from directory.filters import EnterpriseFilter
from directory.help import help_for
from tests.factories import CityFactory, EnterpriseFactory, OfferingFactory
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")


@pytest.fixture
def listed():
    """A caterer of Longueuil and a laundry of Brossard that serves all Québec."""
    caterer = EnterpriseFactory(name="La Table ronde", published=True, sectors=["alimentation"])
    OfferingFactory(enterprise=caterer, name="Service de traiteur")
    EnterpriseFactory(
        name="Net et clair",
        published=True,
        city=CityFactory(code="58007"),
        legal_form="coop_worker",
        serves_province=True,
    )
    connection.check_constraints()  # as a commit would


def asked(query):
    current = state.current()
    return EnterpriseFilter(QueryDict(query), current.labels).criteria, current


def helped(query):
    return help_for(*asked(query))


def test_each_criterion_left_out_is_counted(listed):
    found = helped("q=traiteur&ville=brossard&forme=npo")
    assert found.without == {"q": 0, Dimension.CITY: 1, Dimension.FORM: 0}
    assert helped("q=traiteur&forme=coop_worker").without == {"q": 1, Dimension.FORM: 1}


def test_the_only_criterion_is_not_counted_without_itself(listed):
    assert helped("q=piscine").without == {}


def test_a_wider_circle_is_counted(listed):
    assert helped("pres=montreal&rayon=5&q=traiteur").wider == 1
    assert helped("pres=granby&rayon=5&q=traiteur").wider == 0
    assert helped("pres=gatineau&rayon=100&q=traiteur").wider == 0  # none is wider


def test_those_who_serve_a_city_from_elsewhere_are_counted(listed):
    assert helped("ville=gatineau").serving == 1
    assert helped("ville=gatineau&ville=laval").serving == 0


def test_each_word_left_out_is_counted_and_the_unknown_ones_are_told(listed):
    found = helped("q=traiteur+piscine")
    assert found.without_words == {0: 0, 1: 1}
    assert found.unknown == [1]
    assert "traiteur" in found.words


def test_so_is_the_city_read_among_the_words(listed):
    assert helped("q=piscine+gatineau").without_words == {"town": 0}
    # The laundry serves Gatineau.
    assert helped("q=traiteur+gatineau").without_words == {"town": 1}


@pytest.mark.parametrize("asked_by", ["Buanderie fermée", "buanderie FERMEE", "1142345678"])
def test_one_that_left_is_told_by_its_name_or_its_number(asked_by, listed):
    EnterpriseFactory(name="Buanderie fermée", neq="1142345678", archived=True, closing="closed")
    found = helped(f"q={asked_by}").archived
    assert (found["name"], found["closing"]) == ("Buanderie fermée", "closed")
    assert helped("q=buanderie").archived is None


def test_a_draft_is_told_of_to_nobody(listed):
    EnterpriseFactory(name="Brouillon secret")
    assert helped("q=Brouillon+secret").archived is None


def test_in_a_large_directory_no_count_goes_further_than_is_said(listed, as_large, monkeypatch):
    monkeypatch.setattr(help_module, "MANY", 1)
    as_large(1)
    for number in range(4):
        EnterpriseFactory(name=f"Traiteur {number}", published=True)
    connection.check_constraints()
    assert helped("q=traiteur&ville=gatineau").without[Dimension.CITY] == 2


def test_it_is_one_statement_whatever_is_asked(listed):
    criteria, current = asked("q=traiteur+piscine+gatineau&pres=laval&dessert=laval&forme=npo")
    with recorded_sql() as statements:
        help_for(criteria, current)
    assert len(statements) == 1
