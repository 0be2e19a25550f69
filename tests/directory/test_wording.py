import datetime

import pytest

from directory import wording
from directory.facets import Dimension, code
from directory.labels import CityLabel, Label, Labels

NBSP = "\xa0"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (datetime.date(2026, 3, 1), f"1er{NBSP}mars{NBSP}2026"),
        (datetime.date(2026, 12, 31), f"31{NBSP}décembre{NBSP}2026"),
        (datetime.date(2026, 8, 11), f"11{NBSP}août{NBSP}2026"),
    ],
)
def test_a_day_is_said_in_one_piece(day, said):
    assert wording.day(day) == said


def test_numbers_and_amounts_keep_their_groups_together():
    assert wording.number(12000) == f"12{NBSP}000"
    assert wording.amount(1_234_567) == f"1{NBSP}234{NBSP}567{NBSP}$"


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 entreprise"), (1, "1 entreprise"), (2, "2 entreprises")]
)
def test_none_and_one_are_singular(count, said):
    assert wording.enterprises(count) == said


def test_a_telephone_is_said_with_its_extension_and_dials_it():
    assert wording.phone("+14505550123") == f"450{NBSP}555-0123"
    assert wording.phone("+14505550123", "12") == f"450{NBSP}555-0123, poste 12"
    assert wording.phone_href("+14505550123", "12") == "tel:+14505550123;ext=12"
    assert wording.phone_href("+14505550123") == "tel:+14505550123"


@pytest.mark.parametrize(
    ("kilometres", "said"),
    [(0.4, f"moins de 1{NBSP}km"), (4.24, f"4,2{NBSP}km"), (63.4, f"63{NBSP}km")],
)
def test_a_distance_is_said_no_finer_than_it_is_known(kilometres, said):
    assert wording.distance(kilometres) == said


@pytest.mark.parametrize(
    ("names", "most", "said"),
    [
        ([], None, ""),
        (["A"], None, "A"),
        (["A", "B"], None, "A et B"),
        (["A", "B", "C"], None, "A, B et C"),
        (["A", "B", "C", "D"], 3, "A, B, C et D"),
        (["A", "B", "C", "D", "E"], 3, "A, B, C et 2 autres"),
    ],
)
def test_a_long_list_is_cut_where_it_spares_two_names(names, most, said):
    assert wording.enumeration(names, most) == said


@pytest.fixture
def labels():
    longueuil = CityLabel(code(Dimension.CITY, 1), "longueuil", "Longueuil")
    lambert = CityLabel(
        code(Dimension.CITY, 2), "saint-lambert", "Saint-Lambert", county_name="X", shared=True
    )
    region = Label(code(Dimension.REGION, 1), "monteregie", "Montérégie")
    county = Label(code(Dimension.COUNTY, 1), "rouville", "MRC Rouville")
    return Labels(by_code={label.code: label for label in (longueuil, lambert, region, county)})


@pytest.mark.parametrize(
    ("serves", "said"),
    [
        ([True, [1], [], [1]], "Tout le Québec"),
        ([False, [1], [1], [1]], "Montérégie, MRC Rouville et Longueuil"),
        ([False, [], [], [2, 1]], "Longueuil et Saint-Lambert (X)"),
        ([False, [], [], []], ""),
    ],
)
def test_a_territory_is_said_from_the_widest_to_the_narrowest(labels, serves, said):
    assert wording.territory(serves, labels) == said


TODAY = datetime.date(2028, 2, 29)


@pytest.mark.parametrize(
    ("confirmed_on", "stale", "said"),
    [
        (None, True, "Coordonnées à confirmer"),
        (datetime.date(2027, 2, 28), False, "Coordonnées confirmées le"),
        (datetime.date(2027, 2, 27), True, "Coordonnées à confirmer (confirmées le"),
    ],
)
def test_a_confirmation_holds_twelve_months_leap_days_included(confirmed_on, stale, said):
    text, is_stale = wording.freshness(confirmed_on, TODAY)
    assert text.startswith(said)
    assert is_stale is stale


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "environ 1\xa0ko"),
        (340_400, "environ 340\xa0ko"),
        (1_540_000, "environ 1,5\xa0Mo"),
        (14_810_000, "environ 15\xa0Mo"),
    ],
)
def test_a_file_is_weighed_in_round_figures(size, text):
    assert wording.weight(size) == text
