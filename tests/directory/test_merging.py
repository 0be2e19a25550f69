"""Two listings made one: nothing lost, nothing left behind, and all of it undone."""

import datetime
import threading

import pytest
from django.apps import apps
from django.db import connection, connections, models
from django.test.utils import isolate_apps
from django.utils import timezone

from directory import acts, belongings, changes, integrity, merging
from directory.belongings import values_of
from directory.changes import Since
from directory.checks import merge_rules
from directory.extensions import MergeHandler, merge_handlers
from directory.imports.matching import Index
from directory.models import (
    AuditEntry,
    Certification,
    Claim,
    ConsentBasis,
    Contact,
    Draft,
    DuplicatePair,
    Enterprise,
    EnterpriseBenefit,
    Invitation,
    Merge,
    Offering,
    PhoneCall,
    ProfileVisits,
    Reminder,
    Representative,
    Revision,
)
from tests.factories import (
    CertificationFactory,
    CityFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    ErrorReportFactory,
    OfferingFactory,
    PermitFactory,
    RecognitionFactory,
    ReferenceFactory,
    RegionFactory,
    StatusFactory,
    UserFactory,
)

MAY = datetime.date(2026, 5, 1)
JUNE = datetime.date(2026, 6, 1)
NEQ, OTHER_NEQ = "1147627393", "1143453513"


@pytest.fixture
def kept(db):
    return EnterpriseFactory(name="Menuiserie Boisvert", slug="menuiserie-boisvert", published=True)


@pytest.fixture
def gone(db):
    return EnterpriseFactory(name="Menuiserie Boivert inc.", slug="boivert-inc", published=True)


@pytest.fixture
def by(db):
    return UserFactory(email="curation@exemple.test", name="Claude Curation")


def merged(kept, gone, by=None, **choices):
    done = merging.merge(kept=kept, gone=gone, choices=choices, by=by)
    connection.check_constraints()
    kept.refresh_from_db()
    gone.refresh_from_db()
    return done


def full(enterprise):
    """A listing with a row in every table that a merge moves; gives label → key."""
    person = UserFactory()
    rows = [
        OfferingFactory(enterprise=enterprise, name=f"Escaliers {enterprise.pk}"),
        ContactFactory(enterprise=enterprise, name=f"Personne {enterprise.pk}"),
        CertificationFactory(enterprise=enterprise, number=f"EI-{enterprise.pk}"),
        EnterpriseBenefitFactory(enterprise=enterprise, benefit__slug=f"bienfait-{enterprise.pk}"),
        PermitFactory(enterprise=enterprise, kind="MAPAQ", number=f"{enterprise.pk}"),
        ReferenceFactory(enterprise=enterprise, work=f"Escalier {enterprise.pk}"),
        RecognitionFactory(enterprise=enterprise),
        ErrorReportFactory(enterprise=enterprise, reference=f"E-2222-{enterprise.pk}"),
        Representative.objects.create(enterprise=enterprise, user=person, role="editor"),
        Claim.objects.create(enterprise=enterprise, user=person, state="waiting"),
        Invitation.objects.create(
            enterprise=enterprise,
            email=f"invitee{enterprise.pk}@exemple.test",
            role="editor",
            token_hash=f"{enterprise.pk}",
            expires_at=timezone.now(),
        ),
        Revision.objects.create(
            enterprise=enterprise,
            section="identity",
            base_version=4,
            changes={"name": {"before": "A", "proposed": "B"}},
            source="owner",
            key=f"{enterprise.pk}",
            state="waiting",
        ),
        Draft.objects.create(
            enterprise=enterprise, user=person, section="identity", data={}, base_version=3
        ),
        ConsentBasis.objects.create(
            enterprise=enterprise,
            email=f"info{enterprise.pk}@exemple.test",
            basis="express",
            source="formulaire",
            given_on=MAY,
        ),
        Reminder.objects.create(enterprise=enterprise, due_on=MAY, step=enterprise.pk % 30_000),
        PhoneCall.objects.create(
            enterprise=enterprise, outcome="no_answer", key=f"{enterprise.pk}"
        ),
        ProfileVisits.objects.create(
            enterprise=enterprise, month=datetime.date(1000 + enterprise.pk % 8000, 1, 1), views=3
        ),
    ]
    return {row._meta.label_lower: row.pk for row in rows}


