import csv
import shutil

import pytest
from django.core.management import call_command
from django.db.models import Count, F
from django.utils.text import slugify

from directory import reference
from directory.models import (
    Benefit,
    Borough,
    City,
    PostalArea,
    PurchasingCategory,
    Region,
    RegionalCounty,
    Sector,
    SeededKey,
    Status,
    Synonym,
    SynonymGroup,
)
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")

# Children first: each may be emptied once those before it are.
MODELS = [Borough, City, RegionalCounty, Region, PostalArea]
MODELS += [Sector, Status, Benefit, PurchasingCategory, Synonym, SynonymGroup, SeededKey]


@pytest.fixture
def emptied(reference):
    for model in MODELS:
        model.objects.all().delete()


@pytest.fixture
def files(tmp_path):
    """A copy of the files, for a test to publish a later edition of them."""
    return shutil.copytree(reference.FOLDER, tmp_path / "reference")


def rewrite(path, change):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows) or rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def everything():
    return {model: list(model.objects.order_by("pk").values()) for model in MODELS}


def plain(name):
    return slugify(name.replace("’", "-").replace("œ", "oe"))


def test_the_whole_territory_and_every_vocabulary_are_there():
    assert {model: model.objects.count() for model in MODELS} == {
        Region: 17,
        RegionalCounty: 104,
        City: 1113,
        Borough: 3,
        PostalArea: 421,
        Sector: 11,
        Status: 6,
        Benefit: 10,
        PurchasingCategory: 60,
        SynonymGroup: 80,
        Synonym: 238,
        SeededKey: 11 + 6 + 10 + 60 + 80,
    }


@pytest.mark.parametrize(
    ("code", "name", "county", "region"),
    [
        ("58227", "Longueuil", "580", "16"),
        ("58007", "Brossard", "580", "16"),
        ("23057", "L’Ancienne-Lorette", "230", "03"),
        ("66032", "Westmount", "660", "06"),
        ("65005", "Laval", "650", "13"),
        ("01042", "Grosse-Île", "010", "11"),
        ("90027", "Lac-Édouard", "900", "04"),
        ("99025", "Chibougamau", "991", "10"),
        ("99060", "Eeyou Istchee Baie-James", "991", "10"),
        ("99095", "Kuujjuaq", "992", "10"),
        ("89008", "Val-d’Or", "890", "08"),
    ],
)
def test_each_city_is_in_its_county_and_region(code, name, county, region):
    city = City.objects.select_related("county__region").get(code=code)
    assert (city.name, city.county.code, city.county.region.code) == (name, county, region)


def test_every_place_is_in_quebec():
    for model in (City, PostalArea):
        strangers = model.objects.exclude(
            latitude__range=(44.9, 62.7), longitude__range=(-79.8, -56.9)
        )
        assert list(strangers) == []
    assert not PostalArea.objects.filter(code="H0H").exists()


def test_the_more_populous_of_two_namesakes_keeps_the_plain_slug():
    shared = City.objects.values("name").annotate(number=Count("pk")).filter(number__gt=1)
    assert len(shared) == 30
    for name in shared.values_list("name", flat=True):
        first, *others = City.objects.filter(name=name).order_by("-population")
        assert first.slug == plain(name)
        assert all(other.slug.startswith(f"{plain(name)}-") for other in others)


@pytest.mark.parametrize(
    ("code", "slug"),
    [
        ("58012", "saint-lambert"),
        ("87120", "saint-lambert-abitibi-ouest"),
        ("31020", "disraeli-paroisse"),  # both in one county: the designation tells them apart
        ("17078", "l-islet"),
    ],
)
def test_a_slug_reads_as_the_name(code, slug):
    assert City.objects.get(code=code).slug == slug


def test_a_city_alone_of_its_name_has_it_for_a_slug():
    shared = City.objects.values("name").annotate(number=Count("pk")).filter(number__gt=1)
    for city in City.objects.exclude(name__in=shared.values("name")):
        assert city.slug == plain(city.name)


def test_categories_out_of_use_are_kept_but_no_longer_offered():
    retired = PurchasingCategory.objects.filter(retired=True)
    assert set(retired.values_list("code", flat=True)) == {
        *("C1", "C03", "G9", "G25", "G29", "I1", "M1", "S12", "S18", "S19")
    }
    kinds = PurchasingCategory.objects.values_list("code", "kind")
    assert {("G15", "goods"), ("S9", "services"), ("C01", "works"), ("Imm1", "other")} <= set(kinds)


