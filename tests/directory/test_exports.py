"""A search as a file: what it holds, cell by cell, read back from real files."""

import csv
import datetime
import io
import json
import re
from urllib.parse import unquote

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from directory import exports, selection, state
from directory.criteria import Criteria
from directory.dictionary import GROUPS, schema
from directory.exports import FORMULA, MOST_IN_WORKBOOK, neutralise, restore
from directory.models import City, Enterprise, PurchasingCategory, Sector
from directory.resources import PRESETS, EnterpriseResource
from directory.selection import every_id
from tests import demonstration
from tests.demonstration import lasting
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
)

pytestmark = pytest.mark.django_db

CSV, XLSX, GEOJSON, JSON, PAGE = (
    f"/entreprises{ending}" for ending in (".csv", ".xlsx", ".geojson", ".json", "/")
)
PANEL = "/donnees/telecharger/"
LABELS = {name: column.label for name, column in EnterpriseResource.fields.items()}


@pytest.fixture
def full(reference):
    """An enterprise with something in every column."""
    row = EnterpriseFactory(
        name="La Table ronde",
        slug="la-table-ronde",
        neq="1101234569",
        published=True,
        sectors=["alimentation"],
        other_names=["Table; ronde", "LTR"],
        founded_year=1987,
        mission="Nourrir\nla ville.",
        size="5-19",
        address="1000, rue Saint-Charles",
        postal_code="J4K 4W9",
        latitude=45.53,
        longitude=-73.51,
        geo_precision="exact",
        phone="+14505550100",
        phone_extension="12",
        email="info@table.example",
        insured_amount=2_000_000,
        busy_until=datetime.date(2027, 1, 31),
        on_seao=True,
    )
    OfferingFactory(
        enterprise=row,
        name="Boîtes à lunch",
        category=PurchasingCategory.objects.get(code="G15"),
    )
    OfferingFactory(enterprise=row, name="Plats surgelés", kind="product")
    PermitFactory(enterprise=row, expires_on=datetime.date(2027, 3, 31))
    CertificationFactory(enterprise=row)
    RecognitionFactory(enterprise=row)
    return row


@pytest.fixture
def get(client):
    def get(address, query="", by=client):
        response = by.get(f"{address}?{query}")
        assert response.status_code == 200, response.status_code
        return response

    return get


def csv_rows(response):
    body = response.getvalue().decode()
    assert body[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(body[1:], newline=""), delimiter=";"))


def book(response):
    return openpyxl.load_workbook(io.BytesIO(response.getvalue()))


def sheet_rows(response):
    header, *rows = book(response).worksheets[0].iter_rows()
    names = [cell.value for cell in header]
    return [dict(zip(names, row, strict=True)) for row in rows]


def asked(queries):
    """What the site asked; that the client of the tests settles constraints is left out."""
    return [q["sql"] for q in queries if not q["sql"].startswith("SET CONSTRAINTS")]