def owner_of(label, pk):
    return apps.get_model(label).objects.values_list("enterprise", flat=True).get(pk=pk)


# --- All that names a listing


def test_every_table_that_names_an_enterprise_has_its_rule():
    assert merging.unhandled() == []
    labels = {table.label for table in belongings.TABLES}
    assert len(labels) == len(belongings.TABLES) == 17


@isolate_apps("directory")
def test_a_table_of_another_app_without_a_rule_keeps_the_site_from_starting():
    class Note(models.Model):
        enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="+")
        others = models.ManyToManyField(Enterprise, related_name="+")

        class Meta:
            app_label = "directory"

    through = Note._meta.get_field("others").remote_field.through
    relations = [
        *Enterprise._meta.get_fields(include_hidden=True),
        Note._meta.get_field("enterprise").remote_field,
        Note._meta.get_field("others").remote_field,
        through._meta.get_field("enterprise").remote_field,
    ]
    wanted = ["directory.note.enterprise", "directory.note.others"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Enterprise._meta, "get_fields", lambda **kwargs: relations)
        assert merging.unhandled() == wanted
        errors = merge_rules(None)
        handler = MergeHandler(tuple(wanted), "Gardées.", lambda *_: None, lambda *_: None)
        merge_handlers.register("notes", handler)
        assert merging.unhandled() == []
        merge_handlers.entries.clear()
    assert [error.msg.split()[0] for error in errors] == wanted


def test_rows_of_every_table_change_hands_and_come_back(kept, gone, by):
    there, coming = full(kept), full(gone)
    assert {table.label for table in belongings.TABLES} == coming.keys()
    before = {side.pk: values_of(side) for side in (kept, gone)}
    done = merged(kept, gone, by)
    for label in coming:
        assert owner_of(label, coming[label]) == kept.pk, label
        assert owner_of(label, there[label]) == kept.pk, label
    assert integrity.check(timezone.localdate()).wrong == []

    merging.undo(merge=done, by=by)
    connection.check_constraints()
    for label in coming:
        assert owner_of(label, coming[label]) == gone.pk, label
        assert owner_of(label, there[label]) == kept.pk, label
    dated = {"version", "updated_at", "provenance"}
    for side in (kept, gone):
        side.refresh_from_db()
        now = values_of(side)
        assert {name for name in now if now[name] != before[side.pk][name]} <= dated
        assert now["provenance"] == before[side.pk]["provenance"]
    revision = Revision.objects.get(pk=coming["directory.revision"])
    assert (revision.state, revision.base_version) == ("waiting", 4)
    assert integrity.check(timezone.localdate()).wrong == []


def test_another_app_moves_its_own_rows_and_puts_them_back(kept, gone):
    named = {gone.pk}

    def move(kept, gone):
        named.remove(gone)
        named.add(kept)
        return {"was": gone}

    def put_back(kept, gone, memory):
        named.remove(kept)
        named.add(memory["was"])

    merge_handlers.register("lists", MergeHandler(("lists.list.one",), "Gardées.", move, put_back))
    try:
        done = merged(kept, gone)
        assert named == {kept.pk}
        merging.undo(merge=done, by=None)
        assert named == {gone.pk}
    finally:
        merge_handlers.entries.clear()


def test_listings_that_were_replaced_by_the_one_that_goes_are_by_the_other(kept, gone):
    old = EnterpriseFactory(archived=True, closing="replaced", replaced_by=gone)
    done = merged(kept, gone)
    old.refresh_from_db()
    assert old.replaced_by == kept
    merging.undo(merge=done, by=None)
    old.refresh_from_db()
    assert old.replaced_by == gone


