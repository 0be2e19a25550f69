"""A link for one address, good once: sent by owners and staff, one by one or to many."""

import io
import json
import logging
import re
import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.urls import reverse
from django.utils import timezone

from config.logs import LineFormatter
from directory import bulk_invitations, invitations, representatives
from directory.models import (
    AuditEntry,
    ConsentBasis,
    Enterprise,
    Invitation,
    Mail,
    Representative,
    Unsubscription,
)
from tests.at_once import at_once
from tests.client import StrictClient
from tests.conftest import in_group, representing
from tests.factories import CityFactory, EnterpriseFactory
from tests.forms import filled

pytestmark = pytest.mark.django_db

GUEST = "invitee@exemple.test"
BULK = reverse("directory:invitations")


@pytest.fixture
def guest(people):
    return people(email=GUEST, name="Inès Invitée")


@pytest.fixture
def invited(alice, enterprise):
    """Alice invites somebody as an editor; gives the path of the link."""
    invitations.invite(enterprise=enterprise, email=GUEST, role="editor", by=alice.user)
    return link_sent()


def link_sent(recipient=GUEST):
    mail = Mail.objects.filter(recipient=recipient, kind__startswith="invitation").latest("pk")
    assert mail.secret
    return re.search(r"http://127\.0\.0\.1:8000(/invitation/[\w-]{32}/)", mail.text)[1]


def team(enterprise):
    return reverse("directory:team", args=[enterprise.slug])


def role(client, enterprise):
    rows = Representative.objects.filter(user=client.user, enterprise=enterprise)
    return rows.values_list("role", flat=True).first()


def texts(response):
    return re.sub(r"\s+", " ", response.content.decode().replace("\xa0", " "))


# --- Sent