@pytest.mark.parametrize("model", [City, Sector, Status, Benefit, PurchasingCategory, Synonym])
def test_what_is_shown_is_typeset_in_french(model):
    shown = {"name", "term", "description"} & {field.name for field in model._meta.fields}
    for text in {text for row in model.objects.values_list(*shown) for text in row}:
        assert not any(mark in text for mark in ("'", "« ", " »", " :", " ;", "  ")), text
        assert text == text.strip()


def test_each_sector_introduces_itself():
    for sector in Sector.objects.all():
        assert sector.description.endswith(".")
        assert sector.origin == Sector.Origin.SEED


def test_loading_again_writes_nothing():
    before = everything()
    with recorded_sql() as statements:
        counts = reference.load()
    assert [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))] == []
    assert everything() == before
    assert all(count.created == count.updated == count.extra == 0 for count in counts)


def test_loading_from_nothing_takes_few_statements(emptied):
    with recorded_sql() as statements:
        reference.load()
    assert City.objects.count() == 1113
    assert len(statements) < 60


def test_what_staff_did_to_a_vocabulary_survives_a_load():
    Sector.objects.filter(slug="alimentation").update(name="Se nourrir", position=990)
    Sector.objects.filter(slug="habitation").update(retired=True, slug="loger")
    Sector.objects.filter(slug="environnement").delete()
    PurchasingCategory.objects.filter(slug="g15").update(name="Aliments", retired=True)
    SynonymGroup.objects.filter(name="traiteur").delete()
    Synonym.objects.filter(term="ménage").delete()
    SynonymGroup.objects.filter(name="piscine").update(name="bain libre")
    before = everything()
    reference.load()
    assert everything() == before


def test_a_word_that_staff_wrote_first_is_theirs(emptied):
    Sector.objects.create(slug="alimentation", name="Manger")
    PurchasingCategory.objects.create(slug="repas", code="G15", name="Repas", kind="goods")
    group = SynonymGroup.objects.create(name="traiteur")
    reference.load()
    assert Sector.objects.get(slug="alimentation").name == "Manger"
    assert PurchasingCategory.objects.get(code="G15").slug == "repas"
    assert not group.terms.exists()
    before = everything()
    reference.load()
    assert everything() == before


def test_places_follow_a_later_edition_but_keep_their_addresses(files):
    def change(rows):
        for row in rows:
            if row["code"] == "58227":
                row |= {"population": "300000", "slug": "grand-longueuil", "website": ""}

    rewrite(files / "cities.csv", change)
    others = City.objects.exclude(code="58227").order_by("pk").values()
    before = list(others)
    counts = {count.label: count for count in reference.load(files)}
    assert counts["municipalités"].updated == 1
    city = City.objects.get(code="58227")
    assert (city.population, city.slug, city.website) == (300_000, "longueuil", "")
    assert list(others) == before


def test_a_city_that_leaves_the_files_stays_and_its_successor_takes_another_address(files):
    def change(rows):
        for row in rows:
            if row["code"] == "58227":
                row["code"] = "58999"

    rewrite(files / "cities.csv", change)
    rewrite(files / "boroughs.csv", lambda rows: [row | {"city": "58999"} for row in rows])
    counts = {count.label: count for count in reference.load(files)}
    assert (counts["municipalités"].created, counts["municipalités"].extra) == (1, 1)
    assert City.objects.get(code="58227").slug == "longueuil"
    assert City.objects.get(code="58999").slug == "longueuil-58999"


def test_a_file_that_makes_no_sense_changes_nothing(files):
    rewrite(files / "regions.csv", lambda rows: [row | {"name": "X"} for row in rows])
    rewrite(files / "cities.csv", lambda rows: [row | {"county": "999"} for row in rows])
    before = everything()
    with pytest.raises(KeyError, match="999"):
        reference.load(files)
    assert everything() == before


def test_the_command_says_what_it_did(capsys):
    City.objects.filter(code="58227").update(population=F("population") + 1)
    City.objects.create(
        code="00001",
        name="Ville-Marie-Disparue",
        slug="ville-marie-disparue",
        designation="Ville",
        latitude=46,
        longitude=-73,
        county=RegionalCounty.objects.get(code="580"),
    )
    call_command("load_reference")
    said = " ".join(capsys.readouterr().out.split())
    assert "créés changés laissés" in said
    assert "municipalités 0 1 1112" in said
    assert "municipalités : 1 gardés, absents des données officielles." in said