def test_what_looked_like_the_listing_that_goes_is_compared_with_the_other(kept, gone):
    third, fourth = EnterpriseFactory(), EnterpriseFactory()
    asked = DuplicatePair.objects.create(first=gone, second=third, reasons=["phone"])
    known = DuplicatePair.objects.create(
        first=kept, second=fourth, reasons=[], state="distinct", decided_at=timezone.now()
    )
    twice = DuplicatePair.objects.create(first=gone, second=fourth, reasons=["site"])
    one = DuplicatePair.objects.create(first=kept, second=gone, reasons=["name"])
    done = merged(kept, gone)
    states = dict(DuplicatePair.objects.values_list("pk", "state"))
    assert states == {asked.pk: "open", known.pk: "distinct", one.pk: "merged"}
    asked.refresh_from_db()
    assert (asked.first, asked.second) == (kept, third)
    merging.undo(merge=done, by=None)
    asked.refresh_from_db()
    assert (asked.first, asked.second) == (gone, third)
    assert DuplicatePair.objects.get(pk=twice.pk).reasons == ["site"]
    one.refresh_from_db()
    assert (one.state, one.decided_at) == ("open", None)


# --- Rows that collide


def test_of_the_same_benefit_the_longer_evidence_is_kept(kept, gone):
    row = EnterpriseBenefitFactory(enterprise=kept, evidence="Peu.")
    other = EnterpriseBenefitFactory(enterprise=gone, evidence="Douze parcours par année.")
    done = merged(kept, gone)
    assert [one.evidence for one in EnterpriseBenefit.objects.all()] == [other.evidence]
    merging.undo(merge=done, by=None)
    assert dict(EnterpriseBenefit.objects.values_list("pk", "evidence")) == {
        row.pk: "Peu.",
        other.pk: "Douze parcours par année.",
    }


def test_two_identical_offerings_are_one_with_what_either_says(kept, gone):
    OfferingFactory(enterprise=kept, name="Escaliers", position=0)
    OfferingFactory(enterprise=gone, name="ESCALIERS", description="En chêne.", position=4)
    OfferingFactory(enterprise=gone, name="Portes", position=5)
    merged(kept, gone)
    rows = kept.offerings.values_list("name", "description", "position")
    assert list(rows) == [("Escaliers", "En chêne.", 0), ("Portes", "", 1)]


def test_the_same_offering_for_another_territory_is_another(kept, gone):
    OfferingFactory(enterprise=kept, name="Escaliers")
    elsewhere = OfferingFactory(enterprise=gone, name="Escaliers")
    elsewhere.served_regions.set([RegionFactory()])
    merged(kept, gone)
    assert kept.offerings.count() == 2


def test_of_the_same_certification_the_later_expiry_is_kept(kept, gone):
    CertificationFactory(enterprise=kept, expires_on=MAY)
    CertificationFactory(enterprise=gone, expires_on=JUNE, issuer="Emploi-Québec")
    merged(kept, gone)
    rows = Certification.objects.values_list("enterprise", "expires_on", "issuer")
    assert list(rows) == [(kept.pk, JUNE, "Emploi-Québec")]


def test_a_certification_without_a_number_joins_the_one_that_has_one_but_not_before_its_own(
    kept, gone
):
    status = StatusFactory()
    for enterprise, number in ((kept, "123"), (gone, ""), (gone, "123"), (kept, "")):
        CertificationFactory(enterprise=enterprise, status=status, number=number)
    CertificationFactory(enterprise=gone, status=status, number="456")
    merged(kept, gone)
    numbers = Certification.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == ["", "123", "456"]


def test_the_same_person_is_there_once_and_what_was_reserved_stays_so(kept, gone):
    ContactFactory(enterprise=kept, name="Aïcha Fictive", email="", phone="+14505550123")
    ContactFactory(
        enterprise=gone,
        name="AICHA FICTIVE",
        email="aicha@exemple.test",
        phone="",
        email_visibility="staff",
    )
    ContactFactory(enterprise=gone, name="Aïcha Fictive", phone="+14505559999")
    merged(kept, gone)
    rows = kept.contacts.order_by("pk").values_list("email", "phone", "email_visibility")
    assert list(rows) == [
        ("aicha@exemple.test", "+14505550123", "staff"),
        ("aicha@traiteur.example", "+14505559999", "buyers"),
    ]