class TestCells:
    def test_a_csv_says_each_column_as_people_write_it(self, full, get):
        (row,) = csv_rows(get(CSV))
        assert list(row) == list(LABELS.values())
        assert row["Fiche"] == "la-table-ronde"
        assert row["NEQ"] == "1101234569"
        assert row["Forme juridique"] == "OBNL avec activités marchandes"
        assert row["Autres noms"] == "Table\\; ronde | LTR"
        assert row["Mission"] == "Nourrir\nla ville."
        assert row["Produits et services"] == "Boîtes à lunch | Produit\xa0: Plats surgelés"
        assert row["Catégories d’achat (SEAO)"] == "G15"
        assert row["Municipalité"] == "Longueuil"
        assert row["Code géographique"] == "58227"
        assert (row["Latitude"], row["Longitude"]) == ("45,53", "-73,51")
        assert (row["Téléphone"], row["Poste"]) == ("450 555-0100", "12")
        assert row["Permis et licences"] == "RBQ\xa0: 1234-5678-90\xa0: 2027-03-31"
        assert row["Montant assuré ($)"] == "2000000"
        assert row["Complet jusqu’au"] == "2027-01-31"
        assert row["Inscrite au SEAO"] == "oui"
        assert row["Reconnue le"] == "2026-02-01"
        assert row["Page du répertoire"] == "/entreprises/la-table-ronde/"

    def test_a_workbook_types_its_cells_and_can_be_filtered(self, full, get):
        (row,) = sheet_rows(get(XLSX))
        for label in ("NEQ", "Téléphone", "Poste", "Code géographique"):
            assert row[label].data_type == "s", label
        assert row["Année de fondation"].value == 1987
        assert row["Longitude"].value == -73.51
        assert row["Complet jusqu’au"].is_date
        assert row["Complet jusqu’au"].value.date() == datetime.date(2027, 1, 31)
        sheet, about = book(get(XLSX)).worksheets
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, len(LABELS)).column_letter}2"
        assert sheet.column_dimensions["B"].width > 30
        said = {row[0].value: row[1].value for row in about.iter_rows()}
        assert said["Entreprises"] == 1
        assert said["Recherche"] == "http://testserver/entreprises/"
        assert said["Coordonnées"] == "publiques seulement"

    def test_a_feature_is_the_record_of_the_json_at_its_position(self, full, get):
        collection = json.loads(get(GEOJSON).getvalue())
        (feature,) = collection["features"]
        (record,) = get(JSON).json()["results"]
        assert collection["type"] == "FeatureCollection"
        assert feature["geometry"] == {"type": "Point", "coordinates": [-73.51, 45.53]}
        assert feature["id"] == "la-table-ronde"
        assert feature["properties"] == record | {"geo_precision": "exact"}

    def test_without_a_position_of_its_own_a_feature_stands_at_its_city(self, reference, get):
        city = EnterpriseFactory(published=True).city
        (feature,) = json.loads(get(GEOJSON).getvalue())["features"]
        assert feature["properties"]["geo_precision"] == "city"
        assert feature["geometry"]["coordinates"] == [city.longitude, city.latitude]

    def test_each_record_is_as_its_schema_says(self, full, get):
        said = schema()
        near = {"pres": "longueuil"}
        for record in (
            get(JSON).json()["results"][0],
            get(JSON, "pres=longueuil").json()["results"][0],
            json.loads(get(GEOJSON, f"pres={near['pres']}").getvalue())["features"][0][
                "properties"
            ],
        ):
            assert record.keys() <= said["properties"].keys()
            assert set(said["required"]) <= record.keys()
            for name, value in record.items():
                assert_fits(value, said["properties"][name], name)


TYPES = {"string": str, "array": list, "object": dict, "boolean": bool, "null": type(None)}


def assert_fits(value, said, name):
    kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
    types = tuple(TYPES.get(kind, (int, float)) for kind in kinds)
    assert any(isinstance(value, one) for one in types), (name, value)
    if "enum" in said:
        assert value in said["enum"], name
    if "pattern" in said and value:
        assert re.fullmatch(said["pattern"], value), name
    for item in value if isinstance(value, list) else ():
        assert_fits(item, said["items"], name)
    for key, inner in said.get("properties", {}).items():
        assert_fits(value[key], inner, f"{name}.{key}")


HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "=cmd|' /C calc'!A0",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "'=1",
    "'quoted",
    "#REF!",
    " =1",
    "</script><script>alert(1)</script>",
    "\u202egpj.exe",
    'with "quotes"; and ; signs',
    "é" * 200,
]


