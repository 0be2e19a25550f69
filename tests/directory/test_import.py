"""What a file does to the directory, from its rows to the database."""

import re

import pytest

from directory.gazetteer import key
from directory.imports import mapping
from directory.imports.bounds import Refused
from directory.imports.entries import Outcome
from directory.imports.mapping import Answers
from directory.imports.run import Import
from directory.models import Enterprise
from directory.resources import EnterpriseResource
from directory.slugs import RESERVED, Slugs
from tests.factories import EnterpriseFactory
from tests.imports import NEQ, NPO, OTHER_NEQ, WRONG_NEQ, row, said

pytestmark = pytest.mark.django_db


# --- New listings


def test_a_new_row_is_a_draft_that_nobody_recognised(imported):
    (entry,) = imported(row(neq=NEQ, Courriel="info@parc.example"))
    made = Enterprise.objects.get()
    assert entry.outcome == Outcome.CREATED
    assert (made.name, made.slug, made.neq) == ("Traiteur du parc", "traiteur-du-parc", NEQ)
    assert (made.state, made.city.name, made.legal_form) == ("draft", "Brossard", "npo")
    assert made.confirmed_on is None
    assert not made.recognitions.exists()
    assert made.provenance == dict.fromkeys(
        ["name", "neq", "city", "legal_form", "email"], "import"
    )


def test_every_column_is_written(imported):
    resource = EnterpriseResource()
    cells = {
        "other_names": "Le Parc | TDP",
        "neq": NEQ,
        "legal_form": "Coop de solidarité",
        "founded_year": "1998",
        "mission": "Nourrir.\nSur place.",
        "description": "Une cuisine.",
        "sectors": "alimentation",
        "statuses": "entreprise-insertion",
        "benefits": "insertion-emploi",
        "offerings": "Boîtes à lunch | Produit : Confitures",
        "size": "12",
        "languages": "français ; anglais",
        "address": "1, rue du Parc",
        "city": "Saint-Hubert",
        "postal_code": "j4k1a1",
        "latitude": "45,5",
        "longitude": "-73,4",
        "phone": "450 555-0123 poste 7",
        "email": "info@parc.example",
        "website": "www.parc.example",
        "contact_name": "Aïcha Fictive",
        "contact_function": "Direction",
        "contact_email": "aicha@parc.example",
        "contact_phone": "450 555-0124",
        "served_regions": "16",
        "served_counties": "Roussillon",
        "served_cities": "Brossard | Saint-Lambert (Longueuil)",
        "permits": "RBQ : 1234-5678-90 : 2027-03-31",
        "insured_amount": "2 000 000 $",
        "smallest_order": "500",
        "largest_order": "25 000",
        "lead_time_days": "10 jours",
        "busy_until": "2027-01-15",
        "accepts_cobidding": "oui",
        "on_seao": "oui",
        "akcelos": "https://akcelos.example/parc",
    }
    headers = {resource.columns[name].label: cell for name, cell in cells.items()}
    (entry,) = imported({"Nom": "Traiteur du parc", **headers})
    assert entry.outcome == Outcome.CREATED, said(entry)
    made = Enterprise.objects.get()
    written = dict(
        zip(
            cells,
            resource.written(
                resource.records([made.pk], seen=["public", "buyers", "staff"])[0], cells
            ),
            strict=True,
        )
    )
    for name, cell in cells.items():
        widget = resource.columns[name].widget
        if name != "city":
            assert widget.clean(written[name]) == widget.clean(cell), name
    assert (made.city.name, made.borough.name) == ("Longueuil", "Saint-Hubert")
    assert (made.phone, made.phone_extension) == ("+14505550123", "7")
    assert made.geo_precision == "exact"
    assert [(row.kind, row.name, row.position) for row in made.offerings.all()] == [
        ("service", "Boîtes à lunch", 1),
        ("product", "Confitures", 2),
    ]


def test_an_address_is_never_given_twice_nor_that_of_a_page(imported):
    imported(row(name="Carte"), row(name="Carte", city="Longueuil"), row(name="Nouvelle"))
    assert set(Enterprise.objects.values_list("slug", flat=True)) == {
        *("carte-brossard", "carte-longueuil", "nouvelle-brossard"),
    }