def test_who_owns_one_of_the_two_owns_what_is_kept(kept, gone):
    person, other = UserFactory(), UserFactory()
    Representative.objects.create(enterprise=kept, user=person, role="editor")
    Representative.objects.create(enterprise=gone, user=person, role="owner")
    Representative.objects.create(enterprise=gone, user=other, role="editor")
    done = merged(kept, gone)
    assert dict(kept.representatives.values_list("user", "role")) == {
        person.pk: "owner",
        other.pk: "editor",
    }
    merging.undo(merge=done, by=None)
    assert dict(kept.representatives.values_list("user", "role")) == {person.pk: "editor"}
    assert dict(gone.representatives.values_list("user", "role")) == {
        person.pk: "owner",
        other.pk: "editor",
    }


def test_of_two_open_claims_of_a_person_and_two_open_invitations_one_stays_open(kept, gone):
    person = UserFactory()
    for enterprise in (kept, gone):
        Claim.objects.create(enterprise=enterprise, user=person, state="waiting")
        Invitation.objects.create(
            enterprise=enterprise,
            email="invitee@exemple.test",
            role="editor",
            token_hash=f"{enterprise.pk}",
            expires_at=timezone.now(),
        )
    done = merged(kept, gone)
    assert list(kept.claims.order_by("pk").values_list("state", flat=True)) == [
        "waiting",
        "withdrawn",
    ]
    assert kept.invitations.filter(withdrawn_at=None).count() == 1
    merging.undo(merge=done, by=None)
    assert gone.claims.get().state == "waiting"
    assert gone.invitations.get().withdrawn_at is None


def test_what_waits_for_a_decision_started_from_no_version_of_this_listing(kept, gone):
    rows = full(gone)
    merged(kept, gone)
    assert Revision.objects.get(pk=rows["directory.revision"]).base_version == 0
    assert Draft.objects.get(pk=rows["directory.draft"]).base_version == 0


def test_visits_are_added_up_and_taken_off_again_whatever_came_since(kept, gone):
    for enterprise, views in ((kept, 10), (gone, 5)):
        ProfileVisits.objects.create(enterprise=enterprise, month=MAY, views=views)
    done = merged(kept, gone)
    visits = ProfileVisits.objects.get()
    assert (visits.enterprise, visits.views) == (kept, 15)
    ProfileVisits.objects.update(views=17)
    merging.undo(merge=done, by=None)
    assert dict(ProfileVisits.objects.values_list("enterprise", "views")) == {
        kept.pk: 12,
        gone.pk: 5,
    }


def test_consent_taken_back_from_one_listing_is_taken_back_from_both(kept, gone):
    def basis(enterprise, **said):
        given = {"email": "info@exemple.test", "basis": "published", "source": "site"}
        return ConsentBasis.objects.create(
            enterprise=enterprise, **given | {"given_on": MAY} | said
        )

    basis(kept)
    basis(gone, email="INFO@exemple.test", withdrawn_on=JUNE)
    newer = basis(gone, basis="express", given_on=JUNE + datetime.timedelta(days=3))
    merged(kept, gone)
    assert list(kept.consent_bases.filter(withdrawn_on=None)) == [newer]


def test_of_the_same_consent_the_older_is_kept(kept, gone):
    for enterprise, day in ((kept, JUNE), (gone, MAY)):
        ConsentBasis.objects.create(
            enterprise=enterprise,
            email="info@exemple.test",
            basis="express",
            source=f"formulaire de {day:%B}",
            given_on=day,
        )
    merged(kept, gone)
    row = ConsentBasis.objects.get()
    assert (row.enterprise, row.given_on, row.source) == (kept, MAY, "formulaire de May")


# --- What is chosen