class TestHostileText:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_no_name_becomes_a_formula_and_each_comes_back(self, name, reference, get):
        EnterpriseFactory(name=name, slug="hostile", published=True)
        (row,) = csv_rows(get(CSV))
        assert restore(row["Nom"]) == name
        assert not FORMULA.match(row["Nom"]) or row["Nom"].startswith("'")
        (typed,) = sheet_rows(get(XLSX))
        assert typed["Nom"].data_type == "s"
        shown = name.replace("\u202e", "")  # what turns the line around is left out of a sheet
        assert typed["Nom"].value == shown
        (feature,) = json.loads(get(GEOJSON).getvalue())["features"]
        assert feature["properties"]["name"] == name

    def test_a_number_that_begins_with_a_sign_stays_a_number(self, full, get):
        (row,) = csv_rows(get(CSV, "colonnes=longitude"))
        assert row == {"Longitude": "-73,51"}

    def test_every_neutral_text_is_restored(self):
        for text in [*HOSTILE, "", "'", "''=1", "abc", "\r\n=1", "\u200b=1"]:
            assert restore(neutralise(text)) == text

    def test_what_xml_cannot_hold_is_left_out_of_a_sheet(self, reference, get):
        EnterpriseFactory(name="Cloche\x07 et\x0b cie", published=True)
        (row,) = sheet_rows(get(XLSX))
        assert row["Nom"].value == "Cloche et cie"

    def test_the_longest_text_fits_in_a_cell(self, reference, get):
        EnterpriseFactory(name="Longue", description="a" * 40_000, published=True)
        (row,) = sheet_rows(get(XLSX, "colonnes=description"))
        assert len(row["Description"].value) == exports.LONGEST_CELL
        (row,) = csv_rows(get(CSV, "colonnes=description"))
        assert len(row["Description"]) == 40_000


@pytest.fixture(scope="class")
def several(reference_kept, django_db_blocker):
    yield from lasting(django_db_blocker, write_several)


def write_several():
    """Sixty enterprises in two cities, some of which say « traiteur » in one place or another."""
    brossard = City.objects.get(code="58007")
    for number in range(60):
        row = EnterpriseFactory(
            name=f"Maison {number * 7 % 60:02} traiteur"
            if number % 3 == 0
            else f"Atelier {number}",
            published=True,
            published_on=datetime.date(2026, 1, 1) + datetime.timedelta(number * 5 % 40),
            sectors=["alimentation" if number % 2 else "habitation"],
            **({"city": brossard} if number % 4 == 0 else {}),
        )
        offered = "Service de traiteur" if number % 5 == 0 else f"Service {number}"
        OfferingFactory(enterprise=row, name=offered)
    EnterpriseFactory(name="Brouillon traiteur")
    EnterpriseFactory(name="Fermée traiteur", archived=True)


SEARCHES = [
    "",
    "q=traiteur",
    "q=traiteur&tri=nom",
    "q=traitteur",
    "q=service+-traiteur",
    "ville=brossard&tri=recent",
    "secteur=alimentation&ville=longueuil",
    "pres=longueuil&rayon=50",
    "pres=longueuil&q=traiteur&tri=proximite",
    "dessert=brossard&tri=nom",
    "forme=npo&tri=rotation",
    "q=Maison+07+traiteur",
    "ville=nulle-part&inconnu=1",
]