def test_every_page_beside_the_listings_has_its_address_reserved():
    from directory.urls import urlpatterns

    pages = {
        str(pattern.pattern).removeprefix("entreprises/")
        for pattern in urlpatterns
        if str(pattern.pattern).startswith("entreprises/")
    }
    assert {page[:-1] for page in pages if re.fullmatch(r"[-\w]+/", page)} <= RESERVED


def test_slugs_are_counted_where_name_and_city_are_taken():
    slugs = Slugs(set())
    assert [slugs.new("Épicerie", "longueuil") for _ in range(3)] == [
        *("epicerie", "epicerie-longueuil", "epicerie-longueuil-2"),
    ]


@pytest.mark.parametrize("name", ["_", "a_b", "a" * 49 + " b" * 30, "L’été -- « ici »", "–"])
def test_an_address_is_words_parted_by_one_hyphen(name):
    slugs = Slugs(set())
    for _ in range(3):
        slug = slugs.new(name, "notre-dame-" * 6)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        assert len(slug) <= 100


# --- Who is who


@pytest.mark.parametrize(
    "cells",
    [
        {"Fiche": "traiteur", "Nom": "Autre nom"},
        {"NEQ": NEQ, "Nom": "Autre nom", "Ville": "Québec"},
        {"Nom": "TRAITEUR  solidaire"},
        {"Nom": "Le Bon Traiteur"},  # its other name
    ],
)
def test_a_listing_is_recognised(imported, cells):
    listed = EnterpriseFactory(
        name="Traiteur solidaire", slug="traiteur", neq=NEQ, other_names=["Le bon traiteur"]
    )
    (entry,) = imported({"Nom": "", "Ville": "Longueuil"} | cells)
    assert entry.pk == listed.pk
    assert Enterprise.objects.count() == 1


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Nom": "Traiteur Solidair"}, "nom proche dans la même ville"),
        ({"Nom": "Traiteur solidaire inc."}, "nom proche dans la même ville"),
        ({"Nom": "Autre", "Téléphone": "450 555-0123"}, "même téléphone"),
        ({"Nom": "Autre", "Site web": "http://traiteur.example/"}, "même site web"),
        ({"NEQ": OTHER_NEQ}, "même nom dans la même ville, mais un autre NEQ"),
    ],
)
def test_what_resembles_a_listing_is_asked_of_a_person(imported, cells, reason):
    EnterpriseFactory(
        name="Traiteur solidaire",
        slug="traiteur",
        neq=NEQ,
        phone="+14505550123",
        website="https://www.traiteur.example",
    )
    (entry,) = imported({"Nom": "Traiteur solidaire", "Ville": "Longueuil"} | cells)
    assert entry.outcome == Outcome.PROPOSED
    assert f"«\xa0Traiteur solidaire\xa0» (traiteur) ({reason}" in said(entry)
    assert "écrivez «\xa0traiteur\xa0» si c’est elle, «\xa0nouvelle\xa0» sinon" in said(entry)
    assert Enterprise.objects.count() == 1


def test_the_answer_is_written_in_the_file(imported):
    listed = EnterpriseFactory(name="Traiteur solidaire", slug="traiteur")
    cells = {"Nom": "Traiteur Solidair", "Ville": "Longueuil"}
    (entry,) = imported(cells | {"Fiche": "traiteur"})
    assert entry.pk == listed.pk
    (entry,) = imported(cells | {"Fiche": "Nouvelle"})
    assert entry.outcome == Outcome.CREATED


def test_numbered_companies_are_not_alike(imported):
    outcomes = imported(row(name="9325-6527 Québec inc."), row(name="9325-6528 Québec inc."))
    assert [entry.outcome for entry in outcomes] == [Outcome.CREATED] * 2


