"""Accents that a program read awry before the file was made: seen, said, mended in the basket."""

import pytest

from directory.imports.misread import awry, mended
from directory.models import Enterprise
from directory.resources import EnterpriseResource
from tests.forms import filled
from tests.imports import address

pytestmark = pytest.mark.usefixtures("reference")

SOUND = [
    "Café",
    "L’été à Montréal",
    "Voilà",
    "Œuvre «\xa0Là-bas\xa0»",
    "CAFÉ DE L’ÎLE",
    "À la pêche…",
    "Hôtel “Forêt”",
    "Noël, 12,50\xa0€",
    "• 500 m², 20 m³",
    "10\u2009h\u202f!",
    "Jalapeño, Mövenpick, São Tomé, Núñez",
]


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman"])
@pytest.mark.parametrize("text", SOUND)
def test_french_text_read_awry_is_known_for_what_it_was(text, codec):
    assert mended(text.encode().decode(codec, "ignore")) == text
    # A no-break space at the end of a cell does not come with it.
    assert mended(text.encode().decode(codec, "ignore").strip()) == text


def test_a_cell_is_known_where_it_was_read_awry_twice_or_mended_in_part():
    assert mended("CafÃƒÂ©") == "Café"
    assert mended("CafÃ© de l’Été") == "Café de l’Été"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("voilÃ", "voilà"),
        ("voilÃƒ", "voilà"),
        ("voilÃƒÂ", "voilà"),
        ("â€œCaféâ€, bistrot", "“Café”, bistrot"),
        ("BIENTÃ”T", "BIENTÔT"),
    ],
)
def test_what_lost_its_last_byte_is_known_where_only_one_sign_can_stand(read, text):
    assert mended(read) == text


@pytest.mark.parametrize("text", ["Ãcole", "l’Ãle", "MartÃnez", "Saintâ€Jean", "CafÃ© de l’Ãle"])
def test_what_may_have_been_several_signs_is_seen_and_nothing_is_proposed(text):
    assert awry(text)
    assert mended(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        *SOUND,
        "SÃO PAULO",
        "MAÇÃ",
        "IRMÃ\xa0»",
        "Irmã",
        "CÔTÉ\xa0!",
        "“IRMÔ",
        "IRMÃ\xa0– SOLO",
        "IRMÃ…",
        "GUIMARÃES",
        "JOÃO",
        "Ângela",
        "PÂTÉ",
        "Güell & Söhne",
        "STRAßE",
        "JALAPEÑO",
        "Smørrebrød",
        "«CAFÉ»",
        "Ålesund",
        "√2",
        "d’Âge",
    ],
)
def test_what_is_written_so_is_left_so(text):
    assert not awry(text)


def test_no_name_that_the_site_starts_with_is_taken_for_one_read_awry():
    resource = EnterpriseResource()
    cities = [city.name for city in resource.gazetteer.cities.values()]
    assert [name for name in cities if awry(name)] == []
    assert [name for name in resource.labels.boroughs.values() if awry(name)] == []


def test_a_name_read_awry_is_refused_and_proposed_as_it_was(previewed, curator):
    batch = previewed(
        {"Nom": "CafÃ© de lâ€™Ã‰rable", "Ville": "Longueuil"}, {"Nom": "Café", "Ville": "Brossard"}
    )
    assert (batch.counts["refused"], batch.counts["created"]) == (1, 1)
    page = curator.get(address("change", batch), {"voir": "refused"})
    html = page.content.decode()
    assert "cette case dit sans doute «\xa0Café de l’Érable\xa0»" in html
    assert "Le fichier dit «\xa0CafÃ© de lâ€™Ã‰rable\xa0»" in html
    row = batch.rows.get(outcome="refused")
    sent = filled(page, "import_rows")
    assert sent[f"{row.pk}-name"] == ["Café de l’Érable"]
    curator.post(address("rows", batch) + "?voir=refused", sent)
    curator.post(address("apply", batch))
    assert set(Enterprise.objects.values_list("name", flat=True)) == {"Café", "Café de l’Érable"}


def test_a_name_of_which_too_much_was_lost_is_refused_and_left_to_be_written(previewed, curator):
    batch = previewed({"Nom": "Ãcole du Parc", "Ville": "Longueuil"})
    assert batch.counts["refused"] == 1
    page = curator.get(address("change", batch), {"voir": "refused"})
    html = page.content.decode()
    assert "écrivez ce que cette case devait dire" in html
    assert "dit sans doute" not in html
    row = batch.rows.get()
    sent = filled(page, "import_rows")
    assert sent[f"{row.pk}-name"] == ["Ãcole du Parc"]
    curator.post(
        address("rows", batch) + "?voir=refused", sent | {f"{row.pk}-name": "École du Parc"}
    )
    batch.refresh_from_db()
    assert batch.counts["created"] == 1


def test_a_city_and_a_sector_read_awry_are_proposed_once_for_all_their_rows(previewed, curator):
    batch = previewed(
        *(
            {"Nom": f"Coop {n}", "Ville": "QuÃ©bec", "Secteur": "Arts, culture et mÃ©dias"}
            for n in range(3)
        )
    )
    assert batch.counts["refused"] == 3
    page = curator.get(address("change", batch), {"voir": "refused"})
    asked = page.context["asked"]
    assert [place["proposed"] for place in asked["places"]] == ["Québec"]
    assert [word["proposed"] for word in asked["words"]] == ["arts-culture-medias"]
    curator.post(address("rows", batch) + "?voir=refused", filled(page, "import_rows"))
    batch.refresh_from_db()
    assert batch.counts.get("refused", 0) == 0
    assert batch.rows.filter(corrections={}).count() == 3


def test_a_borough_read_awry_does_not_pass_for_an_unknown_one(previewed):
    batch = previewed({"Nom": "Coop A", "Ville": "Québec", "Arrondissement": "La CitÃ©-Limoilou"})
    (message,) = batch.rows.get().messages
    assert (message["name"], message["kind"]) == ("borough", "refusal")


def test_who_writes_a_name_as_it_was_means_it(previewed, curator):
    batch = previewed({"Nom": "Casa MAÇÃ™", "Ville": "Longueuil"})
    page = curator.get(address("change", batch), {"voir": "refused"})
    sent = filled(page, "import_rows")
    (name,) = [field for field in sent if field.endswith("-name")]
    assert sent[name] != ["Casa MAÇÃ™"]
    curator.post(address("rows", batch) + "?voir=refused", sent | {name: "Casa MAÇÃ™"})
    curator.post(address("apply", batch))
    assert Enterprise.objects.get().name == "Casa MAÇÃ™"
