"""An account that is closed: what goes with it, and what stays."""

import json
from datetime import timedelta
from functools import partial

import pytest
from django.urls import reverse
from django.utils import timezone

from directory import accounts, claims, invitations, representatives
from directory.models import (
    AuditEntry,
    Consent,
    Enterprise,
    Invitation,
    Mail,
    Representative,
    Suggestion,
    User,
)
from tests.at_once import at_once
from tests.factories import EnterpriseFactory, RecognitionFactory, SuggestionFactory, UserFactory
from tests.forms import filled
from tests.signing_in import by_code

pytestmark = pytest.mark.django_db

HOME = reverse("account_home")


def leave(client):
    return client.post(reverse("account_delete"), {"sure": "on"})


def test_an_account_is_deleted_with_what_it_knows(client, enterprise):
    user = UserFactory(email="alice@exemple.test", name="Alice Aubin")
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    SuggestionFactory(sender_email="Alice@Exemple.test", sender_name="Alice")
    Invitation.objects.create(
        enterprise=enterprise, email=user.email, role="editor", token_hash="x",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    by_code(client, user.email)
    page = client.get(reverse("account_delete")).content.decode()
    assert "Ce qui est effacé" in page
    assert "Ce qui reste" in page
    assert "Les Ateliers d’Alice" in page
    assert client.post(reverse("account_delete")).status_code == 200
    assert User.objects.exists()
    assert leave(client).headers["Location"] == reverse("account_deleted")
    assert client.get(HOME).status_code == 302
    assert not User.objects.exists()
    assert not Representative.objects.exists()
    assert not Invitation.objects.exists()
    assert Suggestion.objects.get().sender_email == ""
    assert Enterprise.objects.get().state == "published"
    told = Mail.objects.get(kind="owner_left")
    assert "Les Ateliers d’Alice" in told.text
    assert reverse("directory:team", args=[enterprise.slug]) in told.text
    assert "votre compte" not in told.text
    assert Mail.objects.exclude(pk=told.pk).get().kind == "account_deleted"
    assert "alice" not in json.dumps(list(AuditEntry.objects.values("by_label", "detail")))


def test_who_leaves_another_owner_behind_tells_the_pole_nothing(alice, enterprise):
    Representative.objects.create(user=UserFactory(), enterprise=enterprise, role="owner")
    accounts.leave(user=alice.user)
    assert not Mail.objects.filter(kind="owner_left").exists()


def invited(by, enterprise):
    invitations.invite(enterprise=enterprise, email="seconde@exemple.test", role="owner", by=by)
    return Invitation.objects.get()


def test_who_closes_their_account_leaves_no_link_to_come_back_by(alice, enterprise):
    sent = invited(alice.user, enterprise)
    accounts.leave(user=alice.user)
    sent.refresh_from_db()
    assert invitations.standing(sent) == "withdrawn"
    trace = AuditEntry.objects.get(act="representative.removed")
    assert (trace.subject_id, trace.by_id, trace.detail["how"]) == (enterprise.pk, None, "closed")


def test_an_account_closed_by_staff_leaves_its_teams_and_the_pole_is_told(
    superuser, alice, enterprise, settings
):
    sent = invited(alice.user, enterprise)
    address = reverse("admin:directory_user_change", args=[alice.user.pk])
    form = filled(superuser.get(address), "user_form")
    del form["is_active"]
    assert superuser.post(address, form).status_code == 302
    assert not User.objects.get(pk=alice.user.pk).is_active
    sent.refresh_from_db()
    assert invitations.standing(sent) == "withdrawn"
    assert not Representative.objects.exists()
    told = Mail.objects.get(kind="owner_left")
    assert told.recipient == settings.POLE_EMAIL
    assert "Les Ateliers d’Alice" in told.text
    assert f"/mon-entreprise/{enterprise.slug}/equipe/" in told.text
    superuser.post(address, form)
    assert Mail.objects.filter(kind="owner_left").count() == 1


def test_an_owner_whose_account_is_closed_answers_for_nothing(alice, enterprise):
    closed = UserFactory(is_active=False)
    Representative.objects.create(user=closed, enterprise=enterprise, role="owner")
    assert list(representatives.answered_by_alone(alice.user)) == [enterprise]
    accounts.leave(user=alice.user)
    assert Mail.objects.filter(kind="owner_left").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_go_at_once_one_stays_or_the_pole_is_told(alice, enterprise):
    second = UserFactory()
    place = Representative.objects.create(user=second, enterprise=enterprise, role="owner")
    at_once(
        lambda: accounts.leave(user=alice.user),
        lambda: representatives.remove(representative=place, by=second),
    )
    stays = representatives.owners(enterprise).exists()
    assert stays != Mail.objects.filter(kind="owner_left").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_close_their_account_at_once_the_pole_is_told(alice, enterprise):
    second = UserFactory()
    Representative.objects.create(user=second, enterprise=enterprise, role="owner")
    assert at_once(
        lambda: accounts.leave(user=alice.user), lambda: accounts.leave(user=second)
    ) == [None, None]
    assert Mail.objects.filter(kind="owner_left").count() == 1


def test_staff_who_decided_of_something_leave_an_account_without_a_name(enterprise):
    user = UserFactory(email="equipe@exemple.test", name="Estelle", is_staff=True)
    recognition = RecognitionFactory(enterprise=enterprise, reviewer=user)
    accounts.consent(user=user, purpose="privacy", version="2026-11-22")
    accounts.leave(user=user)
    recognition.refresh_from_db()
    left = User.objects.get(pk=recognition.reviewer_id)
    assert (left.name, left.is_active, left.is_staff) == ("Compte supprimé", False, False)
    assert "exemple.test" not in left.email
    assert not Consent.objects.exists()


def test_the_last_superuser_stays(superuser):
    response = leave(superuser)
    assert response.status_code == 200
    assert "la seule personne" in response.content.decode()
    UserFactory(is_staff=True, is_superuser=True)
    assert leave(superuser).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_superusers_who_leave_at_once_one_stays():
    two = [UserFactory(is_staff=True, is_superuser=True) for _ in range(2)]
    results = at_once(*(partial(accounts.leave, user=user) for user in two))
    assert sorted(type(result) for result in results if result) == [accounts.LastSuperuser]
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_leaves_while_their_claim_is_accepted_is_gone_from_the_listing_too(reference):
    for number in range(5):
        enterprise = EnterpriseFactory(slug=f"demandee-{number}", published=True)
        person, staff = UserFactory(), UserFactory(is_staff=True, is_superuser=True)
        claim = claims.ask(
            enterprise=enterprise, by=person, function="Direction", grounds="J’y travaille.",
            phone="", takeover=False,
        )  # fmt: skip
        left, accepted = at_once(
            partial(accounts.leave, user=person), partial(claims.accept, claim=claim, by=staff)
        )
        assert left is None
        assert isinstance(accepted, Representative | claims.AccountClosed)
        assert not User.objects.filter(pk=person.pk).exists()
        assert not enterprise.representatives.exists()
        acts = AuditEntry.objects.filter(subject_id=enterprise.pk, act__startswith="represent")
        came_and_went = ["representative.added", "representative.removed"]
        assert list(acts.order_by("pk").values_list("act", flat=True)) == (
            came_and_went if isinstance(accepted, Representative) else []
        )


def test_leaving_asks_for_a_recent_proof(member):
    response = member.get(reverse("account_delete"))
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert leave(member).status_code == 302
    assert User.objects.filter(pk=member.user.pk).exists()
