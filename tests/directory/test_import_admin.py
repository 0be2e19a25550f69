"""A file imported in the admin: from its upload to the day it is taken back."""

import csv
import io

import openpyxl
import pytest
from django.urls import reverse

from directory.imports import batches, undoing
from directory.models import (
    AuditEntry,
    ConsentBasis,
    Contact,
    Enterprise,
    ImportBatch,
    ImportRow,
    Revision,
    SavedMapping,
)
from tests.factories import EnterpriseFactory, UserFactory
from tests.forms import filled
from tests.imports import ADD, NEQ, address, messy

pytestmark = pytest.mark.usefixtures("reference")


def shown(client, batch, tab=""):
    return client.get(address("change", batch), {"voir": tab}).content.decode()


def corrected(client, batch, tab, **cells):
    """Sends back the form of this tab with these cells, « phone_0 » being the phone of its first
    row."""
    page = client.get(address("change", batch), {"voir": tab})
    keys = [item["row"].pk for item in page.context["rows"]]
    sent = filled(page, "import_rows")
    for cell, text in cells.items():
        name, _, number = cell.rpartition("_")
        sent[f"{keys[int(number)]}-{name}"] = text
    return client.post(address("rows", batch) + f"?voir={tab}", sent)


# --- A whole story


def test_a_messy_file_goes_from_upload_to_undo(previewed, curator):
    known = EnterpriseFactory(name="Ressourcerie des Rives", phone="", email="")
    owned = EnterpriseFactory(
        name="Cuisine des Voisins", phone="+14505550001", provenance={"phone": "owner"}
    )
    kept = {pk: fields(pk) for pk in (known.pk, owned.pk)}
    batch = previewed(*messy(400), basis="published", basis_source="Site de chacune")
    counts = dict(batch.counts)
    assert counts["created"] > 300
    assert counts["updated"] == 1
    assert counts["proposed"] >= 10
    assert counts["refused"] >= 20
    assert counts["correcting"] == 1
    assert Enterprise.objects.count() == 2

    assert curator.post(address("apply", batch)).status_code == 302
    assert Enterprise.objects.count() == 2 + counts["created"]
    assert Revision.objects.get().enterprise == owned
    assert ConsentBasis.objects.exists()

    # The basket: a city told once for all its rows, telephones and NEQs one by one.
    page = curator.get(address("change", batch), {"voir": "refused"})
    sent = filled(page, "import_rows") | {"is": ["Saguenay"] * len(page.context["asked"]["places"])}
    curator.post(address("rows", batch) + "?voir=refused", sent)
    batch.refresh_from_db()
    assert batch.counts["refused"] < counts["refused"]
    while batch.counts.get("refused"):
        page = curator.get(address("change", batch), {"voir": "refused"})
        sent = filled(page, "import_rows")
        for item in page.context["rows"]:
            for field in item["wrong"]:
                sent[field["id"]] = "Longueuil" if field["name"] == "city" else ""
                if field["name"] == "name":
                    sent[field["id"]] = f"Organisme retrouvé {item['row'].number}"
        curator.post(address("rows", batch) + "?voir=refused", sent)
        before, batch = batch.counts["refused"], ImportBatch.objects.get(pk=batch.pk)
        assert batch.counts.get("refused", 0) < before
    while batch.counts.get("proposed"):
        page = curator.get(address("change", batch), {"voir": "proposed"})
        sent = filled(page, "import_rows")
        for item in page.context["rows"]:
            sent[f"{item['row'].pk}-_choice"] = item["choices"][-1][0]
        curator.post(address("rows", batch) + "?voir=proposed", sent)
        before, batch = batch.counts["proposed"], ImportBatch.objects.get(pk=batch.pk)
        assert batch.counts.get("proposed", 0) < before
    assert set(batch.counts) - {"correcting", "unplaced", "unread"} == {
        *("created", "updated", "left", "aside")
    } & set(batch.counts)

    assert curator.post(address("undo", batch)).status_code == 302
    assert set(Enterprise.objects.values_list("pk", flat=True)) == {known.pk, owned.pk}
    assert {pk: fields(pk) for pk in kept} == kept
    assert Revision.objects.get().state == "withdrawn"
    assert not ConsentBasis.objects.exists()
    assert not Contact.objects.exists()
    assert [entry.act for entry in AuditEntry.objects.order_by("pk")][-1] == "import.undone"


