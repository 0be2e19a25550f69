"""Each kind of cell, as people write it and as it is written back."""

import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import cells
from directory.exports import neutralise, restore
from directory.models import City, Region, RegionalCounty, Sector
from directory.resources import EnterpriseResource

TEXT = st.text(max_size=40)
LINE = st.text(st.characters(blacklist_categories=["Cc", "Cf", "Cs", "Zs", "Zl", "Zp"]), min_size=1)


@given(TEXT)
def test_a_neutralised_text_comes_back_whole(text):
    assert restore(neutralise(text)) == text


@given(
    st.sampled_from("=+-@\t\r＝＋－＠"), st.sampled_from(["", " ", "\xa0", "\n", "\ufeff "]), TEXT
)
def test_no_text_that_leaves_begins_as_a_formula(sign, blank, text):
    for formula in (blank + sign + text, "'" + blank + sign + text):
        assert neutralise(formula) == "'" + formula


@pytest.mark.parametrize("text", ["", "Épicerie", "l’entrepôt", "'tit bois", "a=b", "12-34"])
def test_a_harmless_text_is_left_alone(text):
    assert neutralise(text) == text
    assert restore(text) == text


@given(st.lists(LINE.map(str.strip).filter(bool), max_size=6))
def test_a_list_comes_back_whatever_its_items_hold(items):
    assert cells.split(cells.join(items)) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("un | deux", ["un", "deux"]),
        ("un ; deux;trois", ["un", "deux", "trois"]),
        ("un\ndeux\n\n", ["un", "deux"]),
        ("un \\| deux", ["un | deux"]),
        ("virgule, gardée", ["virgule, gardée"]),
        (" | ; \n", []),
    ],
)
def test_items_are_parted_by_bars_semicolons_and_lines(text, items):
    assert cells.split(text) == items


@pytest.mark.parametrize(
    "text",
    [
        *("1147627393", "1147 627 393", "1147-627-393", "1147627393.0", "1147627393,0"),
        *("1.147627393E9", "1,147627393E+09", "1\xa0147\xa0627\xa0393", 1147627393, 1147627393.0),
    ],
)
def test_a_neq_is_read_however_a_spreadsheet_kept_it(text):
    assert cells.Neq().clean(text) == "1147627393"


@pytest.mark.parametrize(
    "text", ["114762739", "11476273931", "abc", "1147627393.5", "1.14763E+09", "1E999999999"]
)
def test_a_neq_that_is_not_ten_digits_is_refused_with_what_to_do(text):
    with pytest.raises(ValueError, match="10 chiffres"):
        cells.Neq().clean(text)


@pytest.mark.parametrize(
    ("widget", "text", "value"),
    [
        (cells.Phone(), "(450) 555-0123", "+14505550123"),
        (cells.Phone(), "+1 450 555 0123", "+14505550123"),
        (cells.Phone(), "450.555.0123 poste 12", "+14505550123"),
        (cells.PostalCode(), "j4k1a1", "J4K 1A1"),
        (cells.Email(254), "mailto:info@traiteur.example", "info@traiteur.example"),
        (cells.Website(200), "www.traiteur.example", "https://www.traiteur.example"),
        (cells.Whole(), "25 000 $", 25_000),
        (cells.Whole(), "25\xa0000,00\xa0$", 25_000),
        (cells.Whole(), "2.000.000", 2_000_000),
        (cells.Whole(), "12", 12),
        (cells.Degrees(-80.5, -56.5), "-73,4317", -73.4317),
        (cells.Day(), "2026-03-31", datetime.date(2026, 3, 31)),
        (cells.Day(), datetime.datetime(2026, 3, 31), datetime.date(2026, 3, 31)),
        (cells.YesNo(), "OUI", True),
        (cells.YesNo(), "non", False),
        (cells.Texts(40), "Ancien nom ; ABC ; ABC", ("Ancien nom", "ABC")),
        (cells.Permits(), "RBQ 1234-5678-90", (("RBQ", "1234-5678-90", None),)),
        (cells.Cell(200), " Deux   mots\n", "Deux mots"),
        (cells.Cell(200), "  \n", None),
    ],
)
def test_a_value_is_read_as_people_write_it(widget, text, value):
    assert widget.clean(text) == value


