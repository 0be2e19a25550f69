"""What is asked once of a file, for all its rows; columns known by their cells; a file taken up."""

import pytest

from directory.imports import batches, mapping, undoing
from directory.models import Enterprise, ImportBatch, SavedMapping
from directory.resources import EnterpriseResource
from tests.factories import EnterpriseFactory
from tests.forms import filled
from tests.imports import NEQ, address

pytestmark = pytest.mark.usefixtures("reference")


def page(client, batch, tab="refused"):
    return client.get(address("change", batch), {"voir": tab})


def told(client, batch, **said):
    """Sends back the page of rows to correct with these answers, « resto » being asked of."""
    shown = page(client, batch)
    sent = filled(shown, "import_rows")
    places = [one["name"] for one in shown.context["asked"]["places"]]
    words = [one["written"] for one in shown.context["asked"]["words"]]
    for written, answer in said.pop("places", {}).items():
        sent["is"][places.index(written)] = answer
    for written, answer in said.pop("words", {}).items():
        sent["so"][words.index(written)] = answer
    response = client.post(address("rows", batch) + "?voir=refused", sent | said, follow=True)
    batch.refresh_from_db()
    return response.content.decode()


def row(**cells):
    return {"Nom": "Coop A", "Ville": "Longueuil"} | cells


# --- Answered once


def test_what_is_in_no_list_is_asked_once_and_answered_for_all_its_rows(previewed, curator):
    batch = previewed(
        *(row(Nom=f"Coop {n}", Secteur="resto ; alimentation", Taille="") for n in range(30)),
        row(Nom="Coop A", Secteur="RESTO", Taille="une vingtaine"),
    )
    assert batch.counts["refused"] == 31
    sector, size = page(curator, batch).context["asked"]["words"]
    assert (sector["written"], sector["number"], size["written"]) == ("resto", 31, "une vingtaine")
    told(curator, batch, words={"resto": "loisirs-tourisme", "une vingtaine": "20-49"})
    assert batch.counts.get("refused", 0) == 0
    curator.post(address("apply", batch))
    made = Enterprise.objects.get(name="Coop A")
    assert (made.size, list(made.sectors.values_list("slug", flat=True))) == (
        "20-49",
        ["loisirs-tourisme"],
    )
    assert Enterprise.objects.get(name="Coop 3").sectors.count() == 2


def test_a_close_word_is_proposed_and_chosen_a_far_one_is_not(previewed, curator):
    batch = previewed(
        row(Secteur="Alimentations", Statut=""), row(Nom="Coop B", Secteur="zigonnage", Statut="")
    )
    words = page(curator, batch).context["asked"]["words"]
    close, far = sorted(words, key=lambda one: one["written"])
    assert (close["proposed"], far["proposed"]) == ("alimentation", "")
    html = told(curator, batch)
    assert batch.answers["sectors"] == {"alimentations": "alimentation"}
    assert batch.counts["refused"] == 1
    assert "réponse donnée" in html


def test_an_answer_may_leave_the_cell_empty_and_be_taken_back(previewed, curator):
    batch = previewed(row(Secteur="zigonnage"))
    told(curator, batch, words={"zigonnage": batches.EMPTY})
    assert batch.counts["created"] == 1
    told(curator, batch, forget=["sectors:zigonnage"])
    assert batch.counts["refused"] == 1


def test_cells_that_nothing_needs_are_left_empty_all_at_once(previewed, curator):
    batch = previewed(
        *(row(Nom=f"Coop {n}", Courriel="pas un courriel", NEQ="") for n in range(3)),
        row(Nom="Coop N", Courriel="", NEQ="12"),
    )
    html = told(curator, batch, empty=["email"])
    assert batch.counts["refused"] == 1
    assert "laisser vide la case qui n’est pas lisible (1 ligne)" in html
    curator.post(address("apply", batch))
    assert set(Enterprise.objects.values_list("email", flat=True)) == {""}


def test_one_bad_cell_is_left_empty_by_itself(previewed, curator):
    batch = previewed(*(row(Nom=f"Coop {n}", Courriel="x") for n in range(2)))
    first = batch.rows.order_by("number").first()
    html = page(curator, batch).content.decode()
    assert html.count("laisser cette case vide") == 2
    told(curator, batch, **{f"{first.pk}-email": ["x", ""]})
    assert batch.counts["refused"] == 1


def test_the_name_is_never_left_empty_nor_what_is_no_column(previewed, curator):
    batch = previewed(row(Secteur="zigonnage"))
    told(
        curator,
        batch,
        empty=["name", "slug", "city", "truc", "url", "sectors"],
        of=["sectors:zigonnage", "phone:x", "truc:x"],
        so=["n’existe pas", "y", "z"],
    )
    assert {name: said for name, said in batch.answers.items() if said} == {}
    assert batch.counts["refused"] == 1