def fields(pk):
    """An enterprise but what every write moves."""
    values = Enterprise.objects.values().get(pk=pk)
    return {name: value for name, value in values.items() if name not in {"version", "updated_at"}}


# --- The file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Le fichier est vide"),
        (b"%PDF-1.7 ...", "un PDF"),
        (b"PK\x03\x04rien", "Ce classeur est ab\u00eem\u00e9"),
        (b"Nom,Ville\n" + b"A,Longueuil\n" * 5_001, "Le tableau dépasse 5\xa0000 lignes"),
        (b'Nom,Ville\n"A,Longueuil\n' + b"B,Brossard\n" * 300, "guillemet"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(give, content, said):
    response = give(content=content)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["x" * 300 + ".csv", "../../../etc/passwd", "CON", "a\r\nX-Vol: 1.csv", "\u202evsc.exe"]
    + ['"><script>alert(1)</script>.csv', "liste.csv.php", "l’été «\xa02026\xa0».csv"],
    ids=ascii,
)
def test_the_name_of_a_file_is_a_label_and_nothing_else(name, give, curator):
    response = give({"Nom": "A", "Ville": "Longueuil"}, name=name)
    if len(name) > 200:
        assert "trop long" in response.content.decode()
        return
    batch = ImportBatch.objects.get()
    assert not set("/\\\r\n") & set(batch.file_name)
    for page in ("change", "columns"):
        response = curator.get(address(page, batch))
        assert "X-Vol" not in response.headers
        assert b"<script>alert" not in response.content


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"basis": ""}, {"basis": ["Répondez pour tout le fichier."]}),
        (
            {"basis": "published"},
            {"basis_source": ["Dites d’où on le sait\xa0: la loi veut une preuve."]},
        ),
    ],
)
def test_whether_one_may_write_is_asked_with_its_proof_and_the_file_is_kept(
    give, curator, said, wrong
):
    page = give({"Nom": "Coop A", "Ville": "Longueuil"}, name="liste du Pôle.csv", **said)
    assert page.context["form"].errors == wrong
    assert "liste du Pôle.csv" in page.content.decode()
    assert ImportBatch.objects.get().basis == ""
    sent = filled(page, "import_file") | {"basis": "published", "basis_source": "Site de chacune"}
    response = curator.post(reverse(ADD), sent)
    batch = ImportBatch.objects.get()
    assert response.url == address("columns", batch)
    assert (batch.basis, batch.basis_source) == ("published", "Site de chacune")


def test_the_consent_of_a_file_that_another_window_imported_stays_as_it_was(
    applied, give, curator, monkeypatch
):
    batch = applied({"Nom": "Coop A", "Ville": "Longueuil"})
    # Found before the other window imported it.
    monkeypatch.setattr(batches, "receive", lambda **_: batch)
    response = give({"Nom": "Coop A"}, basis="published", basis_source="Site de chacune")
    assert response.url == address("change", batch)
    assert "déjà enregistré" in curator.get(response.url).content.decode()
    batch.refresh_from_db()
    assert (batch.basis, batch.basis_source) == ("none", "")


def test_a_file_that_somebody_holds_takes_no_consent_and_it_is_said(give, curator, other):
    batch = give({"Nom": "Coop A", "Ville": "Longueuil"}, basis="").context["form"].given
    other.execute("SELECT pg_advisory_lock(hashtext('directory_importbatch'), %s)", [batch.pk])
    sent = {"kept": batch.pk, "basis": "published", "basis_source": "Site de chacune"}
    response = curator.post(reverse(ADD), sent, follow=True)
    assert "Quelqu’un enregistre cet import" in response.content.decode()
    batch.refresh_from_db()
    assert batch.basis == ""


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ({"basis": "none"}, set()),
        ({"basis": "published", "basis_source": "Site de chacune"}, {"info@coop.test"}),
    ],
)
def test_a_file_left_without_an_answer_is_asked_of_with_its_columns(give, curator, said, noted):
    row = {"Nom": "Coop A", "Ville": "Longueuil", "Courriel": "info@coop.test"}
    batch = give(row, basis="").context["form"].given
    page = curator.get(address("change", batch), follow=True)
    assert "A-t-on le consentement aux courriels" in page.content.decode()
    sent = filled(page, "import_columns") | {"legal_form": "npo"}
    page = curator.post(address("columns", batch), sent)
    assert page.context["form"].errors["basis"] == ["Répondez pour tout le fichier."]
    batch.refresh_from_db()
    assert batch.columns == {}
    assert curator.post(address("columns", batch), sent | said).status_code == 302
    curator.post(address("apply", batch))
    assert set(ConsentBasis.objects.values_list("email", flat=True)) == noted


