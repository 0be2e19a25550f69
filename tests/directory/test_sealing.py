"""What the database holds of second factors, and what becomes of it when a key changes."""

import json
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
from cryptography.fernet import Fernet
from django.db import connection
from django.urls import reverse

from directory import sealing
from directory.checks import factor_keys
from tests.client import StrictClient
from tests.factories import UserFactory
from tests.signing_in import by_code, sign_in

pytestmark = pytest.mark.django_db
NEW, OLD = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def column():
    """What a copy of the database would show."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        return json.dumps(cursor.fetchall())


def shown_by(secret):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def enters(user, code):
    """Whether this second factor lets the person in."""
    client = StrictClient()
    by_code(client, user.email)
    client.post(reverse("mfa_authenticate"), {"code": code})
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("given", [[], [NEW], [NEW, OLD]])
def test_the_database_shows_no_secret_of_a_second_factor(given, settings, monkeypatch):
    settings.FACTOR_KEYS = given
    seed = RecoveryCodes.generate_seed()
    monkeypatch.setattr(RecoveryCodes, "generate_seed", classmethod(lambda cls: seed))
    user, secret = UserFactory(), generate_totp_secret()
    TOTP.activate(user, secret)
    codes = RecoveryCodes.activate(user).get_unused_codes()
    assert Authenticator.objects.count() == 2
    for hidden in (secret, seed, *codes):
        assert hidden not in column()
    assert enters(user, shown_by(secret))
    assert enters(user, codes[3])


def test_a_factor_set_up_through_the_pages_is_sealed_too(client):
    user = UserFactory()
    by_code(client, user.email)
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["secret"]
    client.post(reverse("mfa_activate_totp"), {"code": shown_by(secret)})
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert secret not in column()


def test_a_key_is_changed_without_anyone_setting_anything_up_again(settings):
    settings.FACTOR_KEYS = [OLD]
    user, secret = UserFactory(), generate_totp_secret()
    TOTP.activate(user, secret)
    settings.FACTOR_KEYS = [NEW, OLD]
    assert enters(user, shown_by(secret))
    sealed = sealing.seal("x")
    settings.FACTOR_KEYS = [NEW]
    assert sealing.unseal(sealed) == "x"


def test_what_was_kept_in_clear_before_is_still_read():
    user, secret = UserFactory(), generate_totp_secret()
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret})
    assert enters(user, shown_by(secret))
    assert sealing.unseal(seed := RecoveryCodes.generate_seed()) == seed


def test_without_its_key_a_factor_opens_nothing_and_it_is_said_what_to_do(settings):
    settings.FACTOR_KEYS = [OLD]
    user, secret = UserFactory(), generate_totp_secret()
    TOTP.activate(user, secret)
    recovery = RecoveryCodes.activate(user).get_unused_codes()[0]
    settings.FACTOR_KEYS = [NEW]
    for code in (shown_by(secret), recovery, shown_by(""), "000000"):
        client = StrictClient()
        by_code(client, user.email)
        response = client.post(reverse("mfa_authenticate"), {"code": code})
        assert "ne peut plus lire ce second facteur" in response.content.decode()
        assert "_auth_user_id" not in client.session


def test_recovery_codes_that_cannot_be_read_are_made_anew(settings, client):
    settings.FACTOR_KEYS = [OLD]
    user = UserFactory(is_staff=True)
    Authenticator.objects.create(user=user, type="webauthn", data={})  # which holds no secret
    RecoveryCodes.activate(user)
    settings.FACTOR_KEYS = [NEW]
    sign_in(client, user)
    response = client.get(reverse("mfa_view_recovery_codes"))
    assert response.headers["Location"] == reverse("mfa_generate_recovery_codes")
    assert client.get(response.headers["Location"]).status_code == 200
    client.post(response.headers["Location"])
    page = client.get(reverse("mfa_view_recovery_codes"))
    assert len(page.context["unused_codes"]) == 10


@pytest.mark.parametrize(
    ("given", "said"),
    [([], []), ([NEW], []), ([NEW, OLD], []), (["abc"], ["E003"]), ([NEW, "é" * 44], ["E003"])],
)
def test_a_key_that_is_none_is_said_when_the_site_starts(given, said, settings):
    settings.FACTOR_KEYS = given
    assert [error.id for error in factor_keys(None)] == [f"directory.{one}" for one in said]
