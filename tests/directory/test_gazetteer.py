"""A municipality from what a row says of it: the right one, or a question."""

import time

import pytest

from directory.gazetteer import LONGEST, QUALIFIED, Gazetteer
from directory.models import Borough, City
from directory.resources import EnterpriseResource


@pytest.fixture
def gazetteer(reference) -> Gazetteer:
    return EnterpriseResource().gazetteer


def city(code):
    return City.objects.get(code=code).pk


LONGUEUIL, SAINT_BRUNO, QUEBEC, MONTREAL = "58227", "58037", "23027", "66023"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Longueuil", LONGUEUIL),
        ("LONGUEUIL ", LONGUEUIL),
        ("Ville de Longueuil", LONGUEUIL),
        ("St-Bruno-de-Montarville", SAINT_BRUNO),
        ("SAINT BRUNO DE MONTARVILLE", SAINT_BRUNO),
        ("Montreal", MONTREAL),
        ("Montréal (Québec)", MONTREAL),
        ("MONTRÉAL, QC", MONTREAL),
        ("Montréal Qc", MONTREAL),
        ("Ville Longueuil", LONGUEUIL),
        ("Ville-Marie", "85025"),
        ("Québec", QUEBEC),
        ("Ste-Julie", "59010"),
        ("Ile-Perrot", "71060"),
        ("L'Île-Perrot", "71060"),
    ],
)
def test_a_name_is_found_however_it_is_written(gazetteer, name, code):
    assert gazetteer.find(name).city == city(code)


@pytest.mark.parametrize("written", ["58227", "58 227"])
def test_the_geographic_code_comes_first(gazetteer, written):
    assert gazetteer.find("n’importe", code=written).city == city(LONGUEUIL)


def test_a_code_that_lost_its_zero_is_found(gazetteer):
    assert gazetteer.find("", code="1023").city == city("01023")


@pytest.mark.parametrize(
    "name", ["Saint-Hubert", "St-Hubert", "Longueuil (Saint-Hubert)", "Saint-Hubert (Longueuil)"]
)
def test_a_borough_gives_its_city(gazetteer, name):
    place = gazetteer.find(name)
    assert place.city == city(LONGUEUIL)
    assert place.borough == Borough.objects.get(slug="saint-hubert").pk


def test_that_a_borough_was_understood_is_said(gazetteer):
    assert (
        gazetteer.find("Saint-Hubert").notice
        == "«\xa0Saint-Hubert\xa0» est un arrondissement de Longueuil."
    )


def test_an_unknown_borough_is_left_out_and_said(gazetteer):
    place = gazetteer.find("Longueuil", borough="Anjou")
    assert (place.city, place.borough) == (city(LONGUEUIL), None)
    assert "Anjou" in place.notice


def test_a_name_of_several_places_is_asked_with_the_mrc_of_each(gazetteer):
    with pytest.raises(ValueError, match=r"précisez la MRC.*Saint-Lambert \(Longueuil\)"):
        gazetteer.find("Saint-Lambert")


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Saint-Lambert", "county": "Longueuil"},
        {"name": "Saint-Lambert", "county": "Agglomération de Longueuil"},
        {"name": "Saint-Lambert (Longueuil)"},
        {"name": "Saint-Lambert (Montérégie)"},
        {"name": "Saint-Lambert (58012)"},
    ],
)
def test_the_mrc_or_the_region_tells_it_from_the_other(gazetteer, said):
    name = said.pop("name")
    assert gazetteer.find(name, **said).city == city("58012")


def test_two_places_of_one_name_in_one_mrc_are_told_by_their_code(gazetteer):
    rows = City.objects.filter(name="Disraeli")
    assert rows.count() == 2
    for row in rows:
        assert gazetteer.find(gazetteer.written(row.pk)).city == row.pk


def test_every_city_is_found_by_the_name_written_for_it(gazetteer):
    for row in City.objects.all():
        assert gazetteer.find(gazetteer.written(row.pk)).city == row.pk


@pytest.mark.parametrize("name", ["CP 368", "C.P. 368", "Case postale 12"])
def test_a_post_box_is_no_municipality(gazetteer, name):
    with pytest.raises(ValueError, match="case postale"):
        gazetteer.find(name)


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Ottawa", "province": "ON"},
        {"name": "Ottawa, Ontario"},
        {"name": "Ottawa (ON)"},
        {"name": "Boston", "province": "MA", "country": "USA"},
        {"name": "Paris", "country": "FR"},
    ],
)
def test_what_is_out_of_quebec_is_refused(gazetteer, said):
    name = said.pop("name")
    with pytest.raises(ValueError, match="hors du Québec"):
        gazetteer.find(name, **said)


def test_a_name_that_is_unknown_is_refused_with_the_nearest(gazetteer):
    with pytest.raises(ValueError, match="Peut-être «\xa0Longueuil\xa0»"):
        gazetteer.find("Longeuil")


@pytest.mark.parametrize("name", ["", "  ", "?"])
def test_a_missing_name_is_asked_for(gazetteer, name):
    with pytest.raises(ValueError, match="manque"):
        gazetteer.find(name)


def test_a_city_that_is_not_in_the_mrc_given_in_its_name_is_refused(gazetteer):
    with pytest.raises(ValueError, match="n’est pas dans"):
        gazetteer.find("Brossard (Roussillon)")


@pytest.mark.parametrize("blank", ["\xa0", " ", "\t"])
def test_a_name_of_thousands_of_blanks_is_refused_by_its_length(gazetteer, blank):
    name = f"a{blank * 30_000}b"
    start = time.process_time()
    for text in (name, f"{name},", f"a,{blank * 30_000},"):
        with pytest.raises(ValueError, match="trop long"):
            gazetteer.find(text)
        assert not QUALIFIED.match(text)
    assert time.process_time() - start < 1


def test_a_name_as_long_as_is_allowed_is_read(gazetteer):
    name = "Longueuil" + " " * (LONGEST - 13) + ", QC"
    assert gazetteer.find(name).city == city(LONGUEUIL)
    with pytest.raises(ValueError, match="trop long"):
        gazetteer.find(f"{name}.")


def test_the_beginning_of_a_name_is_asked_whole(gazetteer):
    with pytest.raises(ValueError, match="Peut-être.*Saint-Bruno-de-Montarville"):
        gazetteer.find("St-Bruno")