def test_what_is_empty_is_filled_from_the_other_and_the_rest_stays(kept, gone):
    Enterprise.objects.filter(pk=kept.pk).update(phone="+14505550001", mission="Bâtir.")
    Enterprise.objects.filter(pk=gone.pk).update(
        phone="+14505550002",
        mission="Autre.",
        website="https://boisvert.example",
        smallest_order=0,
        provenance={"website": "owner", "phone": "owner"},
    )
    kept.refresh_from_db()
    gone.refresh_from_db()
    merged(kept, gone)
    assert (kept.phone, kept.mission) == ("+14505550001", "Bâtir.")
    assert (kept.website, kept.smallest_order) == ("https://boisvert.example", 0)
    assert kept.provenance == {"website": "owner"}
    assert kept.other_names == ["Menuiserie Boivert inc."]


def test_what_is_chosen_of_the_other_comes_with_who_said_it(kept, gone):
    city = CityFactory(code="58007", name="Brossard")
    Enterprise.objects.filter(pk=gone.pk).update(
        city=city,
        address="1, rue du Bois",
        provenance={"city": "staff", "address": "import", "name": "owner"},
    )
    Enterprise.objects.filter(pk=kept.pk).update(provenance={"name": "staff", "address": "owner"})
    kept.refresh_from_db()
    gone.refresh_from_db()
    merged(kept, gone, name="gone", place="gone")
    assert (kept.name, kept.city, kept.address) == (
        "Menuiserie Boivert inc.",
        city,
        "1, rue du Bois",
    )
    assert kept.other_names == ["Menuiserie Boisvert"]
    assert kept.provenance == {"name": "owner", "city": "staff", "address": "import"}
    assert kept.slug == "menuiserie-boisvert"


def test_lists_of_things_can_be_put_together(kept, gone):
    kept.languages, gone.languages = ["français"], ["anglais", "français"]
    kept.save()
    gone.save()
    region = RegionFactory()
    gone.served_regions.set([region])
    done = merged(kept, gone, languages="both", territory="both")
    assert kept.languages == ["français", "anglais"]
    assert list(kept.served_regions.all()) == [region]
    merging.undo(merge=done, by=None)
    kept.refresh_from_db()
    assert kept.languages == ["français"]
    assert not kept.served_regions.exists()


@pytest.mark.parametrize(
    ("choices", "error"), [({"name": "both"}, ValueError), ({"neq": "ailleurs"}, ValueError)]
)
def test_a_choice_that_there_is_not_is_refused_and_nothing_is_written(kept, gone, choices, error):
    with pytest.raises(error):
        merged(kept, gone, **choices)
    gone.refresh_from_db()
    assert gone.state == "published"


def test_a_name_of_no_part_changes_nothing(kept, gone):
    merged(kept, gone, slug="gone", version="gone", state="gone")
    assert (kept.slug, kept.state) == ("menuiserie-boisvert", "published")


def test_the_neq_is_released_by_the_listing_that_goes_and_given_back(kept, gone):
    Enterprise.objects.filter(pk=gone.pk).update(neq=NEQ)
    gone.refresh_from_db()
    done = merged(kept, gone)
    assert (kept.neq, gone.neq) == (NEQ, None)
    merging.undo(merge=done, by=None)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.neq, gone.neq) == (None, NEQ)


def test_two_neqs_may_be_exchanged(kept, gone):
    Enterprise.objects.filter(pk=kept.pk).update(neq=NEQ)
    Enterprise.objects.filter(pk=gone.pk).update(neq=OTHER_NEQ)
    kept.refresh_from_db()
    gone.refresh_from_db()
    done = merged(kept, gone, neq="gone")
    assert (kept.neq, gone.neq) == (OTHER_NEQ, None)
    merging.undo(merge=done, by=None)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.neq, gone.neq) == (NEQ, OTHER_NEQ)


def test_a_draft_into_which_a_published_listing_is_merged_is_published(gone):
    draft = EnterpriseFactory(name="Menuiserie Boisvert", slug="brouillon")
    merged(draft, gone)
    assert (draft.state, draft.published_on) == ("published", gone.published_on)