@pytest.mark.parametrize(
    "said", [{"basis": "none"}, {"basis": "published", "basis_source": "Site de chacune"}]
)
def test_an_answer_given_with_the_file_is_not_asked_again(previewed, curator, said):
    batch = previewed({"Nom": "Coop A", "Ville": "Longueuil"}, **said)
    page = curator.get(address("columns", batch))
    assert "A-t-on le consentement" not in page.content.decode()
    html = shown(curator, batch)
    assert ("Sans consentement aux courriels" in html) == (said["basis"] == "none")


def test_another_file_takes_the_place_of_the_one_that_was_kept(give):
    kept = give({"Nom": "Coop A"}, basis="").context["form"].given
    response = give({"Nom": "Coop B"}, kept=kept.pk)
    assert response.url == address("columns", ImportBatch.objects.exclude(pk=kept.pk).get())


@pytest.mark.parametrize("theirs", [True, False])
def test_a_file_that_is_not_there_to_be_kept_is_to_be_chosen_again(curator, theirs):
    batch = ImportBatch.objects.create(file_name="à une autre.csv", by=UserFactory())
    sent = {"kept": batch.pk if theirs else "a\0", "basis": "none"}
    page = curator.post(reverse(ADD), sent)
    assert page.context["form"].errors["file"] == ["Choisissez de nouveau le fichier."]
    assert "kept" not in filled(page, "import_file")


def test_a_file_that_cannot_be_read_is_to_be_chosen_again_and_it_is_said(give):
    page = give(content=b"%PDF-1.7 ...", basis="published", basis_source="Site de chacune")
    assert "Choisissez de nouveau le fichier" in str(page.context["form"].errors["file"])
    assert filled(page, "import_file")["basis_source"] == ["Site de chacune"]


def test_whence_the_consent_is_known_is_asked_as_required(curator):
    whence = curator.get(reverse(ADD)).context["form"]["basis_source"]
    assert " required" in str(whence)


def test_a_file_given_twice_is_one_import(give):
    first, second = (give({"Nom": "Coop A", "Ville": "Longueuil"}) for _ in range(2))
    assert first.url == second.url
    assert ImportBatch.objects.count() == 1


def test_what_was_imported_once_is_said_so(applied, give, curator):
    rows = [{"Nom": "Coop A", "Ville": "Longueuil"}]
    applied(*rows)
    response = give(*rows)
    assert "déjà été importé" in curator.get(response.url).content.decode()


# --- Its columns


def test_headings_that_nobody_knows_are_told_by_hand(previewed, curator):
    batch = previewed(
        {"Qui": "Coop A", "Endroit": "Longueuil", "Truc": "?"},
        columns={"column-0": "name", "column-1": "city"},
    )
    assert batch.columns == {"Qui": "name", "Endroit": "city", "Truc": None}
    assert batch.counts["created"] == 1


def test_a_saved_mapping_is_proposed_for_the_same_headings(previewed, give, curator):
    told = {"column-0": "name", "column-1": "city", "save_as": "Liste du ministère"}
    previewed({"Qui": "Coop A", "Endroit": "Longueuil"}, columns=told)
    assert SavedMapping.objects.get().defaults == {"legal_form": "npo"}
    response = give({"Endroit": "Brossard", "Qui": "Coop B"})
    page = curator.get(response.url)
    assert "Liste du ministère" in page.content.decode()
    sent = filled(page, "import_columns")
    assert (sent["column-0"], sent["column-1"]) == (["city"], ["name"])
    assert sent["legal_form"] == ["npo"]


def test_two_headings_for_one_column_are_refused_at_the_second(give, curator):
    response = give({"Nom": "Coop A", "Autre": "Coop A"})
    page = curator.post(response.url, {"column-0": "name", "column-1": "name"})
    assert page.context["form"].errors["column-1"]
    page = curator.post(response.url, {"column-0": "", "column-1": "phone"})
    assert "Dites quelle colonne donne le nom" in page.content.decode()
    page = curator.post(response.url, {"column-0": "name", "city": "Chicago"})
    assert page.context["form"].errors["city"]
    page = curator.post(response.url, {"column-0": "state"})
    assert page.context["form"].errors["column-0"]
    assert ImportBatch.objects.get().columns == {}


