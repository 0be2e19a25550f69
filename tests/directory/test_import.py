"""What a file does to the directory, from its rows to the database."""

import csv
import io
from pathlib import Path
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory import integrity
from directory.imports import mapping
from directory.imports.entries import Outcome
from directory.imports.files import Refused
from directory.imports.mapping import Answers
from directory.imports.places import key
from directory.imports.run import Import
from directory.models import (
    Certification,
    City,
    Contact,
    Enterprise,
    Offering,
    Permit,
)
from directory.resources import EnterpriseResource
from directory.slugs import RESERVED, Slugs
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    CityFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    StatusFactory,
)

pytestmark = pytest.mark.django_db
SUPPLIERS = Path(__file__).parent / "data" / "suppliers.csv"
NPO = Answers(constants={"legal_form": "npo"})
NEQ, OTHER_NEQ, WRONG_NEQ = "1147627393", "1143453513", "1147627394"


@pytest.fixture
def file(tmp_path):
    """Writes these rows, dicts of header → cell, as a file."""

    def written(*rows):
        headers = list(dict.fromkeys(header for row in rows for header in row))
        content = io.StringIO()
        writer = csv.DictWriter(content, headers)
        writer.writeheader()
        writer.writerows(rows)
        path = tmp_path / "fichier.csv"
        path.write_text(content.getvalue(), encoding="utf-8")
        return path

    return written


@pytest.fixture
def imported(file, reference):
    """Imports these rows; gives what became of each."""

    def run(*rows, answers=NPO, skip_refused=True):
        work = Import(file(*rows), answers)
        entries = []
        work.apply(work.preview(), skip_refused=skip_refused, each=entries.append)
        return entries

    return run


def said(entry):
    return " / ".join(map(str, entry.messages))


def row(**cells):
    named = {"name": "Nom", "city": "Ville", "neq": "NEQ"}
    return {"Nom": "Traiteur du parc", "Ville": "Brossard"} | {
        named.get(name, name): value for name, value in cells.items()
    }


def data_version():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT version FROM directory_version")
        return cursor.fetchone()[0]


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
        str(pattern.pattern).split("/")[1]
        for pattern in urlpatterns
        if str(pattern.pattern).startswith("entreprises/")
    }
    assert {page for page in pages if page and "<" not in page} <= RESERVED


def test_slugs_are_counted_where_name_and_city_are_taken():
    slugs = Slugs(set())
    assert [slugs.new("Épicerie", "longueuil") for _ in range(3)] == [
        *("epicerie", "epicerie-longueuil", "epicerie-longueuil-2"),
    ]


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


# --- What prevails


@pytest.mark.parametrize(
    ("provenance", "phone", "becomes"),
    [
        ({"phone": "import"}, "+14505550001", "+14505550123"),
        ({"phone": "staff"}, "+14505550001", "+14505550001"),
        ({"phone": "owner"}, "+14505550001", "+14505550001"),
        ({"phone": "owner"}, "", ""),
        ({}, "+14505550001", "+14505550001"),
        ({}, "", "+14505550123"),
    ],
)
def test_a_file_never_replaces_what_a_person_said(imported, provenance, phone, becomes):
    listed = EnterpriseFactory(name="Traiteur du parc", phone=phone, provenance=provenance)
    (entry,) = imported(row(city="Longueuil", Téléphone="450 555-0123"))
    listed.refresh_from_db()
    assert listed.phone == becomes
    changed = becomes != phone
    assert listed.version == 1 + changed
    assert entry.outcome == (Outcome.UPDATED if changed else Outcome.LEFT)
    if changed:
        assert listed.provenance["phone"] == "import"
    else:
        assert "Téléphone («\xa0450 555-0123\xa0»)\xa0: Gardé" in said(entry)


def test_an_empty_cell_and_an_absent_column_leave_what_is_there(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        mission="Nourrir",
        email="info@parc.example",
        provenance={"mission": "import", "email": "import"},
    )
    OfferingFactory(enterprise=listed)
    before = Enterprise.objects.values().get()
    (entry,) = imported(row(city="Longueuil", Mission="", **{"Produits et services": ""}))
    assert entry.outcome == Outcome.LEFT
    assert Enterprise.objects.values().get() == before
    assert Offering.objects.count() == 1


