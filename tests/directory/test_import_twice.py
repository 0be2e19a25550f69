"""A file imported whole, then once more: what is said is done, the second run changes nothing."""

from pathlib import Path
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory import integrity
from directory.imports.entries import Outcome
from directory.imports.run import Import
from directory.models import Certification, Contact, Enterprise, Offering, Permit
from directory.resources import EnterpriseResource
from tests.factories import (
    CertificationFactory,
    ContactFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
)
from tests.imports import NEQ, NPO, OTHER_NEQ, PERSON, said

pytestmark = pytest.mark.django_db
SUPPLIERS = Path(__file__).parent / "data" / "suppliers.csv"


def data_version():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT version FROM directory_version")
        return cursor.fetchone()[0]


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
        EnterpriseFactory(name=f"Coopérative {name}")
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
