"""Who tends a listing: seen by all of them, changed by owners, of whom one always stays."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.http import urlencode

from directory import representatives
from directory.models import AuditEntry, Invitation, Mail, Representative
from tests.at_once import at_once
from tests.conftest import representing
from tests.factories import EnterpriseFactory, UserFactory
from tests.forms import filled
from tests.signing_in import code_sent, long_ago, prove

pytestmark = pytest.mark.django_db


def place(client):
    return Representative.objects.get(user=client.user, enterprise=client.enterprise)


@pytest.fixture(autouse=True)
def a_moment_ago(request):
    """Those who act have just proven who they are; what happens otherwise has its own test."""
    for name in {"alice", "colleague", "second", "bob"} & {*request.fixturenames}:
        client = request.getfixturevalue(name)
        prove(client, client.user)


def team(enterprise):
    return reverse("directory:team", args=[enterprise.slug])


def page(row):
    return reverse("directory:colleague", args=[row.enterprise.slug, row.pk])


@pytest.fixture
def second(people, enterprise):
    """Another owner."""
    client = people(email="deuxieme@exemple.test", name="Dominique Deux")
    return representing(client, enterprise, "owner")


def roles(enterprise):
    rows = Representative.objects.filter(enterprise=enterprise).order_by("user__email")
    return [(row.user.email.partition("@")[0], row.role) for row in rows.select_related("user")]


# --- Seen


def test_all_of_the_team_see_who_is_in_it(alice, colleague, enterprise):
    for person in (alice, colleague):
        html = person.get(team(enterprise)).content.decode()
        for said in ("Alice Aubin", "alice@exemple.test", "Charlie Côté", "charlie@exemple.test"):
            assert said in html


def test_an_editor_sees_the_team_and_changes_only_their_own_place(alice, colleague, enterprise):
    html = colleague.get(team(enterprise)).content.decode()
    assert "Envoyer l’invitation" not in html
    assert page(place(alice)) not in html
    assert page(place(colleague)) in html
    assert colleague.get(page(place(alice))).status_code == 404
    assert "Enregistrer le rôle" not in colleague.get(page(place(colleague))).content.decode()
    for address, sent, status in (
        (team(enterprise), {"email": "x@exemple.test", "role": "editor"}, 404),
        (page(place(alice)), {"action": "remove"}, 404),
        (page(place(colleague)), {"action": "role", "role": "owner"}, 400),
    ):
        assert colleague.post(address, sent).status_code == status
    assert roles(enterprise) == [("alice", "owner"), ("charlie", "editor")]
    assert not Invitation.objects.exists()


def test_the_team_of_another_enterprise_is_not_found(alice, colleague, bob, enterprise):
    for person in (alice, colleague):
        for address in (team(enterprise), page(place(person))):
            assert bob.get(address).status_code == 404
            assert bob.post(address, {"action": "remove"}).status_code == 404
    # Their own address with a number of somebody else's.
    for pk in (place(alice).pk, 10**30, 0):
        address = f"{team(bob.enterprise)}{pk}/"
        assert bob.get(address).status_code == 404
        assert bob.post(address, {"action": "remove"}).status_code == 404
    assert len(roles(enterprise)) == 2


def test_an_account_that_is_closed_is_nobody(alice, colleague, enterprise):
    alice.user.is_active = False
    alice.user.save()
    response = alice.get(team(enterprise))
    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"?next={team(enterprise)}")
    assert alice.post(page(place(colleague)), {"action": "remove"}).status_code == 302
    assert place(colleague)


def test_a_member_removed_is_refused_at_the_next_request(alice, colleague, enterprise):
    assert colleague.get(team(enterprise)).status_code == 200
    alice.post(page(place(colleague)), {"action": "remove"})
    assert colleague.get(team(enterprise)).status_code == 404


def test_the_page_of_an_archived_listing_is_not_found(alice, enterprise):
    enterprise.state, enterprise.closing = "archived", "closed"
    enterprise.save()
    assert alice.get(team(enterprise)).status_code == 404
    assert alice.get(page(place(alice))).status_code == 404


# --- Changed


def test_a_colleague_becomes_an_owner_and_is_told(alice, colleague, enterprise):
    form = filled(alice.get(page(place(colleague))), "place")
    assert form["role"] == ["editor"]
    response = alice.post(page(place(colleague)), form | {"role": "owner", "action": "role"})
    assert response.headers["Location"] == team(enterprise)
    assert "Le rôle de Charlie Côté est changé." in alice.get(team(enterprise)).content.decode()
    assert roles(enterprise) == [("alice", "owner"), ("charlie", "owner")]
    mail = Mail.objects.get()
    assert (mail.recipient, mail.kind) == ("charlie@exemple.test", "representative_changed")
    assert "Alice Aubin vous confie la responsabilité" in mail.text
    trace = AuditEntry.objects.get(act="representative.changed")
    assert (trace.by_id, trace.subject_id) == (alice.user.pk, enterprise.pk)
    assert trace.detail == {"person": colleague.user.pk, "role": "owner"}
    # The same form again changes nothing and tells nobody.
    alice.post(page(place(colleague)), {"role": "owner", "action": "role"})
    assert (Mail.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_a_colleague_is_removed_and_told(alice, colleague, enterprise):
    address = page(place(colleague))
    assert alice.post(address, {"action": "remove"}).headers["Location"] == team(enterprise)
    assert roles(enterprise) == [("alice", "owner")]
    mail = Mail.objects.get()
    assert (mail.recipient, mail.kind) == ("charlie@exemple.test", "representative_removed")
    assert AuditEntry.objects.get().detail["how"] == "removed"
    assert alice.post(address, {"action": "remove"}).status_code == 404  # sent twice
    assert Mail.objects.count() == 1


def test_whoever_leaves_needs_nobody_and_is_sent_to_the_profile(alice, colleague, enterprise):
    response = colleague.post(page(place(colleague)), {"action": "remove"})
    assert response.headers["Location"] == enterprise.get_absolute_url()
    assert roles(enterprise) == [("alice", "owner")]
    assert not Mail.objects.exists()
    assert AuditEntry.objects.get().detail["how"] == "left"


def test_who_is_removed_leaves_no_link_behind(alice, second, enterprise):
    from directory import invitations

    invitations.invite(
        enterprise=enterprise, email="autre@exemple.test", role="owner", by=second.user
    )
    alice.post(page(place(second)), {"action": "remove"})
    assert Invitation.objects.get().withdrawn_at


# --- One owner at least


@pytest.mark.parametrize("sent", [{"action": "remove"}, {"action": "role", "role": "editor"}])
def test_the_last_owner_stays(sent, alice, colleague, enterprise):
    response = alice.post(page(place(alice)), sent)
    assert response.status_code == 409
    html = response.content.decode()
    assert "Nommez-en une autre" in html
    assert 'role="alert"' in html
    assert roles(enterprise) == [("alice", "owner"), ("charlie", "editor")]
    assert not AuditEntry.objects.exists()


def test_an_owner_whose_account_is_closed_does_not_count(alice, second, enterprise):
    second.user.is_active = False
    second.user.save()
    assert alice.post(page(place(alice)), {"action": "remove"}).status_code == 409
    # And may be taken out.
    assert alice.post(page(place(second)), {"action": "remove"}).status_code == 302
    assert roles(enterprise) == [("alice", "owner")]


def test_of_two_owners_one_may_go(alice, second, enterprise):
    assert alice.post(page(place(alice)), {"action": "remove"}).status_code == 302
    assert roles(enterprise) == [("deuxieme", "owner")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["remove each other", "leave", "step down"])
def test_two_owners_at_once_leave_one(act, alice, second, enterprise):
    mine, hers = place(alice), place(second)

    def done(row, by):
        if act == "step down":
            return representatives.change_role(representative=row, role="editor", by=by)
        return representatives.remove(representative=row, by=by)

    pairs = [(hers, alice.user), (mine, second.user)]
    if act != "remove each other":
        pairs = [(mine, alice.user), (hers, second.user)]
    results = at_once(*[lambda pair=pair: done(*pair) for pair in pairs])
    assert sorted(map(str, map(type, results))) == sorted(
        map(str, [bool, representatives.NotAllowed if "each" in act else representatives.LastOwner])
    )
    assert representatives.owners(enterprise).count() == 1


def test_an_owner_removed_meanwhile_can_no_longer_act(alice, second, colleague, enterprise):
    representatives.remove(representative=place(second), by=alice.user)
    with pytest.raises(representatives.NotAllowed):
        representatives.remove(representative=place(colleague), by=second.user)
    with pytest.raises(representatives.NotAllowed):
        representatives.change_role(representative=place(colleague), role="owner", by=second.user)


def test_the_database_holds_one_row_a_person_and_known_roles(alice, enterprise):
    for fields in (
        {"user": alice.user, "role": "editor"},
        {"user": UserFactory(), "role": "patron"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Representative.objects.create(enterprise=enterprise, **fields)


# --- Staff


def test_staff_see_a_team_as_their_group_says(moderator, facilitator, staff, superuser, alice):
    address = team(alice.enterprise)
    assert staff.get(address).status_code == 404
    assert "Envoyer l’invitation" not in moderator.get(address).content.decode()
    html = facilitator.get(address).content.decode()
    assert "Envoyer l’invitation" in html
    assert page(place(alice)) not in html
    assert facilitator.get(page(place(alice))).status_code == 404
    assert superuser.get(page(place(alice))).status_code == 200


def test_to_remove_somebody_asks_for_a_recent_proof(alice, colleague, superuser, enterprise):
    address = page(place(colleague))
    for person in (alice, superuser):
        long_ago(person)
        response = person.post(address, {"action": "remove"})
        asked = f"{reverse('account_reauthenticate')}?{urlencode({'next': address})}"
        assert response.headers["Location"] == asked
        # To look, or to change a role, does not.
        assert person.get(address).status_code == 200
        assert person.post(address, {"action": "role", "role": "editor"}).status_code == 302
    assert len(roles(enterprise)) == 2
    # Who has no second factor proves it by a code, comes back, and may.
    alice.post(reverse("account_reauthenticate"), {"next": address})
    response = alice.post(reverse("account_code"), {"code": code_sent("alice@exemple.test")})
    assert response.headers["Location"] == address
    assert alice.post(address, {"action": "remove"}).status_code == 302
    assert roles(enterprise) == [("alice", "owner")]


# --- What a form cannot say


def test_no_field_of_the_model_can_be_sent(alice, colleague, bob, enterprise):
    row, other = place(colleague), EnterpriseFactory(published=True)
    before = Representative.objects.filter(pk=row.pk).values().get()
    sent = {
        "id": place(bob).pk,
        "pk": place(bob).pk,
        "user": bob.user.pk,
        "user_id": bob.user.pk,
        "enterprise": other.pk,
        "enterprise_id": other.pk,
        "since": "2001-01-01",
        "added_by": bob.user.pk,
        "is_staff": "on",
        "is_superuser": "on",
        "action": "role",
        "role": "owner",
    }
    fields = {field.name for field in Representative._meta.get_fields()}
    assert fields <= set(sent)
    assert alice.post(page(row), sent).status_code == 302
    assert Representative.objects.filter(pk=row.pk).values().get() == before | {"role": "owner"}
    for person in (alice, colleague, bob):
        person.user.refresh_from_db()
        assert not person.user.is_staff


@pytest.mark.parametrize(
    "sent", [{}, {"action": "grant"}, {"action": "role"}, {"action": "role", "role": "patron"}]
)
def test_a_form_that_says_nothing_known_changes_nothing(sent, alice, colleague, enterprise):
    response = alice.post(page(place(colleague)), sent)
    assert response.status_code == (200 if sent.get("action") == "role" else 400)
    assert roles(enterprise) == [("alice", "owner"), ("charlie", "editor")]


def test_staff_raise_a_colleague_and_the_owner_is_told_but_never_themself(
    superuser, alice, colleague, enterprise
):
    mine = representing(superuser, enterprise, "editor").user.representations.get()
    with pytest.raises(representatives.NotAllowed):
        representatives.change_role(representative=mine, role="owner", by=superuser.user)
    theirs = colleague.user.representations.get()
    representatives.change_role(representative=theirs, role="owner", by=superuser.user)
    told = Mail.objects.filter(kind="representative_added").values_list("recipient", flat=True)
    assert list(told) == ["alice@exemple.test"]