# --- What would change


def test_the_preview_says_what_changes_and_writes_nothing(previewed, curator):
    listed = EnterpriseFactory(name="Coop A", phone="+14505550001", provenance={"phone": "import"})
    batch = previewed(
        {"Nom": "Coop A", "Ville": "Longueuil", "Téléphone": "450 555-0002"},
        {"Nom": "Coop B", "Ville": "Longueuil", "Téléphone": "12"},
    )
    html = shown(curator, batch, "updated")
    assert html.index("450 555-0001") < html.index("450 555-0002")
    html = shown(curator, batch, "refused")
    assert 'aria-invalid="true"' in html
    assert "dix chiffres" in html
    listed.refresh_from_db()
    assert (listed.phone, Enterprise.objects.count()) == ("+14505550001", 1)


@pytest.mark.parametrize(
    ("choice", "count", "phone"),
    [("=coop-du-parc", 1, "+14505550002"), ("=nouvelle", 2, ""), ("aside", 1, "")],
)
def test_a_possible_duplicate_is_for_a_person_to_tell(previewed, curator, choice, count, phone):
    listed = EnterpriseFactory(name="Coop du parc", slug="coop-du-parc")
    batch = previewed({"Nom": "La coop du Parcs", "Ville": "Longueuil", "Tél": "450 555-0002"})
    assert batch.counts["proposed"] == 1
    assert "Coop du parc" in shown(curator, batch, "proposed")
    corrected(curator, batch, "proposed", _choice_0=choice)
    curator.post(address("apply", batch))
    listed.refresh_from_db()
    assert (Enterprise.objects.count(), listed.phone) == (count, phone)


def test_a_choice_can_be_taken_back(previewed, curator):
    EnterpriseFactory(name="Coop du parc", slug="coop-du-parc")
    batch = previewed({"Nom": "La coop du Parcs", "Ville": "Longueuil"})
    corrected(curator, batch, "proposed", _choice_0="=nouvelle")
    corrected(curator, batch, "created", _choice_0="undecided")
    corrected(curator, batch, "proposed", _choice_0="aside")
    corrected(curator, batch, "aside", _choice_0="back")
    batch.refresh_from_db()
    assert batch.counts["proposed"] == 1


# --- Written


def test_applying_twice_writes_once(applied, curator):
    batch = applied({"Nom": "Coop A", "Ville": "Longueuil"})
    curator.post(address("apply", batch))
    assert Enterprise.objects.count() == 1
    assert AuditEntry.objects.filter(act="import.applied").count() == 1


def test_what_changed_since_the_preview_is_seen(previewed, curator):
    batch = previewed({"Nom": "Coop A", "Ville": "Longueuil", "NEQ": NEQ, "Tél": "450 555-0002"})
    listed = EnterpriseFactory(name="Coop A renommée", neq=NEQ, phone="+14505550001")
    curator.post(address("apply", batch))
    assert Enterprise.objects.get() == listed
    proposed = Revision.objects.get(section="contacts").changes["phone"]["proposed"]
    assert proposed == "+14505550002"


def test_a_row_corrected_in_the_basket_is_imported(applied, curator):
    batch = applied(
        {"Nom": "Coop A", "Ville": "Longueuil", "NEQ": "123"},
        {"Nom": "Coop B", "Ville": "Longueuil", "NEQ": "456"},
    )
    corrected(curator, batch, "refused", neq_0=NEQ)
    assert Enterprise.objects.get().neq == NEQ
    row = ImportRow.objects.get(outcome="refused")
    assert row.values[2] == "456"
    assert "1 ligne enregistrée" in shown(curator, batch, "refused")


def test_a_second_row_completes_the_first_where_a_person_says_so(applied, curator):
    batch = applied(
        {"Nom": "Coop A", "Ville": "Longueuil", "Tél": ""},
        {"Nom": "Coop A", "Ville": "Longueuil", "Tél": "450 555-0002"},
    )
    made = Enterprise.objects.get()
    corrected(curator, batch, "proposed", **{"_choice_0": f"={made.slug}"})
    made.refresh_from_db()
    assert made.phone == "+14505550002"
    undoing.undo(pk=batch.pk, by=curator.user)
    assert not Enterprise.objects.exists()


