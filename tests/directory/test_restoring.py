"""A listing put back as it was: what history says of it, what comes back, who may."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from directory import restoring, sections
from directory.models import (
    AuditEntry,
    Certification,
    Contact,
    Enterprise,
    Offering,
    Sector,
    Status,
)
from directory.timeline import events
from directory.words import merge
from tests.at_once import at_once
from tests.factories import (
    BoroughFactory,
    CertificationFactory,
    CityFactory,
    ContactFactory,
    EnterpriseBenefitFactory,
    EnterpriseFactory,
    OfferingFactory,
    PermitFactory,
    ReferenceFactory,
    RegionFactory,
    SectorFactory,
    UserFactory,
)
from tests.sql import recorded_sql

pytestmark = pytest.mark.django_db


@pytest.fixture
def listing(reference):
    """With something in each part."""
    enterprise = EnterpriseFactory(
        name="Les Ateliers d’Alice",
        slug="alice",
        published=True,
        phone="+14505550123",
        mission="Réparer.",
        sectors=["alimentation"],
    )
    OfferingFactory(enterprise=enterprise, name="Traiteur")
    OfferingFactory(enterprise=enterprise, name="Ménage", position=1)
    ContactFactory(enterprise=enterprise)
    CertificationFactory(enterprise=enterprise)
    EnterpriseBenefitFactory(enterprise=enterprise)
    PermitFactory(enterprise=enterprise)
    ReferenceFactory(enterprise=enterprise)
    return enterprise


@pytest.fixture
def curator_user():
    return UserFactory(name="Carole", is_staff=True)


def past(enterprise, **span):
    """All that was written is as old as that; gives the moment of the last of it."""
    for model in (Enterprise, *restoring.PARTS):
        for row in model.history.order_by("history_id"):
            row.history_date -= timedelta(**span or {"days": 3})
            row.save()
    enterprise.refresh_from_db()
    return events(enterprise)[0].until


def write(enterprise, section, **changes):
    sections.apply(
        enterprise=enterprise,
        section=section,
        changes=changes,
        by=None,
        source=Enterprise.Source.OWNER,
    )
    enterprise.refresh_from_db()


def back(enterprise, at, by, *fields, reason="coquille"):
    enterprise.refresh_from_db()
    found = restoring.version(enterprise, at)
    return restoring.restore(
        enterprise=enterprise,
        at=at,
        fields=fields or found.fields,
        seen=found.seen,
        reason=reason,
        by=by,
    )


def content(enterprise):
    """All that the sections say, without the keys of rows."""
    enterprise = Enterprise.objects.get(pk=enterprise.pk)
    return {
        name: restoring._content(name, value)
        for name, value in sections.present_all(enterprise).items()
    }


EVERYTHING = {
    "identity": {
        "name": "Ateliers A",
        "other_names": ["AAA"],
        "neq": "1140000004",
        "legal_form": "coop_worker",
        "founded_year": 1999,
        "sectors": ["arts-culture-medias"],
        "mission": "Bâtir.",
        "size": "5-19",
        "languages": ["français"],
    },
    "offerings": {"offerings": [], "description": "Autre.", "benefits": []},
    "places": {
        "address": "1, rue X",
        "city": "58007",
        "postal_code": "J4W 1A1",
        "serves_province": True,
        "served_regions": ["16"],
    },
    "capacity": {
        "busy_until": "2027-01-01",
        "smallest_order": 10,
        "largest_order": 20,
        "lead_time_days": 3,
        "insured_amount": 5,
        "accepts_cobidding": True,
        "on_seao": True,
        "permits": [],
        "certifications": [],
        "references": [],
    },
    "contacts": {
        "phone": "+15145550199",
        "phone_extension": "12",
        "email": "a@alice.example",
        "website": "https://alice.example/",
        "contacts": [],
    },
}


# --- What comes back


def test_every_field_comes_back_and_rows_deleted_since_too(listing, curator_user):
    before = content(listing)
    at = past(listing)
    for section, changes in EVERYTHING.items():
        write(listing, section, **changes)
    version = restoring.version(listing, at)
    assert version.unknown == []
    assert version.lost == {}
    changed = {name for changes in EVERYTHING.values() for name in changes}
    assert set(version.fields) == changed
    assert back(listing, at, curator_user) == changed
    assert content(listing) == before


def test_only_what_is_ticked_is_written_and_nothing_else_moves(listing, curator_user):
    at = past(listing)
    write(listing, "identity", mission="Bâtir.", founded_year=1999)
    write(listing, "contacts", phone="+15145550199")
    offerings = list(Offering.objects.values())
    state = Enterprise.objects.values("state", "published_on", "confirmed_on", "slug", "logo")
    untouched = state.get(pk=listing.pk)
    assert back(listing, at, curator_user, "mission") == {"mission"}
    listing.refresh_from_db()
    assert (listing.mission, listing.founded_year) == ("Réparer.", 1999)
    assert listing.phone == "+15145550199"
    assert list(Offering.objects.values()) == offerings
    assert state.get(pk=listing.pk) == untouched


def test_a_row_that_was_left_alone_keeps_its_key(listing, curator_user):
    kept, gone = Offering.objects.order_by("position")
    at = past(listing)
    gone.delete()
    back(listing, at, curator_user)
    assert [row.name for row in listing.offerings.all()] == ["Traiteur", "Ménage"]
    assert listing.offerings.first().pk == kept.pk


def test_a_row_made_again_is_not_made_a_third_time(listing, curator_user):
    at = past(listing)
    listing.offerings.get(name="Ménage").delete()
    back(listing, at, curator_user)
    made = listing.offerings.get(name="Ménage").pk
    write(
        listing,
        "offerings",
        offerings=[
            row | {"description": "Neuf"} if row["name"] == "Traiteur" else row
            for row in sections.present(listing, "offerings")["offerings"]
        ],
    )
    back(listing, at, curator_user)
    assert listing.offerings.get(name="Ménage").pk == made
    assert listing.offerings.get(name="Traiteur").description == ""


def test_an_offering_that_comes_back_has_its_territory_and_code(listing, curator_user):
    offering = listing.offerings.get(name="Ménage")
    offering.unspsc, offering.serves_province = "76111500", True
    offering.save()
    offering.served_regions.set([RegionFactory()])
    at = past(listing)
    offering.delete()
    back(listing, at, curator_user)
    made = listing.offerings.get(name="Ménage")
    assert (made.unspsc, made.serves_province) == ("76111500", True)
    assert [region.code for region in made.served_regions.all()] == ["16"]
    assert made.history.first().history_user == curator_user
    assert made.history.first().served_regions.count() == 1


def test_a_row_that_another_listing_has_since_is_not_taken_from_it(listing, curator_user):
    offering = listing.offerings.get(name="Ménage")
    at = past(listing)
    other = EnterpriseFactory()
    offering.enterprise = other
    offering.save()
    back(listing, at, curator_user)
    assert listing.offerings.filter(name="Ménage").count() == 1
    assert other.offerings.get().pk == offering.pk


def test_a_row_that_came_from_another_listing_since_is_not_part_of_the_version(
    listing, curator_user
):
    moved = OfferingFactory(name="D’ailleurs")
    at = past(listing)
    moved.enterprise = listing
    moved.save()
    write(listing, "identity", mission="Bâtir.")
    assert back(listing, at, curator_user) == {"mission", "offerings"}
    assert not listing.offerings.filter(name="D’ailleurs").exists()


def test_a_borough_comes_back_with_its_city_and_is_refused_without_it(listing, curator_user):
    borough = BoroughFactory()
    listing.borough = borough
    listing.save()
    at = past(listing)
    CityFactory(code="58007", name="Brossard", slug="brossard")
    write(listing, "places", city="58007", borough="")
    with pytest.raises(ValidationError) as wrong:
        back(listing, at, curator_user, "borough")
    assert set(wrong.value.message_dict) == {"borough"}
    back(listing, at, curator_user, "borough", "city")
    listing.refresh_from_db()
    assert listing.borough == borough


def test_going_back_is_kept_in_history_under_one_reason_and_in_a_trace(listing, curator_user):
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    write(listing, "contacts", phone="+15145550199")
    version = listing.version
    back(listing, at, curator_user, reason="importé par erreur")
    listing.refresh_from_db()
    assert listing.version == version + 2
    last = events(listing)[0]
    assert last.by == "Carole"
    assert last.reason == f"Retour au {restoring.told(at)} – importé par erreur"
    assert {change.label for change in last.changes} == {"Mission", "Téléphone"}
    assert listing.provenance["mission"] == "staff"
    trace = AuditEntry.objects.get(act="listing.restored")
    assert trace.subject_id == listing.pk
    assert trace.detail["fields"] == ["mission", "phone"]


def test_going_back_is_itself_gone_back_from(listing, curator_user):
    at = past(listing)
    write(listing, "offerings", offerings=[], description="Autre.")
    after = content(listing)
    until = past(listing)
    back(listing, at - timedelta(days=3), curator_user)
    assert content(listing) != after
    back(listing, until, curator_user)
    assert content(listing) == after


def test_the_longest_reason_is_kept_whole(listing, curator_user):
    at = past(listing, days=60)
    write(listing, "identity", mission="Bâtir.")
    reason = "x" * restoring.LONGEST_REASON
    back(listing, at, curator_user, reason=reason)
    assert events(listing)[0].reason.endswith(reason)


# --- Words that are no longer


def test_a_word_merged_since_comes_back_as_the_other_and_it_is_said(listing, curator_user):
    old = SectorFactory(slug="cuisine", name="Cuisine")
    listing.sectors.set([old])
    listing.save()
    at = past(listing)
    listing.sectors.set([])
    merge(words=[old], into=Sector.objects.get(slug="alimentation"), by=curator_user)
    field = restoring.version(listing, at).fields["sectors"]
    assert field.then == ["alimentation"]
    assert "Cuisine" in field.notes[0]
    back(listing, at, curator_user)
    assert [sector.slug for sector in listing.sectors.all()] == ["alimentation"]


def test_a_word_deleted_since_is_said_and_the_others_come_back(listing, curator_user):
    gone = SectorFactory(slug="cuisine", name="Cuisine")
    listing.sectors.add(gone)
    listing.save()
    at = past(listing)
    gone.delete()
    version = restoring.version(listing, at)
    assert "sectors" not in version.fields
    assert version.lost["sectors"] == [
        "Un choix de cette version n’existe plus\xa0: il ne reviendra pas."
    ]
    listing.sectors.set([])
    field = restoring.version(listing, at).fields["sectors"]
    assert field.then == ["alimentation"]
    assert field.notes == version.lost["sectors"]


def test_a_status_deleted_since_takes_its_certification_with_it(listing, curator_user):
    status = Status.objects.create(slug="ancien", name="Ancien")
    CertificationFactory(enterprise=listing, status=status)
    at = past(listing)
    Certification.objects.all().delete()
    status.delete()
    assert back(listing, at, curator_user) == {"certifications"}
    assert [row.number for row in listing.certifications.all()] == ["EI-0001"]


def test_two_benefits_that_became_one_come_back_once(listing, curator_user):
    row = listing.enterprisebenefit_set.get()
    other = EnterpriseBenefitFactory(enterprise=listing, benefit__slug="autre")
    at = past(listing)
    merge(words=[other.benefit], into=row.benefit, by=curator_user)
    listing.enterprisebenefit_set.all().delete()
    back(listing, at, curator_user)
    assert listing.enterprisebenefit_set.count() == 1


# --- What history does not say


def test_rows_of_which_nothing_was_ever_written_stay_as_they_are(listing, curator_user):
    Offering.history.all().delete()
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    assert set(restoring.version(listing, at).fields) == {"mission"}


def test_a_field_whose_past_is_not_known_is_not_offered(listing, curator_user):
    Offering.history.all().delete()
    at = past(listing)
    offering = listing.offerings.get(name="Ménage")
    offering.name = "Entretien"
    offering.save()
    version = restoring.version(listing, at)
    assert version.unknown == ["offerings"]
    assert version.fields == {}
    assert back(listing, at, curator_user, "offerings") == frozenset()


def test_a_row_of_which_only_the_end_was_written_comes_back(listing, curator_user):
    Offering.history.all().delete()
    at = past(listing)
    listing.offerings.get(name="Ménage").delete()
    assert back(listing, at, curator_user) == {"offerings"}
    assert [row.name for row in listing.offerings.all()] == ["Traiteur", "Ménage"]


def test_people_are_not_brought_back_from_before_what_is_kept_of_them(listing):
    at = past(listing, days=800)
    Contact.objects.all().delete()
    version = restoring.version(listing, at)
    assert version.unknown == ["contacts"]
    assert "contacts" not in version.fields


def test_bringing_people_back_is_pointed_out(listing):
    at = past(listing)
    Contact.objects.all().delete()
    (note,) = restoring.version(listing, at).fields["contacts"].notes
    assert "reviendraient" in note


def test_a_long_history_costs_as_many_statements_as_a_short_one(listing):
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    OfferingFactory(enterprise=listing, name="Une offre")
    with recorded_sql() as few:
        restoring.version(listing, at)
    for number in range(12):
        write(listing, "identity", mission=f"Mission {number}")
        OfferingFactory(enterprise=listing, name=f"Offre {number}")
    with recorded_sql() as many:
        restoring.version(listing, at)
    assert len(many) == len(few)


# --- Two at once, twice, too late


def test_a_listing_changed_since_it_was_shown_is_left_alone(listing, curator_user):
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    seen = restoring.version(listing, at).seen
    write(listing, "contacts", phone="+15145550199")
    with pytest.raises(restoring.Changed):
        restoring.restore(
            enterprise=listing, at=at, fields=["mission"], seen=seen, reason="x", by=curator_user
        )
    listing.refresh_from_db()
    assert listing.mission == "Bâtir."


def test_a_neq_that_another_has_taken_is_refused_by_its_name_and_nothing_is_written(
    listing, curator_user
):
    write(listing, "identity", neq="1140000004")
    at = past(listing)
    write(listing, "identity", neq="", mission="Bâtir.")
    write(listing, "contacts", phone="")
    EnterpriseFactory(neq="1140000004")
    with pytest.raises(ValidationError) as wrong:
        back(listing, at, curator_user)
    assert set(wrong.value.message_dict) == {"neq"}
    listing.refresh_from_db()
    assert (listing.mission, listing.phone) == ("Bâtir.", "")


@pytest.mark.django_db(transaction=True)
def test_sent_five_times_at_once_it_is_done_once(listing, curator_user):
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    seen = restoring.version(listing, at).seen

    def send():
        return restoring.restore(
            enterprise=listing, at=at, fields=["mission"], seen=seen, reason="x", by=curator_user
        )

    done = at_once(*[send] * 5)
    assert sorted(map(len, done)) == [0, 0, 0, 0, 1]
    assert AuditEntry.objects.filter(act="listing.restored").count() == 1


# --- The pages


def address(enterprise, at):
    return reverse("directory:desk_restore", args=[enterprise.slug, restoring.number(at)])


def sent(page, **said):
    """What the form of a preview sends, filled."""
    context = page.context
    return {
        "seen": context["version"].seen,
        "opened": context["opened"],
        "ticked": [field["name"] for field in context["fields"] if field["ticked"]],
        "reason": "coquille",
    } | said


@pytest.fixture
def changed(listing):
    """The moment before its mission and its telephone changed."""
    at = past(listing)
    write(listing, "identity", mission="Bâtir.")
    write(listing, "contacts", phone="+15145550199")
    return at


def test_a_curator_goes_back_from_the_history_through_a_preview(curator, listing, changed):
    history = reverse("directory:desk_history", args=[listing.slug])
    html = curator.get(history).content.decode()
    assert html.count("Revenir à cette version<") == len(events(listing)) - 1
    assert address(listing, changed) in html
    page = curator.get(address(listing, changed))
    html = page.content.decode()
    for text in ("<del>Bâtir.</del>", "<ins>Réparer.</ins>", "le logo, dont l’image"):
        assert text in html
    assert html.count(" checked") == 2
    answer = curator.post(address(listing, changed), sent(page), follow=True)
    assert answer.redirect_chain == [(history, 302)]
    html = answer.content.decode()
    assert "La fiche dit de nouveau ce qu’elle disait" in html
    assert "Mission et Téléphone" in html
    assert "– coquille" in html
    listing.refresh_from_db()
    assert (listing.mission, listing.phone) == ("Réparer.", "+14505550123")


def test_a_reason_and_a_field_are_asked_for_at_their_place(curator, listing, changed):
    page = curator.get(address(listing, changed))
    answer = curator.post(address(listing, changed), sent(page, reason=" ", ticked=["mission"]))
    assert "Dites pourquoi vous revenez à cette version." in answer.content.decode()
    assert 'href="#reason"' in answer.content.decode()
    assert answer.content.decode().count(" checked") == 1
    answer = curator.post(address(listing, changed), sent(page, ticked=[]))
    assert 'href="#remettre-mission"' in answer.content.decode()
    listing.refresh_from_db()
    assert listing.mission == "Bâtir."


def test_a_listing_changed_meanwhile_is_shown_anew_with_what_changed(curator, listing, changed):
    page = curator.get(address(listing, changed))
    write(listing, "identity", mission="Construire.")
    answer = curator.post(address(listing, changed), sent(page))
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "La fiche a changé depuis que vous avez ouvert cette page" in html
    assert len(answer.context["since"]) == 1
    assert "<del>Construire.</del>" in html
    listing.refresh_from_db()
    assert (listing.mission, listing.phone) == ("Construire.", "+15145550199")
    answer = curator.post(address(listing, changed), sent(answer))
    assert answer.status_code == 302
    listing.refresh_from_db()
    assert listing.mission == "Réparer."


def test_sent_twice_it_is_done_once_and_said_so(curator, listing, changed):
    data = sent(curator.get(address(listing, changed)))
    curator.post(address(listing, changed), data)
    answer = curator.post(address(listing, changed), data, follow=True)
    assert "La fiche disait déjà la même chose" in answer.content.decode()
    assert AuditEntry.objects.filter(act="listing.restored").count() == 1


def test_a_value_that_the_listing_may_no_longer_hold_is_said_at_its_field(curator, listing):
    write(listing, "identity", neq="1140000004")
    at = past(listing)
    write(listing, "identity", neq="")
    EnterpriseFactory(neq="1140000004")
    answer = curator.post(address(listing, at), sent(curator.get(address(listing, at))))
    assert answer.status_code == 200
    assert 'href="#remettre-neq"' in answer.content.decode()
    assert 'aria-describedby="erreur-neq"' in answer.content.decode()


def test_a_version_that_says_the_same_has_nothing_to_put_back(curator, listing):
    at = past(listing)
    html = curator.get(address(listing, at)).content.decode()
    assert "il n’y a rien à remettre" in html
    assert "<button" not in html.partition("<main")[2].partition("</main")[0]


def test_who_may_not_change_listings_neither_sees_the_way_nor_takes_it(
    alice, bob, member, staff, moderator, curator, listing, changed
):
    history = reverse("directory:desk_history", args=[listing.slug])
    assert "Revenir à cette version" not in moderator.get(history).content.decode()
    data = sent(curator.get(address(listing, changed)))
    for person in (alice, bob, member, staff, moderator):
        assert person.get(address(listing, changed)).status_code == 404
        assert person.post(address(listing, changed), data).status_code == 404
    listing.refresh_from_db()
    assert listing.mission == "Bâtir."


def test_the_owner_reads_their_history_without_the_way_back(alice, enterprise):
    enterprise.mission = "Réparer."
    enterprise.save()
    own = alice.get(reverse("directory:history", args=[enterprise.slug]))
    assert "Revenir à cette version" not in own.content.decode()


@pytest.mark.parametrize("number", ["0", "1", "9" * 18, "9" * 40, "9" * 5_000], ids=range(5))
def test_a_moment_at_which_nothing_was_written_is_no_version(curator, listing, number):
    page = f"/moderation/fiches/{listing.slug}/historique/{number}/"
    assert curator.get(page).status_code == 404
    data = {"ticked": "mission", "reason": "x", "seen": "x", "opened": "9" * 400}
    assert curator.post(page, data).status_code == 404


def test_the_version_of_another_listing_is_none_of_this_one(curator, listing, changed):
    other = EnterpriseFactory()
    assert curator.get(address(other, changed)).status_code == 404


@pytest.mark.parametrize(
    ("ticked", "opened"),
    [("logo", ""), ("state", "x"), ("version", "-1"), ("\x00", "9" * 19), ("mission", "9" * 400)],
    ids=range(5),
)
def test_what_no_page_sends_changes_nothing(curator, listing, changed, opened, ticked):
    before = content(listing)
    data = {"ticked": ticked, "reason": "x", "seen": "x" * 500, "opened": opened, "name": "Y"}
    assert curator.post(address(listing, changed), data).status_code in {200, 409}
    assert content(listing) == before