def test_an_owner_invites_from_the_team(alice, enterprise):
    form = filled(alice.get(team(enterprise)), "invitation")
    assert form["role"] == ["editor"]
    response = alice.post(team(enterprise), form | {"email": " Invitee@Exemple.test "})
    assert response.headers["Location"] == team(enterprise)
    html = texts(alice.get(team(enterprise)))
    assert "L’invitation part à invitee@exemple.test." in html
    row = Invitation.objects.get()
    assert (row.email, row.role, row.invited_by) == (GUEST, "editor", alice.user)
    assert timedelta(days=13) < row.expires_at - timezone.now() <= invitations.GOOD_FOR
    mail = Mail.objects.get()
    assert (mail.recipient, mail.service, mail.secret) == (GUEST, True, True)
    # An address was verified; a name says what its owner wishes.
    assert "alice@exemple.test vous invite" in mail.text
    assert "Alice Aubin" not in mail.text
    # The link is in the mail alone: not in the table, nor in the traces.
    token = link_sent().split("/")[2]
    kept = [*Invitation.objects.values_list(), *AuditEntry.objects.values_list()]
    assert token not in str(kept)
    assert AuditEntry.objects.get().act == "invitation.sent"
    assert GUEST not in str(AuditEntry.objects.values("detail").get())


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"email": "", "role": "editor"}, "Écrivez le courriel"),
        ({"email": "pas une adresse", "role": "editor"}, "adresse complète"),
        ({"email": "x@y.test\r\nBcc: z@y.test", "role": "editor"}, "adresse complète"),
        ({"email": GUEST}, "Choisissez un rôle"),
        ({"email": GUEST, "role": "patron"}, "Sélectionnez un choix valide"),
        ({"email": "ALICE@exemple.test", "role": "owner"}, "fait déjà partie"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_leaves(sent, said, alice, enterprise):
    html = texts(alice.post(team(enterprise), sent))
    assert said in html
    assert 'role="alert"' in html
    assert not Invitation.objects.exists()
    assert not Mail.objects.exists()


def test_the_button_pressed_twice_sends_one_mail(alice, enterprise):
    for _ in range(3):
        alice.post(team(enterprise), {"email": GUEST, "role": "editor"})
    assert Invitation.objects.count() == Mail.objects.count() == 1
    assert "vient déjà de partir" in texts(alice.get(team(enterprise)))


def test_only_so_many_leave_in_an_hour(alice, enterprise, monkeypatch):
    from directory.throttling import Limit

    monkeypatch.setattr(invitations, "LIMITS", [Limit(2, timedelta(hours=1))])
    for number in range(3):
        response = alice.post(
            team(enterprise), {"email": f"x{number}@exemple.test", "role": "editor"}
        )
    assert response.status_code == 429
    assert "x2@exemple.test" in texts(response)
    assert Invitation.objects.count() == Mail.objects.count() == 2


def test_sent_again_the_first_link_is_void(alice, guest, enterprise, invited):
    row = Invitation.objects.get()
    act = reverse("directory:team_invitation", args=[enterprise.slug, row.pk])
    an_earlier_time(minutes=2)
    assert alice.post(act, {"action": "resend"}).headers["Location"] == team(enterprise)
    assert link_sent() != invited
    response = guest.get(invited)
    assert response.status_code == 404
    assert "courriel plus récent" in texts(response)
    assert guest.post(invited).status_code == 404
    assert guest.post(link_sent()).status_code == 302
    assert role(guest, enterprise) == "editor"
    # Nothing more to send or to take back.
    for action, said in (("resend", "a déjà accepté"), ("withdraw", "a déjà accepté")):
        alice.post(act, {"action": action})
        assert said in texts(alice.get(team(enterprise)))
    assert alice.post(act, {"action": "grant"}).status_code == 400
    assert alice.get(act).status_code == 405


def an_earlier_time(**span):
    for row in Invitation.objects.all():
        row.expires_at -= timedelta(**span)
        row.save()


def test_an_expired_invitation_is_sent_again_as_the_same(alice, guest, enterprise, invited):
    an_earlier_time(days=15)
    assert "expirée depuis" in texts(alice.get(team(enterprise)))
    alice.post(team(enterprise), {"email": GUEST, "role": "owner"})
    assert Invitation.objects.count() == 1
    assert guest.post(link_sent()).status_code == 302
    assert role(guest, enterprise) == "owner"


# --- Read


def test_opening_the_link_does_nothing(client, alice, guest, bob, enterprise, invited):
    before = Invitation.objects.values().get()
    for person in (client, guest, bob, alice):
        for _ in range(3):
            assert person.get(invited).status_code == 200
            assert person.head(invited).status_code == 200
    assert Invitation.objects.values().get() == before
    assert role(guest, enterprise) is None
    assert not client.cookies


def test_whoever_has_no_session_is_led_to_one_and_back(client, guest, enterprise, invited):
    html = texts(client.get(invited))
    assert "Les Ateliers d’Alice" in html
    assert "i•••@exemple.test" in html
    # Whoever was given the link does not learn whose it is, be it from the links of the page.
    assert GUEST not in html
    assert quote(GUEST) not in html
    assert "alice@exemple.test vous invite" in html
    assert f"next={invited.replace('/', '%2F')}" in html
    response = client.post(invited)
    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"?next={invited}")
    assert Invitation.objects.get().accepted_at is None


def test_the_person_invited_accepts_once(guest, alice, enterprise, invited):
    assert "Accepter l’invitation" in texts(guest.get(invited))
    response = guest.post(invited)
    assert response.status_code == 302
    assert role(guest, enterprise) == "editor"
    row = Invitation.objects.get()
    assert row.accepted_by == guest.user
    assert Representative.objects.get(user=guest.user).added_by == alice.user
    mail = Mail.objects.get(kind="invitation_accepted")
    assert (mail.recipient, GUEST in mail.text) == ("alice@exemple.test", True)
    # Again: nothing more.
    assert guest.post(invited).status_code == 302
    assert "déjà accepté" in texts(guest.get(invited))
    assert Representative.objects.filter(user=guest.user).count() == 1
    assert Mail.objects.filter(kind="invitation_accepted").count() == 1
    assert AuditEntry.objects.get(act="representative.added").detail["how"] == "invitation"