def test_the_default_value_is_for_new_listings_only(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", legal_form="mutual", provenance={"legal_form": "import"}
    )
    (entry,) = imported(row(city="Longueuil"))
    listed.refresh_from_db()
    assert (entry.outcome, listed.legal_form) == (Outcome.LEFT, "mutual")


def test_statuses_and_benefits_that_stay_keep_what_else_is_known_of_them(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", provenance={"statuses": "import", "benefits": "import"}
    )
    kept = CertificationFactory(enterprise=listed, number="EI-7", issuer="Collectif")
    CertificationFactory(enterprise=listed, status=StatusFactory(slug="cpe"))
    evidence = EnterpriseBenefitFactory(
        enterprise=listed, benefit=BenefitFactory(slug="lien-social")
    )
    imported(
        row(
            city="Longueuil",
            Statuts="entreprise-insertion | entreprise-adaptee",
            Bienfaits="lien-social | environnement",
        )
    )
    assert {row.status.slug for row in listed.certifications.all()} == {
        *("entreprise-insertion", "entreprise-adaptee"),
    }
    assert Certification.objects.get(pk=kept.pk).issuer == "Collectif"
    assert listed.enterprisebenefit_set.get(pk=evidence.pk).evidence == "Douze parcours par année."


def test_offerings_that_stay_keep_their_description_category_and_territory(imported):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"offerings": "import"})
    kept = OfferingFactory(
        enterprise=listed, name="Boîtes à lunch", kind="product", description="!"
    )
    kept.served_cities.add(CityFactory())
    OfferingFactory(enterprise=listed, name="Abandonné", position=1)
    (entry,) = imported(
        row(city="Longueuil", **{"Produits et services": "Buffets | BOITES A LUNCH"})
    )
    assert entry.outcome == Outcome.UPDATED
    assert [(row.name, row.kind) for row in listed.offerings.all()] == [
        *(("Buffets", "service"), ("Boîtes à lunch", "product")),
    ]
    kept.refresh_from_db()
    assert kept.description == "!"
    assert kept.served_cities.count() == 1


def test_permits_are_made_those_of_the_file(imported):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"permits": "import"})
    kept = PermitFactory(enterprise=listed)
    PermitFactory(enterprise=listed, kind="MAPAQ", number="1")
    imported(row(city="Longueuil", Permis="RBQ : 1234-5678-90 | MAPAQ : 2"))
    assert Permit.objects.filter(pk=kept.pk).exists()
    assert {(row.kind, row.number) for row in listed.permits.all()} == {
        *(("RBQ", "1234-5678-90"), ("MAPAQ", "2")),
    }


PERSON = {"Personne-ressource": "aicha  FICTIVE", "Courriel du contact": "autre@traiteur.example"}


def test_a_person_is_completed_and_never_removed(imported):
    listed = EnterpriseFactory(name="Traiteur du parc")
    ContactFactory(enterprise=listed, email="", function="")
    ContactFactory(enterprise=listed, name="Bob Fictif")
    (entry,) = imported(row(city="Longueuil", **PERSON, Fonction="Gérance"))
    assert entry.outcome == Outcome.UPDATED
    assert {(row.name, row.email, row.function) for row in Contact.objects.all()} == {
        ("Aïcha Fictive", "autre@traiteur.example", "Gérance"),
        ("Bob Fictif", "aicha@traiteur.example", "Direction générale"),
    }


def test_what_is_known_of_a_person_is_not_replaced_nor_another_put_beside(imported):
    listed = EnterpriseFactory(name="Traiteur du parc")
    ContactFactory(enterprise=listed)
    entries = imported(row(city="Longueuil", **PERSON))
    entries += imported(row(city="Longueuil", **PERSON | {"Personne-ressource": "Zoé Nouvelle"}))
    assert [entry.outcome for entry in entries] == [Outcome.LEFT] * 2
    assert "Gardé «\xa0aicha@traiteur.example\xa0»" in said(entries[0])
    assert "Gardé «\xa0Aïcha Fictive\xa0»" in said(entries[1])
    assert Contact.objects.count() == 1


