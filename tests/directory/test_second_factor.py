"""The second factor: who must have one, who must have given it, how one is added or lost."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.urls import reverse

from directory.models import AuditEntry, Mail
from tests.client import StrictClient
from tests.factories import UserFactory
from tests.signing_in import by_code, code_sent, sign_in

pytestmark = pytest.mark.django_db

CODE = reverse("account_code")
HOME = reverse("account_home")


def application(user):
    """A second factor, and the code that it shows now."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return lambda: format_hotp_value(hotp_value(secret, int(time.time()) // 30))


STAFF_PAGES = ["/admin/", "/admin/directory/enterprise/", "/", "/entreprises/"]


@pytest.mark.parametrize("address", STAFF_PAGES)
def test_staff_without_a_second_factor_are_led_to_set_one_up(address, client, reference):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for response in (client.get(address), client.post(address)):
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("mfa_index"))
    assert "Il vous faut un second facteur" in client.get(reverse("mfa_index")).content.decode()
    assert client.get(HOME).status_code == 200


def test_staff_who_have_one_must_have_given_it_in_this_session(client):
    user = UserFactory(is_staff=True, is_superuser=True)
    shown = application(user)
    client.force_login(user)
    response = client.get("/admin/")
    assert response.headers["Location"] == f"{reverse('account_reauthenticate')}?next=/admin/"
    page = client.get(response.headers["Location"], follow=True)
    before = client.session.session_key
    where = page.redirect_chain[-1][0]
    assert client.post(where, {"code": "000000", "next": "/admin/"}).status_code == 200
    response = client.post(where, {"code": shown(), "next": "/admin/"})
    assert response.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.session.session_key != before


def test_at_sign_in_the_second_factor_is_asked_after_the_code(client):
    user = UserFactory(email="equipe@exemple.test", is_staff=True, is_superuser=True)
    shown = application(user)
    response = by_code(client, user.email, next="/admin/")
    assert response.headers["Location"] == reverse("mfa_authenticate")
    assert client.get("/admin/").status_code == 302
    code = shown()
    response = client.post(reverse("mfa_authenticate"), {"code": code})
    assert response.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200

    again = StrictClient()
    by_code(again, user.email)
    page = again.post(reverse("mfa_authenticate"), {"code": code})
    assert page.context["form"].errors["code"]
    assert again.get("/admin/").status_code == 302


def test_a_code_of_the_application_serves_once_in_whatever_process(people):
    from directory import second_factor

    user = UserFactory()
    shown = application(user)
    factor = Authenticator.objects.get(user=user)
    code = shown()
    assert second_factor.spend(factor, code)
    assert not second_factor.spend(Authenticator.objects.get(user=user), code)


def test_a_recovery_code_serves_once(client):
    user = UserFactory(email="equipe@exemple.test", is_staff=True)
    application(user)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    for person, passes in ((client, True), (StrictClient(), False)):
        by_code(person, user.email)
        person.post(reverse("mfa_authenticate"), {"code": f"{code[:4]} {code[4:]}"})
        assert ("_auth_user_id" in person.session) == passes


def test_setting_up_an_application_opens_what_it_protects(
    client, django_capture_on_commit_callbacks
):
    user = UserFactory(email="equipe@exemple.test", is_staff=True, is_superuser=True)
    by_code(client, user.email, next="/admin/")
    assert client.get("/admin/").status_code == 302
    page = client.get(reverse("mfa_activate_totp"))
    assert "<svg" in page.content.decode()
    code = format_hotp_value(hotp_value(page.context["secret"], int(time.time()) // 30))
    before = client.session.session_key
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert response.headers["Location"] == reverse("mfa_view_recovery_codes")
    assert len(client.get(response.headers["Location"]).context["unused_codes"]) == 10
    assert client.get("/admin/").status_code == 200
    assert client.session.session_key != before
    mail = Mail.objects.get(kind="account_changed")
    assert "une application de codes a été ajoutée" in mail.text


def test_a_factor_is_not_added_by_whoever_finds_a_session_open(client):
    user = UserFactory(is_staff=True)
    client.force_login(user)  # not a moment ago, and by no means that the session remembers
    response = client.get(reverse("mfa_activate_totp"))
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    client.post(response.headers["Location"])
    client.post(CODE, {"code": code_sent(user.email)})
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    application(user)
    # From then on, reading the mail is not enough.
    response = client.get(reverse("mfa_add_webauthn"))
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    page = client.get(response.headers["Location"])
    assert page.headers["Location"].startswith(reverse("mfa_reauthenticate"))


def test_staff_keep_their_last_second_factor_or_are_led_to_set_one_up(staffed):
    client, user = staffed
    address = reverse("mfa_deactivate_totp")
    html = client.post(address, follow=True).content.decode()
    assert "ajoutez-en un autre d’abord" in html
    assert Authenticator.objects.filter(user=user).exists()
    assert client.get("/admin/").status_code == 200
    key = Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Clé"}
    )
    assert "L’application est retirée" in client.post(address, follow=True).content.decode()
    assert client.get("/admin/").status_code == 200
    # However it went, a session that gave it once opens nothing without one.
    key.delete()
    assert client.get("/admin/").headers["Location"].startswith(reverse("mfa_index"))


@pytest.fixture
def staffed(reference):
    user = UserFactory(email="seule@exemple.test", is_staff=True)
    return sign_in(StrictClient(), user), user


def test_others_need_no_second_factor(member):
    assert member.get(HOME).status_code == 200
    assert member.get("/").status_code == 200


def test_a_superuser_removes_the_factors_of_who_lost_them(superuser):
    user = UserFactory(email="perdue@exemple.test", is_staff=True)
    lost = StrictClient()
    sign_in(lost, user)
    assert lost.get("/admin/").status_code == 200
    address = reverse("admin:directory_user_changelist")
    superuser.post(address, {"action": "remove_factors", "_selected_action": [user.pk]})
    assert not Authenticator.objects.filter(user=user).exists()
    assert lost.get("/admin/").status_code == 302
    assert AuditEntry.objects.get(act="person.factors_removed").subject_id == user.pk
    assert Mail.objects.filter(recipient=user.email, kind="account_changed").exists()
