"""What an import leaves beside the listings, by either door: history, proposals, rights."""

import io
from hashlib import md5

import pytest
from django.core.management import CommandError, call_command

from directory import sections
from directory.imports import suggesting
from directory.imports.run import Import
from directory.models import (
    ConsentBasis,
    Contact,
    Enterprise,
    Offering,
    Region,
    Revision,
)
from directory.resources import EnterpriseResource
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
)
from tests.imports import NPO, row
from tests.sql import recorded_sql

pytestmark = pytest.mark.usefixtures("reference")


# --- History


def test_each_row_written_leaves_one_in_its_history(imported):
    imported(row(city="Longueuil", Services="Repas | Buffets", Statuts="cpe", Secteur="habitation"))
    imported(row(city="Longueuil", Services="Repas", Statuts="entreprise-adaptee", Mission="Lier."))
    made = Enterprise.objects.get()
    kept = list(made.history.order_by("history_id"))
    assert [(one.history_type, one.mission) for one in kept] == [("+", ""), ("~", "Lier.")]
    assert {one.history_change_reason for one in kept} == {"import\xa0: fichier.csv"}
    assert [each.sector.slug for each in kept[0].sectors.all()] == ["habitation"]
    kinds = Offering.history.order_by("history_id").values_list("name", "history_type")
    assert list(kinds) == [("Repas", "+"), ("Buffets", "+"), ("Buffets", "-")]
    gone = Offering.history.get(history_type="-")
    assert gone.history_change_reason == "import\xa0: fichier.csv"


def test_history_costs_as_many_statements_however_many_rows(file, reference):
    def asked(count):
        rows = [
            # Names that nobody would take for one another.
            row(name=md5(f"{count} {number}".encode()).hexdigest(), Services="Repas")
            for number in range(count)
        ]
        work = Import(file(*rows), NPO)
        planned = work.preview()
        with recorded_sql() as statements:
            work.apply(planned)
        return len(statements)

    asked(1)  # what a process asks once
    assert asked(2) == asked(40)
    assert Enterprise.history.count() == 43


def test_the_admin_says_who_imported(applied, curator):
    applied({"Nom": "Coop A", "Ville": "Longueuil"})
    assert Enterprise.objects.get().history.get().history_user == curator.user


# --- Proposals


def test_what_a_person_said_otherwise_is_proposed_once(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", phone="+14505550001", provenance={"phone": "owner"}
    )
    for _ in range(2):
        imported(row(city="Longueuil", Téléphone="450 555-0002", Mission="Nourrir."))
    revision = Revision.objects.get()
    assert (revision.enterprise, revision.section, revision.state, revision.source) == (
        *(listed, "contacts", "waiting", "import"),
    )
    assert revision.changes == {"phone": {"before": "+14505550001", "proposed": "+14505550002"}}
    listed.refresh_from_db()
    assert (listed.phone, listed.mission, listed.version) == ("+14505550001", "Nourrir.", 2)
    assert revision.base_version == 2


def test_what_was_refused_is_not_proposed_again_unless_it_changed(imported):
    listed = EnterpriseFactory(
        name="Traiteur du parc", phone="+14505550001", provenance={"phone": "owner"}
    )
    cells = row(city="Longueuil", Téléphone="450 555-0002")
    imported(cells)
    Revision.objects.update(state="decided", decided_at="2026-01-01T00:00Z")
    imported(cells)
    assert Revision.objects.count() == 1
    Enterprise.objects.filter(pk=listed.pk).update(phone="+14505550003")
    imported(cells)
    assert Revision.objects.count() == 2


def test_every_field_is_proposed_as_its_section_spells_it(imported):
    listed = full()
    resource = EnterpriseResource()
    record = resource.records([listed.pk])[0]
    for name, section in sections.SECTION_OF.items():
        present = sections.present(listed, section)[name]
        if name in record and name not in sections.ROWS:
            assert suggesting.spelt(name, record[name], resource) == present, name