class TestTheSearch:
    @pytest.mark.parametrize("query", SEARCHES)
    def test_a_file_holds_what_the_pages_show_in_their_order(self, query, several, get):
        expected = [row["slug"] for row in get(JSON, f"{query}&taille=100").json()["results"]]
        assert expected
        assert [row["Fiche"] for row in csv_rows(get(CSV, query))] == expected
        features = json.loads(get(GEOJSON, query).getvalue())["features"]
        assert [feature["id"] for feature in features] == expected
        assert [row["Fiche"].value for row in sheet_rows(get(XLSX, query))] == expected

    def test_the_page_asked_for_is_no_part_of_it(self, several, get):
        whole = get(CSV).getvalue()
        assert get(CSV, "page=2&taille=5&tout=ville").getvalue() == whole

    def test_by_relevance_beyond_what_is_ranked_it_comes_by_name(self, several, get, monkeypatch):
        assert "dans l’ordre des résultats" in get(PANEL, "q=traiteur").content.decode()
        monkeypatch.setattr(selection, "RANKED", 10)
        assert "trop nombreuses pour être classées" in get(PANEL, "q=traiteur").content.decode()
        names = [row["Nom"] for row in csv_rows(get(CSV, "q=traiteur"))]
        assert len(names) > 10
        assert names == [row["Nom"] for row in csv_rows(get(CSV, "q=traiteur&tri=nom"))]

    def test_of_a_search_that_finds_nothing_every_file_is_whole_and_empty(self, several, get):
        query = "q=quantique&ville=brossard"
        assert csv_rows(get(CSV, query)) == []
        assert get(CSV, query).getvalue().decode().startswith("\ufeffFiche;Nom;")
        assert sheet_rows(get(XLSX, query)) == []
        assert json.loads(get(GEOJSON, query).getvalue())["features"] == []
        assert get(PANEL, query).context["total"] == 0

    def test_what_was_ignored_or_corrected_is_said(self, several, get):
        response = get(CSV, "ville=nulle-part&colonnes=name,inconnue")
        said = unquote(response.headers["X-Notices"]).replace("\xa0", " ")
        assert "« Ville » : « nulle-part »" in said
        assert "« Colonnes » : « inconnue »" in said
        assert json.loads(get(GEOJSON, "q=traitteur").getvalue())["notices"] == [
            "Résultats pour «\xa0traiteur\xa0»."
        ]
        assert "X-Notices" not in get(CSV).headers

    def test_a_batch_is_read_by_key_whatever_is_written_meanwhile(self, several, monkeypatch):
        monkeypatch.setattr(exports, "BATCH", 20)
        current = state.current()
        ids = every_id(Criteria(sort="nom"), current)
        lines = exports.csv_lines(ids, ("slug", "name", "sectors"), ("public",), current)
        assert next(lines)
        first = next(lines).decode().splitlines()
        early, late, gone = (Enterprise.objects.get(pk=ids[place]) for place in (3, 50, 55))
        # One already written goes last, one to come goes first, one goes away, one is new.
        Enterprise.objects.filter(pk=early.pk).update(name="Zzz")
        Enterprise.objects.filter(pk=late.pk).update(name="Aaa")
        Enterprise.objects.filter(pk=gone.pk).update(state="archived", closing="closed")
        EnterpriseFactory(name="Zzzz", published=True)
        late.sectors.set([Sector.objects.create(name="Tout neuf", slug="neuf", position=99)])
        connection.check_constraints()  # as a commit: the version moves
        rest = b"".join(lines).decode().splitlines()
        slugs = [line.split(";")[0] for line in first + rest]
        expected = [row.slug for row in Enterprise.objects.in_bulk(list(ids)).values()]
        assert sorted(slugs) == sorted(set(expected) - {gone.slug})
        assert f"{late.slug};Aaa;Tout neuf" in rest

    def test_a_newer_label_than_those_read_breaks_no_feature(self, several, monkeypatch):
        monkeypatch.setattr(exports, "BATCH", 20)
        current = state.current()
        ids = every_id(Criteria(), current)
        pieces = exports.geojson(ids, None, [], current)
        opening = next(pieces) + next(pieces)
        late = Enterprise.objects.get(pk=ids[30])
        late.sectors.set([Sector.objects.create(name="Tout neuf", slug="neuf", position=99)])
        connection.check_constraints()
        collection = json.loads(opening + b"".join(pieces))
        (feature,) = [row for row in collection["features"] if row["id"] == late.slug]
        assert feature["properties"]["sectors"] == ["neuf"]