def test_a_new_city_takes_its_borough_away(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", neq=NEQ, provenance={"city": "import", "name": "import"}
    )
    imported(row(neq=NEQ, city="Saint-Hubert"))
    listed.refresh_from_db()
    assert listed.borough.name == "Saint-Hubert"
    imported(row(neq=NEQ, city="Brossard"))
    listed.refresh_from_db()
    assert (listed.city.name, listed.borough) == ("Brossard", None)


def test_a_shared_name_of_place_is_that_where_the_listing_is(imported):
    saint_lambert = City.objects.get(code="58012")
    EnterpriseFactory(name="Traiteur du parc", neq=NEQ, city=saint_lambert)
    (entry,) = imported(row(neq=NEQ, city="SAINT-LAMBERT"))
    assert entry.outcome == Outcome.LEFT, said(entry)


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


def test_a_neq_that_fails_its_check_is_a_warning(imported):
    (entry,) = imported(row(neq=WRONG_NEQ))
    assert entry.outcome == Outcome.CREATED
    assert "faute de frappe" in said(entry)


@pytest.mark.parametrize("nothing", ["-", "N/A", "s.o.", "?"])
def test_a_cell_that_says_there_is_nothing_is_empty(imported, nothing):
    (entry,) = imported(row(neq=nothing, Courriel=nothing, Téléphone=nothing))
    assert entry.outcome == Outcome.CREATED, said(entry)


def test_what_staff_write_between_the_two_readings_is_seen(reference, file):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"phone": "import"})
    work = Import(file(row(city="Longueuil", Téléphone="450 555-0123")), NPO)
    planned = work.preview()
    assert planned.counts[Outcome.UPDATED] == 1
    Enterprise.objects.update(phone="+14505550001", provenance={"phone": "staff"})
    done = work.apply(planned)
    listed.refresh_from_db()
    assert (done.counts[Outcome.LEFT], listed.phone) == (1, "+14505550001")


def test_a_listing_made_between_the_two_readings_stops_the_import(reference, file):
    work = Import(file(row(neq=NEQ, Téléphone="450 555-0123")), NPO)
    planned = work.preview()
    listed = EnterpriseFactory(neq=NEQ)
    with pytest.raises(Refused, match="Recommencez"):
        work.apply(planned)
    listed.refresh_from_db()
    assert listed.phone == ""


def test_what_staff_change_in_the_admin_is_theirs(reference, superuser, imported):
    from django.urls import reverse

    from tests.forms import filled

    imported(row(Téléphone="450 555-0001", Services="Repas"))
    made = Enterprise.objects.get()
    page = reverse("admin:directory_enterprise_change", args=[made.pk])
    data = filled(superuser.get(page), "enterprise_form")
    response = superuser.post(page, data | {"phone": "450 555-0002", "offerings-0-name": "Buffets"})
    assert response.status_code == 302
    made.refresh_from_db()
    assert (made.provenance["phone"], made.provenance["offerings"]) == ("staff", "staff")
    assert made.provenance["city"] == "import"
    (entry,) = imported(row(Téléphone="450 555-0003", Services="Repas"))
    assert entry.outcome == Outcome.LEFT
    assert "écrit par le Pôle" in said(entry)


# --- Columns


def test_columns_are_guessed_from_their_usual_names(reference):
    headers = ["Nom de l’organisme", "VILLE", "No NEQ", "Tél.", "Courrriel", "Remarques", "Région"]
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


# --- The whole of it


def test_a_second_run_changes_nothing(reference):
    work = Import(SUPPLIERS, NPO)
    first = work.apply(work.preview(), skip_refused=True)
    rows = list(Enterprise.objects.order_by("pk").values())
    version = data_version()
    again = Import(SUPPLIERS, NPO)
    second = again.apply(again.preview(), skip_refused=True)
    assert list(Enterprise.objects.order_by("pk").values()) == rows
    assert data_version() == version
    assert second.counts == first.counts | {
        Outcome.CREATED: 0,
        Outcome.LEFT: first.counts[Outcome.LEFT] + first.counts[Outcome.CREATED],
    }
    assert first.counts[Outcome.CREATED] > 180
    assert integrity.check(timezone.localdate()).wrong == []