def test_a_row_that_repeats_another_is_named_with_it(imported):
    entries = imported(
        row(neq=NEQ),
        row(neq=NEQ, name="Autre nom"),  # same NEQ
        row(),  # same name and city
        row(name="Traiteur du Park"),  # close
        row(neq=NEQ),  # word for word
    )
    assert [entry.outcome for entry in entries] == [
        *(Outcome.CREATED, Outcome.PROPOSED, Outcome.PROPOSED, Outcome.PROPOSED, Outcome.LEFT),
    ]
    assert [entry.row for entry in entries] == [2, 3, 4, 5, 6]
    assert "Déjà à la ligne 2" in said(entries[1])
    assert "Déjà à la ligne 2" in said(entries[2])
    assert "la ligne 2" in said(entries[3])
    assert Enterprise.objects.count() == 1


def test_what_repeats_a_row_left_to_a_person_is_left_to_one_too(imported):
    EnterpriseFactory(name="Traiteur des parcs", slug="parcs", phone="+14505550123")
    cells = row(Téléphone="450 555-0123")
    first, second = imported(cells, cells)
    assert first.outcome == second.outcome == Outcome.PROPOSED
    assert "mot pour mot" in said(second)


def test_an_address_and_a_neq_of_two_listings_are_refused(imported):
    EnterpriseFactory(slug="une", neq=NEQ)
    EnterpriseFactory(slug="autre", neq=OTHER_NEQ)
    (entry,) = imported(row(neq=OTHER_NEQ, Fiche="une"))
    assert entry.outcome == Outcome.REFUSED
    assert "corrigez l’un des deux" in said(entry)


def test_an_archived_listing_is_not_changed_by_a_file(imported):
    EnterpriseFactory(archived=True, neq=NEQ, name="Fermée", provenance={"name": "import"})
    (entry,) = imported(row(neq=NEQ, name="Rouverte", city="Longueuil"))
    assert entry.outcome == Outcome.PROPOSED
    assert "archivée" in said(entry)
    assert Enterprise.objects.get().name == "Fermée"
    (entry,) = imported(row(neq=NEQ, name="Fermée", city="Longueuil"))
    assert entry.outcome == Outcome.LEFT


# --- Refusals


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"Nom": ""}, "Nom\xa0: Le nom manque"),
        ({"Ville": "CP 368"}, "Ville («\xa0CP 368\xa0»)\xa0: C’est une case postale"),
        ({"Ville": "Ottawa, ON"}, "hors du Québec"),
        ({"Ville": ""}, "Ville\xa0: La municipalité manque"),
        (
            {"Ville": "Saint-Lambert"},
            "Ville («\xa0Saint-Lambert\xa0»)\xa0: Plusieurs municipalités",
        ),
        ({"NEQ": "12"}, "NEQ («\xa012\xa0»)\xa0: Un NEQ compte 10 chiffres"),
        ({"Courriel": "à venir"}, "Courriel («\xa0à venir\xa0»)\xa0: Écrivez un seul courriel"),
        ({"Secteur": "zzz"}, "Secteur («\xa0zzz\xa0»)"),
        ({"Nom": "x" * 201}, "201 caractères, 200 au plus"),
        ({"Latitude": "45,5"}, "latitude et longitude vont ensemble"),
        ({"Courriel du contact": "a@b.example"}, "une personne-ressource a un nom"),
        ({"Commande minimale": "10", "Commande maximale": "5"}, "dépasse la plus grande"),
        ({"Mission": "caf\ufffd"}, "un caractère n’est pas lisible"),
        ({"Courriel": "#REF!"}, "cette formule ne donne rien"),
        ({"Services": "a|" * 2_001}, "2001 éléments dans une case"),
    ],
)
def test_a_refusal_names_the_column_the_value_and_what_to_do(imported, cells, message):
    (entry,) = imported(row() | cells)
    assert entry.outcome == Outcome.REFUSED
    assert message.lower() in said(entry).lower()
    assert not Enterprise.objects.exists()


def test_a_row_without_a_legal_form_says_how_to_give_one_to_all(imported):
    (entry,) = imported(row(), answers=None)
    assert "--default legal_form=npo" in said(entry)