class TestWhoSeesWhat:
    @pytest.fixture
    def contacts(self, full):
        ContactFactory(
            enterprise=full,
            name="Réservée Équipe",
            name_visibility="staff",
            email="equipe@secret.example",
            position=0,
        )
        ContactFactory(
            enterprise=full,
            name="Aïcha Publique",
            email="aicha@secret.example",
            phone="+14505550111",
            position=1,
        )

    @pytest.fixture
    def buyer(self, member):
        member.user.user_permissions.add(Permission.objects.get(codename="view_buyer_contacts"))
        return member

    def seen(self, get, by):
        (row,) = csv_rows(get(CSV, by=by))
        (typed,) = sheet_rows(get(XLSX, by=by))
        names = [LABELS[name] for name in ("contact_name", "contact_email", "contact_phone")]
        assert [row[name] for name in names] == [typed[name].value or "" for name in names]
        return [row[name] for name in names]

    def test_a_stranger_gets_public_details_only(self, contacts, get, client):
        assert self.seen(get, client) == ["Aïcha Publique", "", ""]
        for address in (CSV, XLSX, GEOJSON, JSON, "/donnees/", PANEL):
            body = get(address).getvalue()
            if address == XLSX:
                sheets = book(get(address)).worksheets
                body = str([[c.value for c in row] for s in sheets for row in s]).encode()
            assert b"secret.example" not in body, address
            assert "Réservée".encode() not in body, address

    def test_someone_signed_in_without_a_right_gets_no_more(self, contacts, get, member):
        assert self.seen(get, member) == ["Aïcha Publique", "", ""]

    def test_a_buyer_gets_what_is_reserved_to_buyers(self, contacts, get, buyer):
        assert self.seen(get, buyer) == [
            "Aïcha Publique",
            "aicha@secret.example",
            "450 555-0111",
        ]
        response = get(CSV, by=buyer)
        assert "private" in response.headers["Cache-Control"]
        assert "ETag" not in response.headers
        about = book(get(XLSX, by=buyer)).worksheets[1]
        said = {row[0].value: row[1].value for row in about.iter_rows()}
        assert said["Coordonnées"].endswith("ne pas diffuser")

    def test_staff_get_everyone(self, contacts, get, staff):
        assert self.seen(get, staff)[:2] == ["Réservée Équipe", "equipe@secret.example"]

    def test_nobody_gets_what_only_staff_keep(self, full, get, superuser):
        EnterpriseFactory(archived=True, archive_reason="Secret de l’équipe")
        for address in (CSV, GEOJSON):
            assert "Secret" not in get(address, by=superuser).getvalue().decode()
        assert not {"provenance", "version", "state", "archive_reason"} & LABELS.keys()


class TestColumns:
    def test_they_are_those_asked_for_in_the_order_asked(self, full, get):
        (row,) = csv_rows(get(CSV, "colonnes=neq,name&colonnes=city&colonnes=name"))
        assert list(row) == ["NEQ", "Nom", "Municipalité"]
        (row,) = sheet_rows(get(XLSX, "colonnes=neq,name"))
        assert list(row) == ["NEQ", "Nom"]

    @pytest.mark.parametrize("preset", PRESETS)
    def test_a_choice_that_has_a_name_is_asked_for_by_it(self, preset, full, get):
        (row,) = csv_rows(get(CSV, f"colonnes={preset}"))
        assert list(row) == [LABELS[name] for name in PRESETS[preset]]

    def test_with_none_that_is_known_all_of_them_come(self, full, get):
        (row,) = csv_rows(get(CSV, "colonnes=inconnue"))
        assert list(row) == list(LABELS.values())

    def test_hundreds_that_are_unknown_are_said_of_twenty(self, full, get):
        query = "colonnes=" + ",".join(f"x{number}" for number in range(700))
        assert len(get(PANEL, query).context["notices"]) == 20
        assert len(get(CSV, query).headers["X-Notices"]) < 4_000

    def test_each_one_is_in_the_dictionary_once(self):
        explained = [name for meanings in GROUPS.values() for name in meanings]
        assert sorted(explained) == sorted(EnterpriseResource.fields)

    def test_the_page_where_they_are_chosen_keeps_the_choice_in_its_address(self, full, get):
        page = get(PANEL, "q=table&ville=longueuil&colonnes=neq,name,rien")
        ticked = [
            column["name"]
            for group in page.context["groups"]
            for column in group["columns"]
            if column["ticked"]
        ]
        assert sorted(ticked) == ["name", "neq"]
        assert page.context["keep_url"].endswith("q=table&ville=longueuil&colonnes=neq%2Cname")
        assert page.context["total"] == 1
        assert "rien" in page.content.decode()
        fields = [(field["name"], field["value"]) for field in page.context["fields"]]
        assert fields == [("q", "table"), ("ville", "longueuil")]
        again = get(PANEL, page.context["keep_url"].split("?")[1])
        columns = [column for group in again.context["groups"] for column in group["columns"]]
        assert {column["name"] for column in columns if column["ticked"]} == {"name", "neq"}

    def test_the_page_says_which_choice_has_a_name(self, full, get):
        for preset in PRESETS:
            current = [
                choice["url"]
                for choice in get(PANEL, f"colonnes={preset}").context["presets"]
                if choice["current"]
            ]
            assert current == [f"{PANEL}?colonnes={preset}#colonnes"]