def test_nobody_else_can_use_it(people, bob, alice, enterprise, invited):
    near = people(email="invitee@exemple.test.pirate.test")
    for person in (bob, near):
        html = texts(person.get(invited))
        assert "i•••@exemple.test" in html
        assert person.user.email in html
        assert "Accepter l’invitation" not in html
        assert person.post(invited).status_code == 403
        assert role(person, enterprise) is None
    assert Invitation.objects.get().accepted_at is None


def test_a_closed_account_cannot_use_it(guest, enterprise, invited):
    guest.user.is_active = False
    guest.user.save()
    assert guest.post(invited).status_code == 302
    assert role(guest, enterprise) is None


def test_who_was_removed_cannot_come_back_by_the_same_link(guest, alice, enterprise, invited):
    guest.post(invited)
    representatives.remove(
        representative=Representative.objects.get(user=guest.user), by=alice.user
    )
    assert guest.post(invited).status_code == 410
    assert role(guest, enterprise) is None


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("used", 410, "a déjà servi"),
        ("withdrawn", 410, "a été retirée"),
        ("expired", 410, "a expiré"),
        ("archived", 410, "n’est plus dans le répertoire"),
        ("mistyped", 404, "n’est plus bon"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_no_longer_good_says_what_to_do(
    end, status, said, method, alice, bob, guest, enterprise, invited
):
    row = Invitation.objects.get()
    if end == "used":
        guest.post(invited)
        guest = bob
    elif end == "withdrawn":
        act = reverse("directory:team_invitation", args=[enterprise.slug, row.pk])
        alice.post(act, {"action": "withdraw"})
        assert "son lien ne vaut plus" in texts(alice.get(team(enterprise)))
        alice.post(act, {"action": "withdraw"})
    elif end == "expired":
        an_earlier_time(days=14)
    elif end == "archived":
        Enterprise.objects.filter(pk=enterprise.pk).update(state="archived", closing="closed")
    else:
        invited = invited[:-2] + "/"
    before = Representative.objects.count()
    response = getattr(guest, method)(invited)
    html = texts(response)
    # A stranger who posts is told it is not theirs before anything else.
    if end == "used" and method == "post":
        assert response.status_code == 410
    else:
        assert response.status_code == status
    assert said in html
    assert html.count("<h1") == 1
    assert Representative.objects.count() == before


def test_an_invitation_never_takes_away(alice, people, enterprise, guest, invited):
    """An owner invited as an editor meanwhile stays an owner; an editor becomes one."""
    representing(guest, enterprise, "owner")
    guest.post(invited)
    assert role(guest, enterprise) == "owner"
    with pytest.raises(invitations.AlreadyThere):
        invitations.invite(enterprise=enterprise, email=GUEST, role="editor", by=alice.user)
    editor = representing(people(email="ed@exemple.test"), enterprise, "editor")
    invitations.invite(enterprise=enterprise, email="ed@exemple.test", role="owner", by=alice.user)
    editor.post(link_sent("ed@exemple.test"))
    assert role(editor, enterprise) == "owner"


# --- Whose they are


def test_nobody_else_touches_an_invitation(alice, colleague, bob, moderator, enterprise, invited):
    row = Invitation.objects.get()
    mine = reverse("directory:team_invitation", args=[enterprise.slug, row.pk])
    theirs = reverse("directory:team_invitation", args=[bob.enterprise.slug, row.pk])
    for person, address in ((colleague, mine), (bob, mine), (bob, theirs), (moderator, mine)):
        for action in ("resend", "withdraw"):
            assert person.post(address, {"action": action}).status_code == 404
    assert bob.post(team(enterprise), {"email": GUEST, "role": "owner"}).status_code == 404
    with pytest.raises(representatives.NotAllowed):
        invitations.invite(enterprise=enterprise, email="z@y.test", role="owner", by=bob.user)
    assert Invitation.objects.values_list("withdrawn_at", "role").get() == (None, "editor")


def test_staff_invite_an_address_given_by_telephone(facilitator, guest, enterprise):
    facilitator.post(team(enterprise), {"email": GUEST, "role": "owner"})
    mail = Mail.objects.get()
    assert "L’équipe du Pôle vous invite" in mail.text
    guest.post(link_sent())
    assert role(guest, enterprise) == "owner"
    assert not Mail.objects.filter(kind="invitation_accepted").exists()


def test_no_field_of_the_model_can_be_sent(alice, bob, enterprise):
    names = [field.name for field in Invitation._meta.get_fields()]
    hostile = {
        **dict.fromkeys(names, "1"),
        "enterprise": bob.enterprise.pk,
        "enterprise_id": bob.enterprise.pk,
        "invited_by": bob.user.pk,
        "accepted_by": alice.user.pk,
        "accepted_at": "2026-01-01",
        "expires_at": "2099-01-01",
        "token_hash": "0" * 64,
        "is_staff": "on",
    }
    alice.post(team(enterprise), hostile | {"email": GUEST, "role": "editor"})
    row = Invitation.objects.get()
    assert (row.enterprise, row.invited_by) == (enterprise, alice.user)
    assert (row.accepted_by, row.accepted_at) == (None, None)
    assert row.expires_at < timezone.now() + timedelta(days=15)
    assert row.token_hash != "0" * 64


# --- At once


@pytest.mark.django_db(transaction=True)
def test_the_form_sent_five_times_at_once_is_one_invitation(alice, enterprise):
    def send():
        client = StrictClient()
        client.cookies = alice.cookies.copy()
        return client.post(team(enterprise), {"email": GUEST, "role": "editor"}).status_code

    assert at_once(*[send] * 5) == [302] * 5
    assert Invitation.objects.count() == Mail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_accepted_five_times_at_once_it_is_accepted_once(guest, enterprise, invited):
    token = invited.split("/")[2]
    results = at_once(*[lambda: invitations.accept(token=token, by=guest.user)] * 5)
    assert {type(result) for result in results} == {Representative}
    assert Representative.objects.filter(user=guest.user).count() == 1
    assert AuditEntry.objects.filter(act="representative.added").count() == 1


@pytest.mark.django_db(transaction=True)
def test_accepted_and_withdrawn_at_once_it_is_one_of_the_two(alice, guest, enterprise, invited):
    token, row = invited.split("/")[2], Invitation.objects.get()
    at_once(
        lambda: invitations.accept(token=token, by=guest.user),
        lambda: invitations.withdraw(invitation=row, by=alice.user),
    )
    row.refresh_from_db()
    assert (row.accepted_at is None) != (row.withdrawn_at is None)
    assert (role(guest, enterprise) == "editor") == (row.withdrawn_at is None)


# --- The link stays a secret


def test_the_link_is_neither_in_the_log_nor_told_to_other_sites(client, guest, invited):
    token = invited.split("/")[2]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        mistyped = invited.replace(token, f"{token}x")
        for address in (invited, invited[:-1], mistyped, f"{invited}?next={invited}"):
            response = client.get(address)
        client.post(invited)
        client.get(f"/admin/login/?next={invited}")
        guest.post(invited)
    finally:
        root.removeHandler(handler)
    lines = [json.loads(line)["message"] for line in handler.stream.getvalue().splitlines()]
    assert "GET /invitation/[jeton]/ 200" in " ".join(lines)
    assert "Not Found: /invitation/[jeton]/" in lines
    assert token not in " ".join(lines)
    response = client.get(invited)
    assert response.headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response.headers["Cache-Control"]
    assert 'content="noindex"' in response.content.decode()


# --- By the Pôle


def test_staff_invite_no_owner_beside_another(facilitator, alice, guest, enterprise):
    assert 'value="owner"' not in texts(facilitator.get(team(enterprise)))
    facilitator.post(team(enterprise), {"email": GUEST, "role": "owner"})
    with pytest.raises(invitations.AlreadyOwned):
        invitations.invite(enterprise=enterprise, email=GUEST, role="owner", by=facilitator.user)
    assert not Invitation.objects.exists()
    facilitator.post(team(enterprise), {"email": GUEST, "role": "editor"})
    guest.post(link_sent())
    assert role(guest, enterprise) == "editor"
    # The owner is told whom they did not invite.
    told = Mail.objects.get(kind="representative_added")
    assert (told.recipient, GUEST in told.text) == ("alice@exemple.test", True)


def test_staff_invite_the_first_owner_and_nobody_is_told(facilitator, guest):
    unheld = EnterpriseFactory(published=True)
    facilitator.post(team(unheld), {"email": GUEST, "role": "owner"})
    guest.post(link_sent())
    assert role(guest, unheld) == "owner"
    assert not Mail.objects.filter(kind="representative_added").exists()


def test_who_was_invited_as_the_first_owner_comes_second_as_an_editor(facilitator, guest, people):
    unheld = EnterpriseFactory(published=True)
    facilitator.post(team(unheld), {"email": GUEST, "role": "owner"})
    representing(people(email="premiere@exemple.test"), unheld, "owner")
    guest.post(link_sent())
    assert role(guest, unheld) == "editor"
    assert Mail.objects.get(kind="representative_added").recipient == "premiere@exemple.test"
    row = Invitation.objects.create(
        enterprise=unheld,
        email="tard@exemple.test",
        role="owner",
        invited_by=facilitator.user,
        token_hash="x",
        expires_at=timezone.now(),
    )
    act = reverse("directory:team_invitation", args=[unheld.slug, row.pk])
    facilitator.post(act, {"action": "resend"})
    assert "a déjà une personne responsable" in texts(facilitator.get(team(unheld)))


def test_nobody_invites_themself(facilitator, curator):
    unheld = EnterpriseFactory(published=True)
    for person in (facilitator, curator):
        own = person.user.email
        html = texts(person.post(team(unheld), {"email": own.upper(), "role": "owner"}))
        assert "personne ne s’invite soi-même" in html
    # Nor through another address, which becomes theirs.
    facilitator.post(team(unheld), {"email": GUEST, "role": "owner"})
    facilitator.user.email = GUEST
    facilitator.user.save()
    assert facilitator.post(link_sent()).status_code == 403
    assert not Representative.objects.exists()


@pytest.mark.parametrize("group", ["Accompagnement", "Curation"])
def test_who_left_the_staff_keeps_nothing_of_its_groups(group, people, reference, enterprise):
    former = in_group(people(email="ancienne@exemple.test"), group)
    row = Invitation.objects.create(
        enterprise=enterprise,
        email=GUEST,
        role="editor",
        token_hash="x",
        expires_at=timezone.now(),
    )
    act = reverse("directory:team_invitation", args=[enterprise.slug, row.pk])
    assert former.get(team(enterprise)).status_code == 404
    assert former.post(team(enterprise), {"email": GUEST, "role": "editor"}).status_code == 404
    assert former.post(act, {"action": "withdraw"}).status_code == 404
    assert former.get(BULK).status_code == 404
    assert not invitations.may_invite(former.user, enterprise)
    assert not Mail.objects.exists()


def test_an_invitation_that_a_merge_just_moved_is_of_its_new_listing(alice, bob, enterprise):
    invitations.invite(enterprise=enterprise, email=GUEST, role="editor", by=alice.user)
    read = Invitation.objects.select_related("enterprise").get()
    Invitation.objects.update(enterprise=bob.enterprise)
    with pytest.raises(representatives.NotAllowed):
        invitations.withdraw(invitation=read, by=alice.user)
    with pytest.raises(representatives.NotAllowed):
        invitations.resend(invitation=read, by=alice.user)
    assert invitations.withdraw(invitation=read, by=bob.user)
    assert AuditEntry.objects.get(act="invitation.withdrawn").subject_id == bob.enterprise.pk


# --- Many at once


def prospect(name, email="", *, right=True, **fields):
    row = EnterpriseFactory(
        name=name, published=True, email=email, **{"confirmed_on": None, **fields}
    )
    Enterprise.objects.filter(pk=row.pk).update(published_on="2024-01-15")
    if email and right:
        ConsentBasis.objects.create(
            enterprise=row,
            email=email.upper(),
            basis="published",
            source="site de l’entreprise",
            given_on="2024-01-15",
        )
    return row


@pytest.fixture
def prospects(enterprise, bob):
    unconfirmed = {"confirmed_on": None, "confirmed_by": ""}
    rows = {
        "good": prospect("Bonne", "bonne@exemple.test", **unconfirmed),
        "other": prospect(
            "Autre ville",
            "autre@exemple.test",
            city=CityFactory(code="58007", name="Brossard"),
            **unconfirmed,
        ),
        "no_address": prospect("Sans adresse", **unconfirmed),
        "no_right": prospect("Sans droit", "sd@exemple.test", right=False, **unconfirmed),
        "withdrawn": prospect("Droit retiré", "dr@exemple.test", **unconfirmed),
        "unsubscribed": prospect("Désabonnée", "de@exemple.test", **unconfirmed),
        "invited": prospect("Déjà invitée", "di@exemple.test", **unconfirmed),
        "tended": prospect("Tenue", "tenue@exemple.test", **unconfirmed),
        "fresh": prospect("Fraîche", "fraiche@exemple.test", confirmed_on=timezone.localdate()),
    }
    ConsentBasis.objects.filter(enterprise=rows["withdrawn"]).update(withdrawn_on="2025-01-01")
    Unsubscription.objects.create(email="de@exemple.test", kind=bulk_invitations.KIND)
    Invitation.objects.create(
        enterprise=rows["invited"],
        email="autre@exemple.test",
        role="owner",
        token_hash="x",
        expires_at=timezone.now() + timedelta(days=3),
    )
    representing(bob, rows["tended"], "owner")
    return rows


def test_staff_see_who_is_invited_what_they_read_and_who_is_not(facilitator, prospects):
    response = facilitator.get(BULK)
    assert [row.name for row in response.context["recipients"]] == ["Autre ville", "Bonne"]
    apart = {
        str(part["label"]): [row.name for row in part["rows"]] for part in response.context["apart"]
    }
    assert apart == {
        "sans courriel": ["Sans adresse"],
        "sans consentement aux courriels": ["Droit retiré", "Sans droit"],
        "ne veut plus de ces courriels": ["Désabonnée"],
        "invitation en cours": ["Déjà invitée"],
    }
    html = texts(response)
    assert "bonne@exemple.test" in html
    assert "Votre fiche « Autre ville » attend" in html
    assert "/invitation/…" in html
    assert not Mail.objects.exists()
    only = facilitator.get(BULK, {"ville": "longueuil"})
    assert [row.name for row in only.context["recipients"]] == ["Bonne"]
    none = facilitator.get(BULK, {"secteur": "alimentation"})
    assert "Aucune entreprise à inviter" in texts(none)
    assert facilitator.get(BULK, {"ville": "nulle-part"}).status_code == 200


def test_what_is_ticked_is_sent_once(facilitator, guest, prospects):
    form = filled(facilitator.get(BULK), "envoi")
    assert len(form["enterprise"]) == 2
    form["enterprise"] = [str(prospects["good"].pk)]
    first = facilitator.post(BULK, form)
    again = facilitator.post(BULK, form)
    assert first.headers["Location"] == again.headers["Location"]
    html = texts(facilitator.get(first.headers["Location"]))
    assert "1 invitation part" in html
    mail = Mail.objects.get()
    assert (mail.recipient, mail.kind) == ("bonne@exemple.test", "invitation_listing")
    assert (mail.service, mail.secret) == (False, True)
    assert Invitation.objects.filter(enterprise=prospects["good"], role="owner").count() == 1
    trace = AuditEntry.objects.get(act="invitations.sent")
    assert (trace.by_id, trace.detail["sent"]) == (facilitator.user.pk, 1)
    # And the link is good.
    Invitation.objects.filter(enterprise=prospects["good"]).update(email=GUEST)
    guest.post(link_sent("bonne@exemple.test"))
    assert role(guest, prospects["good"]) == "owner"


def test_each_is_looked_at_again_when_the_form_comes_back(facilitator, member, prospects):
    form = filled(facilitator.get(BULK), "envoi")
    representing(member, prospects["other"], "owner")
    others = [row.pk for key, row in prospects.items() if key != "good"]
    form["enterprise"] += [str(pk) for pk in others] + [str(2**62)]
    html = texts(facilitator.get(facilitator.post(BULK, form).headers["Location"]))
    assert "1 invitation part" in html
    for why in (
        "Sans courriel",
        "Sans consentement aux courriels",
        "Invitation en cours",
        "Changé",
    ):
        assert why in html
    assert [mail.recipient for mail in Mail.objects.all()] == ["bonne@exemple.test"]


@pytest.mark.django_db(transaction=True)
def test_a_list_sent_five_times_at_once_is_sent_once(facilitator, prospects):
    ids, key = [prospects["good"].pk, prospects["other"].pk], uuid.uuid4()
    by = facilitator.user
    results = at_once(*[lambda: bulk_invitations.send(enterprises=ids, key=key, by=by)] * 5)
    assert {result.sent for result in results} == {2}
    assert Mail.objects.count() == 2


def test_all_leave_or_none(facilitator, prospects, monkeypatch):
    calls = []

    def failing(**sent):
        calls.append(sent)
        if len(calls) == 2:
            raise RuntimeError
        return real(**sent)

    real = invitations.send
    monkeypatch.setattr(invitations, "send", failing)
    ids = [prospects["good"].pk, prospects["other"].pk]
    with pytest.raises(RuntimeError):
        bulk_invitations.send(enterprises=ids, key=uuid.uuid4(), by=facilitator.user)
    assert not Mail.objects.exists()
    assert Invitation.objects.count() == 1  # the one that was there


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({}, 400, "Rien n’est parti"),
        ({"key": "x", "enterprise": "1"}, 400, "Rien n’est parti"),
        ({"key": str(uuid.uuid4())}, 200, "Choisissez au moins une entreprise"),
        ({"key": str(uuid.uuid4()), "enterprise": "abc"}, 200, "n’est pas celui de cette page"),
        ({"key": str(uuid.uuid4()), "enterprise": "9" * 30}, 200, "n’est pas celui"),
        ({"key": str(uuid.uuid4()), "enterprise": [1] * 201}, 200, "au plus 200 invitations"),
    ],
)
def test_a_list_that_is_none_sends_nothing(sent, status, said, facilitator, prospects):
    response = facilitator.post(BULK, sent)
    assert response.status_code == status
    assert said in texts(response)
    assert not Mail.objects.exists()


def test_only_staff_who_may_invite_see_it(member, alice, staff, moderator, curator, facilitator):
    result = reverse("directory:invitations_sent", args=[uuid.uuid4()])
    for person in (member, alice, staff, moderator):
        assert person.get(BULK).status_code == 404
        assert person.post(BULK).status_code == 404
        assert person.get(result).status_code == 404
    for person in (curator, facilitator):
        assert person.get(BULK).status_code == 200
        assert person.get(result).status_code == 404  # there is none