def test_all_that_is_wrong_with_a_row_is_said_at_once(imported):
    (entry,) = imported(row(neq="12", Courriel="non", city="Nulle part"))
    assert len([m for m in entry.messages if m.kind == "refusal"]) == 3


def test_a_row_with_more_cells_than_headers_is_refused(reference, tmp_path):
    path = tmp_path / "large.csv"
    path.write_text("Nom,Ville\nA,Brossard\nB,Brossard," + "x," * 10_000)
    entries = []
    summary = Import(path, NPO).preview(each=entries.append)
    assert summary.counts[Outcome.REFUSED] == 1
    assert "10" in said(entries[1])
    assert "séparateur de trop" in said(entries[1])


def test_refused_rows_stop_the_whole_unless_skipped(imported):
    rows = [row(), row(name="Autre", city="Nulle part")]
    with pytest.raises(Refused):
        imported(*rows, skip_refused=False)
    assert not Enterprise.objects.exists()
    imported(*rows, skip_refused=True)
    assert Enterprise.objects.count() == 1


def test_a_name_that_begins_as_a_formula_is_a_warning(imported):
    (entry,) = imported(row(name="=CONCATENER(A2;B2)"))
    assert entry.outcome == Outcome.CREATED
    assert "commence comme une formule" in said(entry)


def test_a_neq_that_fails_its_check_is_a_warning(imported):
    (entry,) = imported(row(neq=WRONG_NEQ))
    assert entry.outcome == Outcome.CREATED
    assert "faute de frappe" in said(entry)


@pytest.mark.parametrize("nothing", ["-", "N/A", "s.o.", "?"])
def test_a_cell_that_says_there_is_nothing_is_empty(imported, nothing):
    (entry,) = imported(row(neq=nothing, Courriel=nothing, Téléphone=nothing))
    assert entry.outcome == Outcome.CREATED, said(entry)


# --- Columns


def test_columns_are_guessed_from_their_usual_names(reference):
    headers = ["Nom de l’organisme", "VILLE", "No NEQ", "Tél.", "Courrriel", "Remarques", "Région"]
    assert mapping.guessed(["NEQ (si connu)"], EnterpriseResource()) == {"NEQ (si connu)": "neq"}
    found = mapping.layout(headers, Answers(), EnterpriseResource())
    assert found.headers == {
        "name": "Nom de l’organisme",
        "city": "VILLE",
        "neq": "No NEQ",
        "phone": "Tél.",
        "email": "Courrriel",
    }
    assert found.unread == [("Remarques", "inconnue"), ("Région", "pour information")]


def test_a_mapping_prevails_over_what_is_guessed(imported):
    answers = Answers(
        columns={key("Adresse de courriel"): "email", key("Description"): None},
        constants={"legal_form": "npo"},
        places={key("Chicoutimi"): "94068"},
    )
    cells = {"Adresse de courriel": "a@b.example", "Description": "interne"}
    (entry,) = imported(row(city="CHICOUTIMI", **cells), answers=answers)
    made = Enterprise.objects.get(pk=entry.pk)
    assert (made.email, made.description, made.city.name) == ("a@b.example", "", "Saguenay")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "objet JSON"),
        ("{", "objet JSON"),
        ("[" * 100_000, "objet JSON"),
        ('{"autre": {}}', "objet JSON"),
        ('{"columns": {"Nom": "nom"}}', "«\xa0nom\xa0» n’est pas une colonne"),
        ('{"constants": {"name": "x"}}', "«\xa0name\xa0» n’est pas une colonne"),
    ],
)
def test_a_mapping_that_cannot_be_read_is_refused(reference, tmp_path, content, said):
    path = tmp_path / "m.json"
    path.write_text(content)
    with pytest.raises(Refused, match=said):
        mapping.read(path, EnterpriseResource())


def test_a_default_value_that_does_not_fit_is_refused(imported):
    with pytest.raises(Refused, match="zzz"):
        imported(row(), answers=Answers(constants={"legal_form": "zzz"}))


def test_a_file_without_any_name_is_refused(reference, file):
    with pytest.raises(Refused, match="nom des entreprises"):
        Import(file({"Ville": "Brossard", "Courriel": "a@b.example"}))