def test_rows_left_are_a_file_that_comes_back(applied, curator, previewed):
    batch = applied(
        {"Nom": "=Coop A", "Ville": "Longueuil", "NEQ": "123", "Notes": "à voir"},
        {"Nom": "Coop B", "Ville": "Longueuil", "NEQ": "", "Notes": ""},
    )
    content = curator.get(address("leftovers", batch, "csv")).content
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    assert (row["Nom"], row["Notes"]) == ("'=Coop A", "à voir")
    assert "10 chiffres" in row["À corriger"]
    workbook = curator.get(address("leftovers", batch, "xlsx")).content
    sheet = openpyxl.load_workbook(io.BytesIO(workbook)).active
    assert sheet["A2"].value == "=Coop A"
    assert sheet["A2"].data_type == "s"
    again = previewed(content=content.replace(b"123", NEQ.encode()))
    assert again.counts["created"] == 1
    assert again.columns["À corriger"] is None


# --- Two people, old forms, forged forms


def test_a_row_corrected_by_two_people_keeps_the_first_and_says_so(applied, curator):
    batch = applied({"Nom": "Coop A", "Ville": "Longueuil", "NEQ": "123", "Tél": ""})
    row = ImportRow.objects.get()
    page = curator.get(address("change", batch), {"voir": "refused"})
    mine = filled(page, "import_rows") | {f"{row.pk}-phone": "450 555-0002"}
    corrected(curator, batch, "refused", phone_0="450 555-0003")
    response = curator.post(address("rows", batch) + "?voir=refused", mine)
    assert response.status_code == 409
    html = response.content.decode()
    assert "450 555-0003" in html
    assert "450 555-0002" in html
    row.refresh_from_db()
    assert row.corrections == {"phone": "450 555-0003"}


def test_a_form_changes_only_the_open_rows_of_its_own_import(applied, curator):
    other = applied({"Nom": "Coop Z", "Ville": "Longueuil", "NEQ": "789"})
    batch = applied(
        {"Nom": "Coop A", "Ville": "Longueuil", "NEQ": "123"},
        {"Nom": "Coop B", "Ville": "Longueuil", "NEQ": ""},
    )
    stranger, written = other.rows.get(), batch.rows.get(outcome="created")
    refused = batch.rows.get(outcome="refused")
    curator.post(
        address("rows", batch),
        {
            f"{stranger.pk}-neq": NEQ,
            f"{written.pk}-name": "Prise",
            f"{refused.pk}-state": "published",
            f"{refused.pk}-outcome": "created",
            f"{refused.pk}-enterprise": "1",
            "-neq": NEQ,
            "9999999999999999999999-neq": NEQ,
            "état-neq": NEQ,
        },
    )
    for row in (stranger, written, refused):
        before = dict(row.corrections)
        row.refresh_from_db()
        assert row.corrections == before
    assert not Enterprise.objects.filter(neq=NEQ).exists()


def test_an_import_taken_back_takes_nothing_more(applied, curator):
    batch = applied({"Nom": "Coop A", "Ville": "Longueuil"}, {"Nom": "Coop B", "Ville": "Rien"})
    curator.post(address("undo", batch))
    for page in ("apply", "undo", "rows"):
        assert curator.post(address(page, batch)).status_code == 302
    assert not Enterprise.objects.exists()
    assert "a été annulé" in shown(curator, batch)


def test_an_import_that_is_written_is_not_forgotten(applied, previewed, superuser, curator):
    batch = applied({"Nom": "Coop A", "Ville": "Longueuil"})
    assert superuser.post(address("delete", batch), {"post": "yes"}).status_code == 403
    batch = previewed({"Nom": "Coop B", "Ville": "Longueuil"})
    assert curator.post(address("delete", batch), {"post": "yes"}).status_code == 302
    assert ImportBatch.objects.count() == 1


def test_only_the_municipalities_that_a_file_asks_of_are_answered(previewed, curator):
    batch = previewed({"Nom": "Atelier", "Ville": "Nullepart"})
    assert batch.counts["unplaced"] == {"Nullepart": 1}
    sent = filled(curator.get(address("change", batch)), "import_rows")
    invented = ["a\0b", *(f"Inventée {number}" for number in range(50))]
    data = sent | {"place": ["Nullepart", *invented], "is": ["Longueuil"] * 51 + ["Brossard"]}
    assert curator.post(address("rows", batch), data).status_code == 302
    batch.refresh_from_db()
    assert batch.places == {"Nullepart": "Longueuil"}
