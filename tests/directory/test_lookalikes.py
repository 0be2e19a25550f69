"""Listings whose name looks like one that somebody typed."""

import pytest
from django.db import connection

from directory.lookalikes import SHOWN, lookalikes
from tests.factories import EnterpriseFactory
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")


@pytest.fixture
def listed():
    """Publishes enterprises of these names."""

    def listed(*names, **fields):
        for name in names:
            EnterpriseFactory(name=name, published=True, **fields)
        connection.check_constraints()  # as a commit would

    return listed


def names(typed):
    return [name for name, _slug, _city in lookalikes(typed)]


@pytest.mark.parametrize(
    "typed",
    [
        "Buanderie du Grand Pré",
        "BUANDERIE GRAND-PRE",
        "La buanderie du grand pré inc.",
        "Coopérative de travail Buanderie du Grand Pré",
        "Buanderie du Gr",
    ],
)
def test_a_name_written_otherwise_looks_the_same(typed, listed):
    listed("Buanderie du Grand Pré", "Boulangerie du Vieux Pont")
    assert names(typed) == ["Buanderie du Grand Pré"]


@pytest.mark.parametrize(
    "typed", ["Traiteur du Vieux Moulin", "Moulin rouge", "Zzz", "", " ", "&|!()"]
)
def test_another_name_does_not(typed, listed):
    listed("Buanderie du Grand Pré", "Coopérative de solidarité du Lac")
    assert names(typed) == []


def test_a_name_of_one_word_is_looked_for_by_it(listed):
    listed("Castor", "Castor bricoleur")
    assert names("castor")[0] == "Castor"


def test_what_is_not_published_looks_like_nothing(listed):
    EnterpriseFactory(name="Buanderie du Grand Pré", slug="brouillon")
    EnterpriseFactory(name="Buanderie du Grand Pré", slug="archivee", archived=True)
    assert names("Buanderie du Grand Pré") == []


def test_the_most_alike_come_first_and_four_at_most_in_one_statement(listed):
    listed(*(f"Atelier du Bois franc {word}" for word in ("un", "deux", "trois", "six", "dix")))
    listed("Atelier du Bois franc")
    with recorded_sql() as statements:
        found = names("Atelier du bois franc")
    assert found[0] == "Atelier du Bois franc"
    assert len(found) == SHOWN
    assert len(statements) == 1