def test_a_listing_is_not_said_to_be_confirmed_later_than_what_it_says(kept, gone):
    Enterprise.objects.filter(pk=gone.pk).update(confirmed_on=MAY, email="info@boisvert.example")
    gone.refresh_from_db()
    Enterprise.objects.filter(pk=kept.pk).update(phone="+14505550001")
    kept.refresh_from_db()
    assert kept.confirmed_on > MAY
    merged(kept, gone)
    assert kept.confirmed_on == MAY


def test_what_is_proposed_is_said_then_surest_then_latest():
    def side(source="", updated="2026-01-01", **values):
        own = {"name": "", "languages": [], "provenance": {}, "updated_at": updated, "state": ""}
        if source:
            own["provenance"] = {"name": source, "languages": source}
        return own | values

    name, languages = (
        next(part for part in merging.PARTS if part.name == wanted)
        for wanted in ("name", "languages")
    )
    for expected, one, other in [
        ("other", side("owner"), side("import", name="B")),
        ("one", side("owner", name="A"), side("staff", name="B")),
        ("other", side("import", name="A"), side("", name="B")),
        ("one", side("staff", name="A"), side("import", "2026-02-02", name="B")),
        ("other", side("staff", name="A"), side("staff", "2026-02-02", name="B")),
        ("one", side(name="A"), side(name="B")),
        ("one", side(name="A", state="published"), side("", "2026-02-02", name="B", state="draft")),
        (
            "other",
            side(name="A", state="draft"),
            side("", "2025-02-02", name="B", state="published"),
        ),
    ]:
        assert merging.proposed(name, one, other) == expected
    for expected, one, other in [
        ("both", side(languages=["a"]), side(languages=["b"])),
        ("one", side("owner", languages=["a"]), side(languages=["b"])),
    ]:
        assert merging.proposed(languages, one, other) == expected


def test_the_listing_proposed_is_published_then_owned_then_the_older(db):
    first, second = EnterpriseFactory(), EnterpriseFactory()
    assert merging.better_kept(second, first) == first
    closed = UserFactory(is_active=False)
    place = Representative.objects.create(enterprise=second, user=closed, role="owner")
    assert merging.better_kept(first, second) == first
    place.user = UserFactory()
    place.save()
    assert merging.better_kept(first, second) == second
    published = EnterpriseFactory(published=True)
    assert merging.better_kept(second, published) == published


# --- What is refused


def test_a_listing_written_since_it_was_seen_is_not_merged(kept, gone):
    Enterprise.objects.filter(pk=gone.pk).update(version=9)
    with pytest.raises(merging.Conflict) as conflict:
        merging.merge(kept=kept, gone=gone, choices={}, by=None)
    assert conflict.value.names == [gone.name]
    assert not Merge.objects.exists()


def test_a_listing_is_not_merged_twice_nor_with_itself_nor_once_archived_or_deleted(kept, gone):
    merged(kept, gone)
    other = EnterpriseFactory()
    for one, two in ((kept, gone), (gone, kept), (kept, kept), (other, gone)):
        with pytest.raises(merging.Impossible):
            merging.merge(kept=one, gone=two, choices={}, by=None)
    pk = other.pk
    Enterprise.objects.filter(pk=pk).delete()
    with pytest.raises(merging.Impossible):
        merging.merge(kept=kept, gone=other, choices={}, by=None)
    assert Merge.objects.count() == 1


def test_a_merge_is_undone_once(kept, gone, by):
    done = merged(kept, gone, by)
    undone = merging.undo(merge=done, by=by)
    assert (undone.undone_by, undone.undone_at is None) == (by, False)
    with pytest.raises(merging.Impossible):
        merging.undo(merge=done, by=by)
    gone.refresh_from_db()
    assert (gone.state, gone.replaced_by, gone.closing) == ("published", None, "")