class TestAnswers:
    def test_the_file_has_a_name_with_the_day(self, full, get):
        today = timezone.localdate().isoformat()
        for address, ending, kind in (
            (CSV, "csv", "text/csv; charset=utf-8"),
            (XLSX, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (GEOJSON, "geojson", "application/geo+json"),
        ):
            response = get(address)
            headers = response.headers
            response.getvalue()
            named = f'attachment; filename="entreprises-{today}.{ending}"'
            assert headers["Content-Disposition"] == named
            assert headers["Content-Type"] == kind
            assert headers["X-Content-Type-Options"] == "nosniff"

    def test_a_head_reads_no_row(self, full, client):
        for address in (CSV, XLSX, GEOJSON):
            client.head(address)
            with CaptureQueriesContext(connection) as queries:
                response = client.head(address)
            assert response.getvalue() == b""
            assert len(asked(queries)) == 2

    def test_a_file_not_changed_since_is_not_sent_again(self, full, client):
        for address in (CSV, XLSX, GEOJSON, "/donnees/", PANEL, "/donnees/changements.json"):
            response = client.get(address)
            tag = response.headers["ETag"]
            response.getvalue()
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
            assert len(asked(queries)) == 1


class TestAnswersOfMany:
    @pytest.mark.parametrize(("address", "batch"), [(CSV, 12), (GEOJSON, 1), (XLSX, 12)])
    def test_statements_follow_the_batches_and_not_the_rows(
        self, address, batch, several, client, monkeypatch
    ):
        counts = []
        for size in (1_000, 30, 20):
            monkeypatch.setattr(exports, "BATCH", size)
            client.get(address).getvalue()
            with CaptureQueriesContext(connection) as queries:
                client.get(address).getvalue()
            counts.append(len(asked(queries)))
            assert not [sql for sql in asked(queries) if re.match("BEGIN|SAVEPOINT", sql)]
        assert counts == [2 + batch, 2 + 2 * batch, 2 + 3 * batch]

    def test_columns_that_are_not_asked_for_are_not_read(self, several, client):
        client.get(CSV).getvalue()
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{CSV}?colonnes=name,neq").getvalue()
        assert len(asked(queries)) == 3

    def test_the_panel_takes_few_statements(self, several, client):
        client.get(PANEL)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{PANEL}?q=traiteur")
        assert len(asked(queries)) == 2

    def test_a_workbook_too_large_is_refused_in_words(self, several, client, monkeypatch):
        monkeypatch.setattr("directory.views.exports.MOST_IN_WORKBOOK", 59)
        response = client.get(XLSX)
        assert response.status_code == 400
        assert (
            "au plus 59 entreprises et cette recherche en donne 60" in response.context["refusal"]
        )
        assert sheet_rows(client.get(f"{XLSX}?q=traiteur"))
        assert MOST_IN_WORKBOOK >= 12_000

    def test_no_temporary_file_is_left(self, several, client, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        client.get(XLSX).getvalue()
        assert list(tmp_path.iterdir()) == []

        def broken(*_arguments):
            raise KeyError("label")

        monkeypatch.setattr(EnterpriseResource, "records", broken)
        with pytest.raises(KeyError):
            client.get(XLSX)
        assert list(tmp_path.iterdir()) == []

    def test_results_lead_to_their_files(self, several, get):
        page = get(PAGE, "q=traiteur&page=2&tout=ville")
        assert page.context["download_url"] == f"{PANEL}?q=traiteur"
        assert "Télécharger ces résultats" in page.content.decode()
        assert reverse("directory:open_data") in page.content.decode()


# --- There and back


def rows_of_every_source():
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            if table.startswith("directory_") and table not in {"directory_snapshot"}:
                cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
                found[table] = [row for (row,) in cursor.fetchall()]
        return found


def test_what_an_export_may_not_show_is_not_deleted_by_its_import(full, get, tmp_path):
    ContactFactory(enterprise=full, name="Toute réservée", name_visibility="staff")
    ContactFactory(enterprise=full, name="Aïcha", email="aicha@secret.example", position=1)
    before = rows_of_every_source()["directory_contact"]
    path = tmp_path / "export.csv"
    path.write_bytes(get(CSV).getvalue())
    call_command("import_enterprises", path, apply=True, stdout=io.StringIO())
    assert rows_of_every_source()["directory_contact"] == before


@pytest.fixture(scope="class")
def demo(reference_kept, django_db_blocker):
    yield from lasting(django_db_blocker, lambda: demonstration.write(logos=3))


class TestThereAndBack:
    @pytest.mark.parametrize("address", [CSV, XLSX])
    def test_an_export_imported_changes_nothing(self, address, demo, get, tmp_path):
        path = tmp_path / f"export.{address[-4:].strip('.')}"
        path.write_bytes(get(address).getvalue())
        before = rows_of_every_source()
        assert len(before["directory_enterprise"]) == 420
        call_command("import_enterprises", path, apply=True, stdout=io.StringIO())
        connection.check_constraints()
        assert rows_of_every_source() == before

    @pytest.mark.parametrize("address", [CSV, XLSX])
    def test_three_cells_changed_change_three_values(self, address, demo, get, tmp_path):
        path = tmp_path / f"export.{address[-4:].strip('.')}"
        # What the enterprise or the Pôle wrote outweighs a file: here nobody did.
        Enterprise.objects.update(provenance=dict.fromkeys(LABELS, "import"))
        slugs = list(Enterprise.objects.published().order_by("pk").values_list("slug", flat=True))
        changes = {
            (slugs[0], "Mission"): "Une mission toute neuve.",
            (slugs[1], "Téléphone"): "450 555-0187",
            (slugs[2], "Année de fondation"): 1999,
        }
        if address == CSV:
            rows = csv_rows(get(CSV))
            for row in rows:
                row |= {
                    label: text for (slug, label), text in changes.items() if slug == row["Fiche"]
                }
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
                writer.writeheader()
                writer.writerows(rows)
        else:
            whole = book(get(XLSX))
            sheet = whole.worksheets[0]
            places = {cell.value: cell.column for cell in sheet[1]}
            for row in sheet.iter_rows(min_row=2):
                for (slug, label), text in changes.items():
                    if row[0].value == slug:
                        sheet.cell(row[0].row, places[label]).value = text
            whole.save(path)
        fields = [
            field.name
            for field in Enterprise._meta.concrete_fields
            if field.name not in {"version", "updated_at", "provenance"}
        ]
        before = {row["slug"]: row for row in Enterprise.objects.values(*fields)}
        children = {t: r for t, r in rows_of_every_source().items() if "contact" in t}
        call_command("import_enterprises", path, apply=True, stdout=io.StringIO())
        changed = {
            (row["slug"], name): row[name]
            for row in Enterprise.objects.values(*fields)
            for name in fields
            if row[name] != before[row["slug"]][name]
        }
        assert changed == {
            (slugs[0], "mission"): "Une mission toute neuve.",
            (slugs[1], "phone"): "+14505550187",
            (slugs[2], "founded_year"): 1999,
        }
        assert {t: r for t, r in rows_of_every_source().items() if "contact" in t} == children