def test_a_proposal_that_is_accepted_makes_the_listing_what_the_file_says(imported):
    listed = full()
    cells = row(
        name="Le Traiteur du parc",
        neq="1147627393",
        city="Brossard",
        Fiche=listed.slug,
        Forme="Mutuelle",
        Téléphone="450 555-0002",
        Secteurs="habitation | alimentation",
        Statuts="cpe | entreprise-insertion",
        Bienfaits="environnement",
        Services="Repas | Produit : Confitures",
        Permis="MAPAQ : 12 : 2027-03-31",
        Langues="anglais",
        Contact="Aïcha Fictive",
        Fonction="Ventes",
    ) | {"Complet jusqu’au": "2028-01-01", "Régions desservies": "16", "Montant assuré": "5"}
    imported(cells)
    assert Enterprise.objects.get() == listed
    for revision in Revision.objects.order_by("pk"):
        changes = {name: said["proposed"] for name, said in revision.changes.items()}
        sections.apply(
            enterprise=Enterprise.objects.get(),
            section=revision.section,
            changes=changes,
            by=None,
            source="staff",
        )
    count = Revision.objects.count()
    (entry,) = imported(cells)
    assert not entry.corrects, entry.messages
    assert Revision.objects.count() == count
    assert Offering.objects.get(name="Repas").description == "Chauds ou froids."
    assert Contact.objects.get(name="Aïcha Fictive").function == "Ventes"


def full():
    """A listing that its owner wrote from end to end."""
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        neq="1143453513",
        phone="+14505550001",
        busy_until="2027-01-31",
        languages=["français"],
        sectors=["alimentation"],
        insured_amount=2_000_000,
        other_names=["TDP"],
        provenance=dict.fromkeys(
            [
                *("name", "neq", "city", "legal_form", "phone", "busy_until", "languages"),
                *("sectors", "insured_amount", "served_regions", "offerings", "statuses"),
                *("benefits", "permits", "contacts"),
            ],
            "owner",
        ),
    )
    listed.served_regions.add(Region.objects.get(code="06"))
    OfferingFactory(enterprise=listed, name="Repas", description="Chauds ou froids.", position=1)
    OfferingFactory(enterprise=listed, name="Buffets", position=2)
    CertificationFactory(enterprise=listed, number="EI-7")
    EnterpriseBenefitFactory(enterprise=listed, benefit=BenefitFactory(slug="lien-social"))
    PermitFactory(enterprise=listed)
    ContactFactory(enterprise=listed, name="Aïcha Fictive", function="Direction")
    listed.refresh_from_db()
    return listed


def test_another_person_is_proposed_beside_those_that_are_there(imported):
    listed = EnterpriseFactory(name="Traiteur du parc", provenance={"contacts": "owner"})
    there = ContactFactory(enterprise=listed)
    imported(row(city="Longueuil", Contact="Béa Fictive", Fonction="Ventes"))
    proposed = Revision.objects.get().changes["contacts"]["proposed"]
    assert [(one["id"], one["name"]) for one in proposed] == [
        (there.pk, there.name),
        (None, "Béa Fictive"),
    ]


# --- Rights to write


def test_the_right_to_write_is_noted_of_the_addresses_that_are_kept(file, reference):
    owned = EnterpriseFactory(
        name="Cuisine des voisins", email="vraie@exemple.test", provenance={"email": "owner"}
    )
    gone = EnterpriseFactory(name="Friperie du cap", email="non@exemple.test")
    ConsentBasis.objects.create(
        enterprise=gone,
        email="non@exemple.test",
        basis="published",
        source="Son site",
        given_on="2025-01-01",
        withdrawn_on="2026-01-01",
    )
    rows = [
        row(Courriel="Info@exemple.test", Contact="Béa F.") | {"Courriel du contact": "bea@b.test"},
        row(name="Cuisine des voisins", city="Longueuil", Courriel="autre@exemple.test"),
        row(name="Friperie du cap", city="Longueuil", Courriel="Non@Exemple.test"),
    ]
    path = file(*rows)
    said = ["--consent", "express", "--consent-source", "Formulaire d’adhésion 2026"]
    for _ in range(2):
        call_command(
            *("import_enterprises", str(path), "--apply", "--default", "legal_form=npo", *said),
            stdout=io.StringIO(),
        )
    noted = ConsentBasis.objects.filter(basis="express")
    assert set(noted.values_list("email", flat=True)) == {"info@exemple.test", "bea@b.test"}
    assert not noted.filter(enterprise__in=[owned, gone]).exists()


def test_a_right_to_write_has_its_proof(file, reference):
    with pytest.raises(CommandError, match="vont ensemble"):
        call_command("import_enterprises", str(file(row())), "--consent", "express")


def test_without_a_right_none_is_noted(imported):
    imported(row(Courriel="info@exemple.test"))
    assert not ConsentBasis.objects.exists()