@pytest.mark.parametrize("side", ["kept", "gone"])
def test_a_listing_written_since_the_merge_keeps_it_from_being_undone(kept, gone, side):
    done = merged(kept, gone)
    touched = {"kept": kept, "gone": gone}[side]
    Enterprise.objects.filter(pk=touched.pk).update(version=99)
    with pytest.raises(merging.Impossible, match=touched.name):
        merging.undo(merge=done, by=None)
    done.refresh_from_db()
    assert done.undone_at is None


def test_merges_are_undone_last_first(kept, gone):
    third = EnterpriseFactory(name="Boisvert", published=True)
    first = merged(kept, gone)
    second = merged(third, kept)
    with pytest.raises(merging.Impossible, match="à son tour"):
        merging.undo(merge=first, by=None)
    gone.refresh_from_db()
    assert gone.replaced_by == third
    merging.undo(merge=second, by=None)
    merging.undo(merge=first, by=None)
    gone.refresh_from_db()
    assert (gone.state, gone.replaced_by) == ("published", None)
    kept.refresh_from_db()
    assert merged(kept, gone)


def test_what_was_changed_since_stays_as_it_was_left(kept, gone):
    ContactFactory(enterprise=gone, name="Aïcha Fictive")
    Representative.objects.create(enterprise=gone, user=UserFactory(), role="owner")
    done = merged(kept, gone)
    late = ErrorReportFactory(enterprise=kept)
    Representative.objects.all().delete()
    merging.undo(merge=done, by=None)
    late.refresh_from_db()
    assert late.enterprise == kept
    assert not Representative.objects.exists()
    assert Contact.objects.get().enterprise == gone


# --- Traces


def test_a_merge_and_its_undoing_leave_history_and_a_trace(kept, gone, by):
    row = OfferingFactory(enterprise=gone)
    done = merged(kept, gone, by)
    for one in (kept, gone):
        latest = one.history.first()
        assert (latest.history_change_reason, latest.history_user) == ("fusion", by)
    moved = Offering.history.filter(id=row.pk).first()
    assert (moved.enterprise_id, moved.history_change_reason) == (kept.pk, "fusion")
    merging.undo(merge=done, by=by)
    assert kept.history.first().history_change_reason == "fusion défaite"
    acts = AuditEntry.objects.order_by("pk").values_list("act", "subject_id", "by_id")
    assert list(acts) == [
        ("enterprise.merged", kept.pk, by.pk),
        ("enterprise.merge_undone", kept.pk, by.pk),
    ]


# --- Addresses and data


PATHS = ["/entreprises/{}/", "/entreprises/{}.vcf", "/entreprises/{}/signaler/"]


@pytest.mark.parametrize("path", PATHS)
def test_each_address_of_the_listing_that_went_leads_for_good_to_the_same_of_the_other(
    path, client, kept, gone, reference
):
    done = merged(kept, gone)
    response = client.get(path.format(gone.slug))
    assert (response.status_code, response.headers["Location"]) == (301, path.format(kept.slug))
    assert "max-age=0" in response.headers["Cache-Control"] or path.endswith("signaler/")
    merging.undo(merge=done, by=None)
    assert client.get(path.format(gone.slug)).status_code == 200


def test_an_error_reported_while_a_listing_is_merged_is_not_lost(client, kept, gone, reference):
    merged(kept, gone)
    response = client.post(PATHS[2].format(gone.slug), {"message": "Fermée le lundi."})
    assert (response.status_code, response.headers["Location"]) == (308, PATHS[2].format(kept.slug))


def test_two_merges_in_a_row_are_one_step(client, kept, gone, reference):
    third = EnterpriseFactory(name="Boisvert", slug="boisvert", published=True)
    merged(kept, gone)
    merged(third, kept)
    response = client.get(PATHS[0].format(gone.slug))
    assert (response.status_code, response.headers["Location"]) == (
        301,
        PATHS[0].format("boisvert"),
    )


def test_a_listing_replaced_without_a_merge_keeps_its_page(client, kept, reference):
    EnterpriseFactory(slug="ancienne", archived=True, closing="replaced", replaced_by=kept)
    response = client.get(PATHS[0].format("ancienne"))
    assert response.status_code == 410
    assert "Remplacée par" in response.content.decode()