@pytest.mark.parametrize(
    ("widget", "text", "said"),
    [
        (cells.Phone(), "555-0123", "dix chiffres"),
        (cells.PostalCode(), "90210", "J4K 1A1"),
        (cells.Email(254), "info@a.example, b@c.example", "un seul courriel"),
        (cells.Website(200), "javascript:alert(1)", "une seule adresse web"),
        (cells.Whole(), "12,5", "nombre entier"),
        (cells.Whole(), "99999999999", "2147483647"),
        (cells.Whole(1800, 2100), "1202", "1800 à 2100"),
        (cells.Degrees(44.5, 63), "-73.4", "44.5 à 63"),
        (cells.Day(), "31/03/2026", "2026-03-31"),
        (cells.YesNo(), "peut-être", "oui ou non"),
        (cells.Cell(10), "onze signes", "10 au plus"),
        (cells.Permits(), "RBQ\xa0: 12", "1234-5678-90"),
        (cells.Offerings(160), "Produit\xa0:", "a un nom"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_to_write(widget, text, said):
    with pytest.raises(ValueError, match=said):
        widget.clean(text)


@pytest.mark.parametrize(
    "permits",
    [
        (("RBQ", "1234-5678-90", datetime.date(2027, 3, 31)),),
        (("Permis MAPAQ", "", None), ("Permis : spécial | rare", "a;b", None)),
        (("Permis", "", datetime.date(2027, 3, 31)),),
    ],
)
def test_permits_come_back(permits):
    widget = cells.Permits()
    assert set(widget.clean(widget.render(permits))) == set(permits)


def test_the_kind_of_an_offering_is_said_where_its_name_alone_would_mislead():
    widget = cells.Offerings(160)
    offerings = (
        ("service", "Ménage"),
        ("product", "Savon"),
        ("service", "Savon"),
        ("service", "Produit : sur mesure"),
    )
    text = widget.render(offerings)
    assert text.split(" | ")[:2] == ["Ménage", "Produit\xa0: Savon"]
    assert widget.same(offerings, widget.clean(text))


# --- What needs the vocabularies and the territory


@pytest.fixture
def resource(reference):
    return EnterpriseResource()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("OBNL", "npo"),
        ("osbl", "npo"),
        ("Organisme à but non lucratif", "npo"),
        ("Coop de solidarité", "coop_solidarity"),
        ("Coop. de travail", "coop_worker"),
        ("COOPÉRATIVE DE PRODUCTEURS", "coop_producer"),
        ("coop_federation", "coop_federation"),
        ("Mutuelle", "mutual"),
    ],
)
def test_a_legal_form_is_read_under_its_usual_names(resource, text, form):
    assert resource.columns["legal_form"].widget.clean(text) == form


def test_a_number_of_employees_is_put_in_its_range(resource):
    widget = resource.columns["size"].widget
    assert [widget.clean(text) for text in ("0", "4", "12", "450", "5 à 19 personnes")] == [
        *("0", "1-4", "5-19", "100+", "5-19")
    ]


def test_words_are_read_by_name_or_address_and_written_by_name(resource):
    widget = resource.columns["sectors"].widget
    sector = Sector.objects.get(slug="alimentation")
    for text in (sector.name, sector.name.upper(), sector.slug):
        assert widget.clean(text) == (sector.pk,)
    assert widget.clean(widget.render((sector.pk,))) == (sector.pk,)


def test_an_unknown_word_is_refused_and_the_nearest_proposed(resource):
    with pytest.raises(ValueError, match="Peut-être «\xa0Transport, mobilité et logistique"):
        resource.columns["sectors"].widget.clean("Transports, mobilité, logistique")
    with pytest.raises(ValueError, match="La liste\xa0: "):
        resource.columns["statuses"].widget.clean("zzz")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("served_regions", Region),
        ("served_counties", RegionalCounty),
        ("served_cities", City),
    ],
)
def test_every_place_comes_back(resource, name, model):
    widget = resource.columns[name].widget
    rows = tuple(model.objects.order_by("pk").values_list("pk", flat=True))
    assert widget.clean(widget.render(rows)) == rows


def test_an_mrc_is_read_with_or_without_its_article(resource):
    widget = resource.columns["served_counties"].widget
    county = RegionalCounty.objects.get(name="Roussillon")
    for text in ("Roussillon", "MRC Roussillon", "MRC de Roussillon", county.code):
        assert widget.clean(text) == (county.pk,)


@pytest.mark.parametrize("sign", [",", ";", "(", "\xa0", "x ", "p."])
def test_a_telephone_of_fifty_thousand_signs_is_refused_by_its_length(sign):
    text = "450" + sign * 50_000 + "1a"
    start = time.process_time()
    with pytest.raises(ValueError, match="dix chiffres"):
        cells.Phone().clean(text)
    assert cells.Phone.extension(text) == ""
    assert time.process_time() - start < 1
    # The pattern itself is linear too: tens of seconds where it was not.
    start = time.process_time()
    assert not cells.Phone.EXTENSION.search(text)
    assert time.process_time() - start < 1