def draw(random):
    """A row of a few names, cities and numbers, that meet often; one cell in three is empty."""
    drawn = {
        "Fiche": ["un", "deux", "nouvelle", ""],
        "Nom": ["Un", "UN", "Deux", "Deuxx", "Le Deux inc.", "Trois", ""],
        "NEQ": [NEQ, OTHER_NEQ, "1149170814", "12"],
        "Ville": ["Longueuil", "Saint-Hubert", "Brossard", "Saint-Lambert", "Nulle part"],
        "Téléphone": ["450 555-0001", "450 555-0002"],
        "Site web": ["un.example", "https://www.deux.example/"],
        "Secteur": ["alimentation", "habitation | environnement"],
        "Services": ["Repas | Ménage", "Produit : Repas", "Repas"],
        "Personne-ressource": ["Aïcha Fictive", "Bob Fictif"],
        "Fonction": ["Direction", "Vente"],
    }
    return {
        header: random.choice([*cells, *[""] * (len(cells) // 2)])
        for header, cells in drawn.items()
    }


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_file_says_its_second_run_changes_nothing(reference, file, seed):
    random = Random(seed)
    # What these are recognised by, no file changes: a row that did would let another be understood
    # otherwise, from the second run on.
    known = {"phone": "+14505550001", "website": "https://un.example"}
    EnterpriseFactory(name="Un", slug="un", neq=NEQ, published=True, **known)
    known = {"phone": "+14505550009", "website": "https://neuf.example"}
    archived = random.random() < 0.2
    EnterpriseFactory(name="Deux", slug="deux", neq="2249911112", archived=archived, **known)
    path = file(*[draw(random) for _ in range(random.randint(3, 14))])
    for again in (False, True):
        work, rows, version = Import(path, NPO), written(), data_version()
        planned = work.preview()
        done = work.apply(planned, skip_refused=True)
        assert done.counts == planned.counts
        if again:
            assert done.counts[Outcome.CREATED] == done.counts[Outcome.UPDATED] == 0
            assert (written(), data_version()) == (rows, version)
    assert integrity.check(timezone.localdate()).wrong == []


def written():
    """All that is kept of enterprises."""
    tables = [Enterprise, Offering, Contact, Certification, Permit, Enterprise.sectors.through]
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_the_preview_counts_what_is_then_done(reference):
    work = Import(SUPPLIERS, NPO)
    planned = work.preview()
    assert not Enterprise.objects.exists()
    done = work.apply(planned, skip_refused=True)
    assert planned.counts == done.counts
    assert Enterprise.objects.count() == done.counts[Outcome.CREATED]


def test_what_leaves_comes_back_unchanged(reference, file):
    one = EnterpriseFactory(
        published=True,
        name="=Épicerie; « L’Été » | inc.",
        other_names=["A | B", "C; D"],
        phone="+14505550123",
        latitude=45.5,
        longitude=-73.4,
        geo_precision="fsa",
        external_ids={"akcelos": "https://akcelos.example/x"},
    )
    for child in (OfferingFactory, ContactFactory, CertificationFactory, PermitFactory):
        child(enterprise=one)
    OfferingFactory(enterprise=one, kind="product", name="Produit : x|y;z")
    resource = EnterpriseResource()
    (record,) = resource.records([one.pk], seen=["public", "buyers", "staff"])
    names = list(resource.columns)
    labels = [resource.columns[name].label for name in names]
    before = Enterprise.objects.values().get()
    work = Import(file(dict(zip(labels, resource.written(record, names), strict=True))))
    entries = []
    work.apply(work.preview(), each=entries.append)
    assert entries[0].outcome == Outcome.LEFT, (entries[0].changes, said(entries[0]))
    assert entries[0].messages == []
    assert Enterprise.objects.values().get() == before


def test_the_number_of_statements_does_not_grow_with_the_rows(reference, file):
    names = ["lac", "mont", "pont", "quai", "bois", "pré", "port", "lin", "blé", "sel"]
    for name in names:
        EnterpriseFactory(name=f"Coopérative {name}", slug=name)
    cells = {"Ville": "Longueuil", "Secteur": "alimentation", **PERSON, "Services": "Repas"}
    counted = []
    for count in (2, 10):
        work = Import(
            file(*[{"Nom": f"Coopérative {name}"} | cells for name in names[:count]]), NPO
        )
        with CaptureQueriesContext(connection) as queries:
            assert work.preview().counts[Outcome.UPDATED] == count
        counted.append(len(queries))
    assert counted == [5, 5]