def test_answers_are_kept_with_the_mapping_for_the_next_file(previewed, curator):
    kept = {"save_as": "Liste du Pôle"}
    batch = previewed(row(Secteur="resto", Ville="Chicoutimi-Nord"), columns=kept)
    told(
        curator, batch, words={"resto": "loisirs-tourisme"}, places={"Chicoutimi-Nord": "Saguenay"}
    )
    assert SavedMapping.objects.get().answers["sectors"] == {"resto": "loisirs-tourisme"}
    again = previewed(row(Nom="Coop B", Secteur="Resto", Ville="Chicoutimi-Nord"))
    assert again.counts["created"] == 1
    other = previewed(
        row(Nom="Coop C", Secteur="resto", Ville="Longueuil"), columns={"save_as": ""}
    )
    assert other.counts["refused"] == 1


def test_an_answer_that_is_no_municipality_is_said_and_not_kept(previewed, curator):
    batch = previewed(row(Ville="Chicoutimi-Nord"))
    html = told(curator, batch, places={"Chicoutimi-Nord": "Nulleparville"})
    assert "Nulleparville" in html
    assert "à refaire" in html
    assert batch.places == {}


# --- Chosen in a row by itself


def choices(shown, name):
    """Of the only row of this page: the row, and the choices of its cell."""
    (item,) = shown.context["rows"]
    (field,) = [field for field in item["wrong"] if field["name"] == name]
    return item["row"], field["choices"]


def test_a_legal_form_that_is_missing_or_unknown_is_chosen_among_ours(previewed, curator):
    batch = previewed(row(Type="Coop", NEQ=""), columns={"column-2": "legal_form"})
    shown = page(curator, batch)
    one, (choice,) = choices(shown, "legal_form")
    assert "«\xa0Coop\xa0», à remplacer" in shown.content.decode()
    assert filled(shown, "import_rows")[f"{one.pk}-legal_form"] == ["Coop"]
    names = [name for _value, name in [*choice["likely"], *choice["others"]]]
    assert sorted(names) == sorted(Enterprise.LegalForm.labels)
    told(curator, batch, **{f"{one.pk}-legal_form": str(Enterprise.LegalForm.COOP_WORKER.label)})
    assert batch.counts["created"] == 1

    batch = previewed(row(Nom="Coop B"), columns={"legal_form": ""})
    shown = page(curator, batch)
    one, (choice,) = choices(shown, "legal_form")
    assert choice["said"] == ""
    told(curator, batch, **{f"{one.pk}-legal_form": str(Enterprise.LegalForm.MUTUAL.label)})
    curator.post(address("apply", batch))
    assert Enterprise.objects.get().legal_form == "mutual"


def test_only_an_empty_cell_that_is_wrong_has_to_be_chosen(previewed, curator):
    sound = previewed(row(Nom="Coop A", Taille=""), columns={"column-2": "size"})
    for batch, tab, first in (
        (sound, "created", "rien"),
        (previewed(row(Nom="Coop B"), columns={"legal_form": ""}), "refused", "à choisir"),
    ):
        html = curator.get(address("change", batch), {"voir": tab}).content.decode()
        assert f'<option value="">{first}</option>' in html
        assert html.count("à choisir</option>") == (first == "à choisir")


def test_of_several_sectors_the_one_that_is_unknown_is_chosen_again(previewed, curator):
    batch = previewed(row(Secteur="alimentation ; resto", Statut=""))
    one, (known, unknown, more) = choices(page(curator, batch), "sectors")
    assert [known["wrong"], unknown["wrong"], more["said"]] == [False, True, ""]
    (leisure,) = [
        value
        for value, name in [*unknown["likely"], *unknown["others"]]
        if name.startswith("Loisirs")
    ]
    told(curator, batch, **{f"{one.pk}-sectors[]": ["alimentation", leisure, ""]})
    curator.post(address("apply", batch))
    assert set(Enterprise.objects.get().sectors.values_list("slug", flat=True)) == {
        "alimentation",
        "loisirs-tourisme",
    }


def test_what_is_not_chosen_is_no_correction(previewed, curator):
    batch = previewed(row(Secteur="alimentation ; resto", Type="Coop", Sert="peut-être"))
    told(curator, batch)
    assert batch.rows.get().corrections == {}


def test_a_city_is_chosen_among_all_of_them(previewed, curator):
    batch = previewed(row(Ville=""))
    html = page(curator, batch).content.decode()
    assert 'list="cities"' in html
    assert '<option value="Saint-Lambert (Longueuil)">' in html
    assert "<datalist" not in page(curator, previewed(row(NEQ="12"))).content.decode()


# --- Municipalities of the site


def test_of_homonyms_that_of_the_site_is_proposed_first_and_chosen(previewed, curator):
    batch = previewed(row(Ville="ST-LAMBERT"), row(Nom="Coop B", Ville="St-Bruno"))
    places = page(curator, batch).context["asked"]["places"]
    lambert, bruno = sorted(places, key=lambda one: one["name"])
    assert lambert["proposed"] == lambert["may_be"][0] == "Saint-Lambert (Longueuil)"
    assert bruno["proposed"] == bruno["may_be"][0] == "Saint-Bruno-de-Montarville"
    assert batch.counts["refused"] == 2
    told(curator, batch)
    assert batch.counts["created"] == 2