def test_a_listing_merged_into_one_that_is_withdrawn_has_a_page_that_says_so(
    client, kept, gone, reference
):
    merged(kept, gone)
    Enterprise.objects.filter(pk=kept.pk).update(state="archived", closing="closed")
    assert client.get(PATHS[0].format(gone.slug)).status_code == 410


def test_who_keeps_a_copy_of_the_data_is_told(kept, gone, reference):
    connection.check_constraints()
    version = changes.since(Since()).version
    done = merged(kept, gone)
    told = changes.since(Since(version))
    # Of one transaction with all that came before, in this test: new and changed are one.
    assert [row["slug"] for row in told.published + told.changed] == [kept.slug]
    assert [(row["slug"], row["reason"], row["successor"]) for row in told.withdrawn] == [
        (gone.slug, "replaced", kept.slug)
    ]
    merging.undo(merge=done, by=None)
    connection.check_constraints()
    told = changes.since(Since(version))
    assert {row["slug"] for row in told.published + told.changed} == {kept.slug, gone.slug}


def test_a_file_that_names_what_was_merged_speaks_of_what_was_kept(kept, gone, reference):
    Enterprise.objects.filter(pk=gone.pk).update(neq=NEQ)
    gone.refresh_from_db()
    Enterprise.objects.filter(pk=kept.pk).update(neq=OTHER_NEQ)
    kept.refresh_from_db()
    merged(kept, gone)
    index, city = Index(), kept.city_id
    for said in ({"slug": gone.slug}, {"neq": NEQ}, {"name": gone.name}):
        found = index.certain(**{"slug": "", "neq": "", "name": "", "city": city} | said)
        assert [one.pk for one in found] == [kept.pk], said


# --- At the same time


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("edited", ["kept", "gone"])
def test_an_edit_at_the_same_time_is_not_lost(reference, edited):
    kept = EnterpriseFactory(name="Menuiserie Boisvert", published=True)
    gone = EnterpriseFactory(name="Menuiserie Boivert", published=True)
    target = {"kept": kept, "gone": gone}[edited]
    held, done = threading.Event(), threading.Event()

    def edit():
        from django.db import transaction

        try:
            with transaction.atomic():
                Enterprise.objects.lock([target.pk])
                row = Enterprise.objects.get(pk=target.pk)
                held.set()
                row.mission, row.version = "Écrite à la dernière seconde.", row.version + 1
                done.wait(0.5)
                row.save()
        finally:
            connections.close_all()

    thread = threading.Thread(target=edit)
    thread.start()
    held.wait(5)
    with pytest.raises(merging.Conflict):
        merging.merge(kept=kept, gone=gone, choices={}, by=None)
    thread.join()
    target.refresh_from_db()
    assert (target.mission, target.state) == ("Écrite à la dernière seconde.", "published")


@pytest.mark.django_db(transaction=True)
def test_the_same_merge_asked_five_times_at_once_is_done_once(reference):
    kept = EnterpriseFactory(name="Menuiserie Boisvert", published=True)
    gone = EnterpriseFactory(name="Menuiserie Boivert", published=True)
    full(gone)
    results = []

    def ask():
        try:
            one, other = (Enterprise.objects.get(pk=side.pk) for side in (kept, gone))
            one.version = other.version = 1
            merging.merge(kept=one, gone=other, choices={}, by=None)
            results.append("done")
        except (merging.Impossible, merging.Conflict):
            results.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", *["refused"] * 4]
    assert Merge.objects.count() == 1
    assert integrity.check(timezone.localdate()).wrong == []


def test_a_merged_listing_that_was_opened_again_is_merged_again(kept, gone, by):
    first = merged(kept, gone, by)
    acts.publish(ids=[gone.pk], by=by)
    gone.refresh_from_db()
    again = merged(kept, gone, by)
    first.refresh_from_db()
    assert (first.undone_by, again.undone_at) == (by, None)
    assert merging.successor(gone) == kept
