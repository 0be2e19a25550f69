"""An import taken back: what nobody touched since is as before, the rest stays and is said."""

import pytest
from django.urls import reverse

from directory.imports import batches, undoing
from directory.imports.bounds import Refused
from directory.models import (
    Contact,
    Enterprise,
    ImportBatch,
    PhoneCall,
    Representative,
)
from tests.factories import (
    BenefitFactory,
    CertificationFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
)
from tests.imports import address

pytestmark = pytest.mark.usefixtures("reference")

ROW = {"Nom": "Traiteur du parc", "Ville": "Longueuil"}


def undone(batch, by):
    undoing.undo(pk=batch.pk, by=by)
    return batch.rows.get()


def whole(enterprise):
    """All that a listing says, its parts included, but what every write moves."""
    from directory import sections
    from directory.models import Section

    enterprise = Enterprise.objects.get(pk=enterprise.pk)
    said = {}
    for section in Section.values:
        for name, value in sections.present(enterprise, section).items():
            said[name] = (
                [
                    {column: cell for column, cell in row.items() if column != "id"}
                    if isinstance(row, dict)
                    else row
                    for row in value
                ]
                if isinstance(value, list)
                else value
            )
    positions = [getattr(enterprise, name) for name in ("latitude", "longitude", "geo_precision")]
    return said, positions, enterprise.external_ids, enterprise.provenance


def test_every_column_is_put_back(applied, curator):
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        provenance=dict.fromkeys(
            [
                *("phone", "mission", "sectors", "statuses", "benefits", "offerings", "permits"),
                *("busy_until", "latitude", "languages", "served_regions", "contacts", "akcelos"),
            ],
            "import",
        ),
        phone="+14505550001",
        busy_until="2027-01-31",
        latitude=45.5,
        longitude=-73.4,
        geo_precision="fsa",
        languages=["français"],
        sectors=["alimentation"],
    )
    OfferingFactory(enterprise=listed, name="Buffets", description="Froids.", position=1)
    CertificationFactory(enterprise=listed, number="EI-7", issuer="Collectif")
    EnterpriseBenefitFactory(enterprise=listed, benefit=BenefitFactory(slug="lien-social"))
    PermitFactory(enterprise=listed, expires_on="2027-03-31")
    ContactFactory(enterprise=listed, name="Aïcha Fictive", function="Direction")
    before = whole(listed)
    batch = applied(
        ROW
        | {
            "NEQ": "1147627393",
            "Téléphone": "450 555-0002",
            "Mission": "Nourrir.",
            "Secteurs": "habitation",
            "Statuts": "cpe",
            "Bienfaits": "environnement",
            "Services": "Repas | Produit : Confitures",
            "Permis": "MAPAQ : 12",
            "Complet jusqu’au": "2028-01-01",
            "Latitude": "45,6",
            "Longitude": "-73,5",
            "Langues": "anglais",
            "Régions desservies": "16",
            "AkcelOS": "https://akcelos.example/parc",
            "Contact": "Aïcha Fictive",
            "Fonction": "Ventes",
            "Montant assuré": "2000000",
            "SEAO": "oui",
        }
    )
    assert whole(listed) != before
    row = undone(batch, curator.user)
    assert (row.outcome, whole(listed)) == ("restored", before)
    listed.refresh_from_db()
    assert listed.version == 3
    history = listed.history.first()
    assert (history.history_change_reason, history.history_user) == (
        "import annulé\xa0: liste.csv",
        curator.user,
    )


def test_what_was_changed_since_stays_field_by_field(applied, curator):
    listed = EnterpriseFactory(
        name="Traiteur du parc",
        phone="+14505550001",
        provenance={"phone": "import"},
    )
    batch = applied(ROW | {"Tél": "450 555-0002", "Mission": "Nourrir.", "Contact": "Béa Fictive"})
    listed.refresh_from_db()
    listed.phone = "+14505550003"
    listed.provenance["phone"] = "owner"
    listed.save()
    row = undone(batch, curator.user)
    listed.refresh_from_db()
    assert (row.outcome, listed.phone, listed.mission) == ("stayed", "+14505550003", "")
    assert [message["reason"] for message in row.messages if message["kind"] == "undone"] == [
        "Téléphone\xa0: changé depuis, reste."
    ]
    assert listed.provenance == {"phone": "owner"}
    assert not Contact.objects.exists()


@pytest.mark.parametrize("touch", ["published", "written", "represented", "called"])
def test_a_new_listing_that_was_touched_stays_and_says_why(applied, curator, touch):
    batch = applied(ROW)
    made = Enterprise.objects.get()
    if touch == "published":
        Enterprise.objects.update(state="published", published_on="2026-01-01")
    elif touch == "written":
        Enterprise.objects.update(version=2)
    elif touch == "represented":
        Representative.objects.create(user=curator.user, enterprise=made, role="owner")
    else:
        PhoneCall.objects.create(enterprise=made, by=curator.user, outcome="no_answer", key="k")
    row = undone(batch, curator.user)
    assert (Enterprise.objects.get(), row.outcome) == (made, "stayed")
    assert row.messages[-1]["reason"].startswith("La fiche reste")
    response = curator.get(address("change", batch), {"voir": "stayed"})
    assert "La fiche reste" in response.content.decode()


def test_a_listing_deleted_leaves_the_history_of_who_and_why(applied, curator):
    batch = applied(ROW | {"Services": "Repas", "Contact": "Béa Fictive"})
    pk = Enterprise.objects.get().pk
    row = undone(batch, curator.user)
    assert (row.outcome, row.enterprise) == ("removed", None)
    for model in (Enterprise, Contact):
        gone = model.history.filter(history_type="-").get()
        assert gone.history_change_reason == "import annulé\xa0: liste.csv"
        assert gone.history_user == curator.user
    assert Enterprise.history.filter(id=pk).count() == 2


def test_what_is_not_written_has_nothing_to_take_back(previewed, curator):
    batch = previewed(ROW)
    with pytest.raises(Refused, match="rien à annuler"):
        undoing.undo(pk=batch.pk, by=curator.user)


def test_of_two_imports_of_a_listing_the_last_is_taken_back_first(applied, curator):
    first = applied(ROW | {"Tél": "450 555-0002"})
    second = applied(ROW | {"Tél": "450 555-0003"})
    assert undone(first, curator.user).outcome == "stayed"
    assert Enterprise.objects.get().phone == "+14505550003"
    assert undone(second, curator.user).outcome == "restored"
    assert Enterprise.objects.get().phone == "+14505550002"


def test_taking_back_needs_the_right_to_import(applied, moderator):
    batch = applied(ROW)
    assert moderator.post(address("undo", batch)).status_code == 403
    assert moderator.get(reverse("admin:directory_importbatch_add")).status_code == 403
    assert Enterprise.objects.exists()
    assert ImportBatch.objects.get().state == batches.State.APPLIED