def test_a_list_said_to_be_of_the_territory_is_read_without_asking_and_says_so(previewed, curator):
    batch = previewed(
        row(Ville="ST-LAMBERT"),
        row(Nom="Coop B", Ville="St-Bruno"),
        row(Nom="Coop C", Ville="Longeuil"),
        columns={"here": "on"},
    )
    assert (batch.counts["created"], batch.counts["refused"]) == (2, 1)
    html = page(curator, batch, "created").content.decode()
    assert "Saint-Bruno-de-Montarville\xa0», puisque la liste est du territoire" in html
    curator.post(address("apply", batch))
    assert set(Enterprise.objects.values_list("city__code", flat=True)) == {"58012", "58037"}


def test_a_row_that_says_its_county_is_not_taken_for_the_site(previewed):
    batch = previewed(row(Ville="Saint-Lambert", MRC="Abitibi-Ouest"), columns={"here": "on"})
    assert batch.rows.get().messages == []


# --- Columns and their usual spellings


@pytest.mark.parametrize(
    ("heading", "cells", "column"),
    [
        ("Type", ["OBNL", "Coop de travail", "Coop"], "legal_form"),
        ("Type", ["urbain", "rural"], None),
        ("Activités", ["Traiteur", "Buanderie"], "offerings"),
        ("Téléphone principal", ["450 555-0100"], "phone"),
        ("Coordonnées", ["450 555-0100", "450 555-0101"], "phone"),
        ("Pour écrire", ["a@exemple.test"], "email"),
        ("Où", ["St-Lambert", "Longueuil", "Brossard"], "city"),
        ("Divers", ["12", "15"], None),
        ("Région", ["Montérégie"], None),
    ],
)
def test_a_column_is_known_by_its_heading_or_its_cells(heading, cells, column):
    found = mapping.guessed(["Nom", heading], EnterpriseResource(), [["A", "B"], cells])
    assert found == {"Nom": "name", heading: column}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("OBNL", "npo"),
        ("O.S.B.L.", "npo"),
        ("COOP de travail", "coop_worker"),
        ("coop de solidarité", "coop_solidarity"),
        ("Coop. producteurs", "coop_producer"),
        ("mutuelle", "mutual"),
    ],
)
def test_usual_spellings_of_legal_forms_are_read_without_asking(text, form):
    assert EnterpriseResource().columns["legal_form"].widget.clean(text) == form


def test_a_range_within_one_of_ours_is_read():
    size = EnterpriseResource().columns["size"].widget
    assert (size.clean("5 à 10"), size.clean("6-12"), size.reads("10 à 30")) == (
        *("5-19", "5-19"),
        False,
    )


# --- Two that may be one


def test_both_sides_of_a_likeness_are_shown_without_addresses_of_listings(previewed, curator):
    EnterpriseFactory(
        name="Coop du parc", slug="coop-du-parc-xyz", phone="+14505550001", address="1, rue du Parc"
    )
    batch = previewed(
        {"Nom": "La coop du Parcs", "Ville": "Longueuil", "Tél": "450 555-0002", "NEQ": NEQ}
    )
    shown = page(curator, batch, "proposed")
    (item,) = shown.context["rows"]
    lines = {line["label"]: line["said"] for line in item["compared"]}
    assert lines["Téléphone"] == ["450 555-0002", "450\xa0555-0001"]
    assert lines["Adresse"] == ["", "1, rue du Parc"]
    html = shown.content.decode()
    assert "coop-du-parc-xyz" not in html.replace('value="=coop-du-parc-xyz"', "")


# --- Taken up again


def test_a_file_undone_is_taken_up_with_its_corrections_once(applied, curator):
    batch = applied(row(NEQ="123", Secteur=""), row(Nom="Coop B", NEQ="", Secteur="resto"))
    first = batch.rows.order_by("number").first()
    told(curator, batch, **{f"{first.pk}-neq": NEQ}, words={"resto": "loisirs-tourisme"})
    assert Enterprise.objects.count() == 2
    undoing.undo(pk=batch.pk, by=curator.user)
    assert "Reprendre ce fichier" in page(curator, batch).content.decode()
    addresses = {curator.post(address("take_up", batch)).url for _ in range(2)}
    assert len(addresses) == 1
    again = ImportBatch.objects.latest("pk")
    assert (again.state, again.counts["created"]) == ("read", 2)
    curator.post(address("apply", again))
    assert Enterprise.objects.filter(neq=NEQ).count() == 1


def test_only_an_import_undone_is_taken_up(applied, curator):
    batch = applied(row())
    curator.post(address("take_up", batch))
    assert ImportBatch.objects.count() == 1
