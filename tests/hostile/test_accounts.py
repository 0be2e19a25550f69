"""Accounts attacked: who has one is not told, no code is guessed, no right taken."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from directory import codes
from directory.models import Counter, Mail, User
from tests.client import StrictClient
from tests.factories import UserFactory
from tests.hostile.corpus import NUMBERS, TEXTS
from tests.signing_in import by_code, code_sent, sign_in
from tests.sql import recorded_sql

pytestmark = pytest.mark.django_db

LOGIN, SIGNUP, CODE, HOME = (
    reverse(f"account_{name}") for name in ("login", "signup", "code", "home")
)
KNOWN, UNKNOWN = "connue@exemple.test", "inconnu@exemple.test"
FORMS = {
    LOGIN: {"email": UNKNOWN},
    SIGNUP: {"email": UNKNOWN, "name": "Nadia", "agreed": "on"},
}


# --- Who has an account


def walk(address, email, sent):
    """Ask for a code, then type a wrong one: all that its sender can see, and the work done."""
    client, seen = StrictClient(), []
    with recorded_sql() as statements:
        for where, said in ((address, sent | {"email": email}), (CODE, {"code": "0000 0000"})):
            response = client.post(where, said)
            page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
            headers = {
                name: value
                for name, value in response.headers.items()
                if name not in {"X-Request-ID", "Content-Length", "Expires"}  # the hour it is
            }
            for spelling in (email, quote(email)):
                page = page.replace(spelling, "")
            seen.append((response.status_code, page, headers))
    return seen, [re.sub(r"'[^']*'|\d+", "?", str(one)) for one in statements]


@pytest.mark.parametrize("address", FORMS)
def test_an_address_that_has_an_account_and_one_that_has_none_are_answered_alike(address):
    UserFactory(email=KNOWN)
    walk(address, "premiere@exemple.test", FORMS[address])  # what is done once a process
    seen, work = zip(*(walk(address, email, FORMS[address]) for email in (KNOWN, UNKNOWN)),
                     strict=True)  # fmt: skip
    assert seen[0] == seen[1]
    assert work[0] == work[1]


def test_at_sign_in_mail_is_written_to_those_alone_who_have_an_account():
    UserFactory(email=KNOWN)
    for email in (KNOWN, UNKNOWN):
        StrictClient().post(LOGIN, {"email": email})
    assert [mail.recipient for mail in Mail.objects.all()] == [KNOWN]


def test_at_sign_up_the_same_mail_is_written_to_both():
    UserFactory(email=KNOWN)
    for email in (KNOWN, UNKNOWN):
        StrictClient().post(SIGNUP, FORMS[SIGNUP] | {"email": email})
    texts = {re.sub(r"\d{4} \d{4}", "", mail.text) for mail in Mail.objects.all()}
    assert len(texts) == 1
    assert Mail.objects.count() == 2


# --- Limits


def post(address, sent, where="203.0.113.7", **headers):
    return StrictClient().post(address, sent, REMOTE_ADDR=where, headers=headers)


def test_the_twenty_first_attempt_of_one_place_is_refused_in_french():
    for number in range(20):
        assert post(LOGIN, {"email": f"a{number}@exemple.test"}).status_code == 302
    for address, sent in FORMS.items():
        response = post(address, sent)
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 3601
        assert "Trop d’essais" in response.content.decode()
    assert post(LOGIN, {"email": UNKNOWN}, where="203.0.113.8").status_code == 302


def test_the_eleventh_attempt_for_one_address_is_refused_wherever_it_comes_from():
    UserFactory(email=KNOWN)
    for number in range(10):
        assert post(LOGIN, {"email": KNOWN}, where=f"203.0.113.{number}").status_code == 302
    assert post(LOGIN, {"email": KNOWN.upper()}, where="203.0.113.99").status_code == 429
    assert Mail.objects.count() == 10
    assert post(LOGIN, {"email": UNKNOWN}, where="203.0.113.99").status_code == 302


def test_one_place_asks_for_five_codes_for_one_address_and_no_more():
    UserFactory(email=KNOWN)
    for email in (KNOWN, UNKNOWN):
        for _number in range(5):
            assert post(LOGIN, {"email": email}).status_code == 302
        assert post(LOGIN, {"email": email}).status_code == 429
        assert post(SIGNUP, FORMS[SIGNUP] | {"email": email}).status_code == 429
        # Elsewhere the same address is let in, and so is another from the same place.
        assert post(LOGIN, {"email": email}, where="203.0.113.8").status_code == 302
    assert post(LOGIN, {"email": "autre@exemple.test"}).status_code == 302


def flooded(email):
    """Strangers, of as many places as it takes, ask for codes in somebody's name and type some."""
    for number in range(12):
        client = StrictClient()
        where = {"REMOTE_ADDR": f"198.51.100.{number}"}
        client.post(LOGIN, {"email": email}, **where)
        client.post(CODE, {"code": "0000 0000"}, **where)
    assert post(LOGIN, {"email": email}, where="198.51.100.200").status_code == 429


@pytest.mark.parametrize("how", ["code", "factor"])
def test_nobody_is_kept_out_of_a_browser_they_know(how):
    user = UserFactory(email=KNOWN)
    mine = StrictClient()
    if how == "factor":
        code = RecoveryCodes.activate(user).get_unused_codes()[0]
        TOTP.activate(user, generate_totp_secret())
    by_code(mine, KNOWN)
    if how == "factor":
        mine.post(reverse("mfa_authenticate"), {"code": code})
    mine.post(reverse("account_logout"))
    assert "_auth_user_id" not in mine.session
    flooded(KNOWN)
    # Nor where others of the same network spend what it may ask for and type.
    for number in range(21):
        other = StrictClient()
        other.post(LOGIN, {"email": f"a{number}@exemple.test"}, REMOTE_ADDR="127.0.0.1")
        other.post(CODE, {"code": "0000 0000"}, REMOTE_ADDR="127.0.0.1")
    assert mine.post(LOGIN, {"email": KNOWN}).status_code == 302
    response = mine.post(CODE, {"code": code_sent(KNOWN)})
    assert response.status_code == 302
    assert ("_auth_user_id" in mine.session) == (how == "code")
    # Even there, ten an hour.
    mine.post(reverse("account_logout"))
    answers = [mine.post(LOGIN, {"email": KNOWN}).status_code for _number in range(10)]
    assert answers == [302] * 9 + [429]


def test_somebody_signed_in_proves_who_they_are_whatever_strangers_ask(member):
    flooded(member.user.email)
    assert member.post(reverse("account_reauthenticate")).status_code == 302


def test_a_browser_known_for_one_address_is_for_that_one_alone():
    UserFactory(email=KNOWN)
    client = StrictClient()
    by_code(client, UserFactory(email="autre@exemple.test").email)
    cookie = client.cookies[settings.BROWSER_COOKIE_NAME]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["samesite"]) == ("/compte/", "Lax")
    assert "autre" not in cookie.value
    client.post(reverse("account_logout"))
    flooded(KNOWN)
    number, _dot, said = cookie.value.partition(".")
    forged = [cookie.value, f"{number}.", number, "", ".", f"{'a' * 22}.{said}", f"{number}.é",
              f"{number}.{said}.{said}", "." * 500]  # fmt: skip
    for value in forged:
        client.cookies[settings.BROWSER_COOKIE_NAME] = value
        where = {"REMOTE_ADDR": "192.0.2.44"}
        assert client.post(LOGIN, {"email": KNOWN}, **where).status_code == 429, value


def test_a_new_address_is_known_where_it_was_proven(client):
    user = UserFactory(email=KNOWN)
    by_code(client, KNOWN)
    client.post(reverse("account_email"), {"email": "nouvelle@exemple.test"})
    client.post(CODE, {"code": code_sent("nouvelle@exemple.test")})
    user.refresh_from_db()
    assert user.email == "nouvelle@exemple.test"
    client.post(reverse("account_logout"))
    flooded("nouvelle@exemple.test")
    assert client.post(LOGIN, {"email": "nouvelle@exemple.test"}).status_code == 302


def test_codes_typed_are_counted_too():
    client = StrictClient()
    for number in range(20):
        if number % 4 == 0:
            client.post(LOGIN, {"email": f"a{number}@exemple.test"}, REMOTE_ADDR="192.0.2.9")
        client.post(CODE, {"code": "0000 0000"}, REMOTE_ADDR="198.51.100.200")
    assert client.post(CODE, {"code": "0000 0000"}, REMOTE_ADDR="198.51.100.200").status_code == 429


def test_tries_made_at_once_are_counted_as_those_made_in_turn():
    """Each request reads the session before another has written that a try was made."""
    client = StrictClient()
    client.post(LOGIN, {"email": UNKNOWN})
    kept = dict(client.session[codes.KEY])
    tried = []
    for _number in range(8):
        session = {codes.KEY: dict(kept)}
        try:
            tried.append(codes.prove(session=session, client="x", known="", code="0"))
        except codes.Expired:
            tried.append("expired")
    assert tried == [None] * 5 + ["expired"] * 3


def test_a_header_that_anyone_can_write_resets_nothing():
    for number in range(20):
        spoofed = {"x-forwarded-for": f"10.0.0.{number}", "x-real-ip": f"10.0.1.{number}"}
        assert post(LOGIN, {"email": f"a{number}@exemple.test"}, **spoofed).status_code == 302
    assert post(LOGIN, {"email": UNKNOWN}, **{"x-forwarded-for": "10.9.9.9"}).status_code == 429


def test_behind_a_proxy_what_it_saw_counts_and_not_what_it_was_told(settings):
    settings.PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(20):
        seen = {"x-forwarded-for": f"10.0.0.{number}, 203.0.113.50"}
        sent = {"email": f"a{number}@exemple.test"}
        assert post(LOGIN, sent, where="192.0.2.1", **seen).status_code == 302
    spoofed = {"x-forwarded-for": "10.9.9.9, 203.0.113.50"}
    assert post(LOGIN, {"email": UNKNOWN}, where="192.0.2.1", **spoofed).status_code == 429
    other = {"x-forwarded-for": "203.0.113.51"}
    assert post(LOGIN, {"email": UNKNOWN}, where="192.0.2.1", **other).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_thirty_attempts_at_once_twenty_are_let_in():
    def attempt(number):
        try:
            return Client().post(LOGIN, {"email": f"a{number}@exemple.test"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(30)))
    assert (answers.count(302), answers.count(429)) == (20, 10)


def test_without_its_counters_nobody_signs_in_and_everybody_reads(reference):
    UserFactory(email=KNOWN)
    client = StrictClient(raise_request_exception=False)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE directory_counter RENAME TO gone")
    assert client.post(LOGIN, {"email": KNOWN}).status_code in {500, 503}
    assert codes.KEY not in client.session
    assert not Mail.objects.exists()
    for address in ("/", "/entreprises/"):
        assert client.get(address).status_code == 200


# --- Codes


def test_reading_a_page_uses_no_code():
    UserFactory(email=KNOWN)
    client = StrictClient()
    client.post(LOGIN, {"email": KNOWN})
    code = code_sent(KNOWN)
    for _ in range(12):
        assert client.get(CODE, {"code": code}).status_code == 200
    assert "_auth_user_id" not in client.session
    assert client.post(CODE, {"code": code}).status_code == 302


def test_a_code_for_one_thing_is_good_for_no_other():
    UserFactory(email=KNOWN)
    signing_up, signing_in = StrictClient(), StrictClient()
    signing_up.post(SIGNUP, FORMS[SIGNUP] | {"email": KNOWN})
    code = code_sent(KNOWN)
    signing_in.post(LOGIN, {"email": KNOWN})
    signing_in.post(CODE, {"code": code})
    assert "_auth_user_id" not in signing_in.session


def test_a_code_asked_for_by_one_person_changes_nothing_of_another():
    UserFactory(email=KNOWN)
    other = UserFactory(email="autre@exemple.test")
    client = StrictClient()
    by_code(client, KNOWN)
    client.post(reverse("account_email"), {"email": UNKNOWN})
    kept = client.session[codes.KEY]
    client.logout()
    sign_in(client, other)
    session = client.session
    session[codes.KEY] = kept
    session.save()
    assert client.post(CODE, {"code": code_sent(UNKNOWN)}).status_code == 410
    other.refresh_from_db()
    assert other.email == "autre@exemple.test"


def test_the_session_of_a_visitor_is_not_that_of_the_person_they_become():
    UserFactory(email=KNOWN)
    client = StrictClient()
    client.post(LOGIN, {"email": KNOWN})
    before = client.session.session_key
    client.post(CODE, {"code": code_sent(KNOWN)})
    after = client.session.session_key
    assert before != after
    stolen = Client()
    stolen.cookies["session"] = before
    assert stolen.get(HOME).status_code == 302


# --- What is typed


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS], ids=ascii)
def test_no_value_of_any_field_breaks_a_form(value):
    user = UserFactory(email=KNOWN)
    client = Client()  # what was typed is shown again, markup included, as text
    for address, sent in FORMS.items():
        for name in [*sent, "next"]:
            response = client.post(address, sent | {name: value})
            assert response.status_code in {200, 302, 400}, name
            Counter.objects.all().delete()
    client.post(LOGIN, {"email": KNOWN})
    assert client.post(CODE, {"code": value}).status_code in {200, 400}
    sign_in(client, user)
    for name in ("account_home", "usersessions_list", "mfa_login_webauthn", "account_logout"):
        for field in ("name", "session", "credential", "next"):
            status = client.post(reverse(name), {field: value}).status_code
            assert status in {200, 302, 400, 404}, (name, field)


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "{",
        "[]",
        "1",
        '"x"',
        "null",
        '{"id": "x"}',
        '{"response": {}}',
        "[" * 9_000,
        "x" * 90_000,
    ],
)
def test_a_passkey_that_is_none_signs_nobody_in(credential):
    client = StrictClient()
    address = reverse("mfa_login_webauthn")
    asked = client.get(address, headers={"accept": "application/json"})
    assert asked.json()["request_options"]["publicKey"]["challenge"]
    response = client.post(address, {"credential": credential})
    assert response.status_code == 200
    assert "n’ouvre aucun compte" in response.content.decode()


def test_nothing_else_than_what_is_asked_can_be_set():
    fields = {field.name for field in User._meta.get_fields()} - {"email", "name"}
    assert {"is_staff", "is_superuser", "is_active", "password"} <= fields
    extra = dict.fromkeys(fields, "1")
    client = StrictClient()
    client.post(SIGNUP, FORMS[SIGNUP] | extra)
    client.post(CODE, {"code": code_sent(UNKNOWN)} | extra)
    user = User.objects.get()
    client.post(HOME, {"name": "Nadia N.", "email": "pirate@exemple.test"} | extra)
    client.post(reverse("account_email"), {"email": "neuve@exemple.test", "user": 1} | extra)
    user.refresh_from_db()
    assert (user.name, user.email) == ("Nadia N.", UNKNOWN)
    assert not user.is_staff
    assert not user.is_superuser
    assert not user.has_usable_password()


def test_every_form_is_refused_without_its_token():
    user = UserFactory(email=KNOWN, is_staff=True)
    client = StrictClient(enforce_csrf_checks=True)
    for name in ("account_login", "account_signup", "account_code", "mfa_login_webauthn"):
        assert client.post(reverse(name), {"email": KNOWN, "code": "0"}).status_code == 403, name
    sign_in(client, user)
    for name in ("account_home", "account_logout", "account_email", "account_delete",
                 "usersessions_list", "mfa_deactivate_totp", "mfa_generate_recovery_codes",
                 "account_reauthenticate"):  # fmt: skip
        assert client.post(reverse(name), {"sure": "on"}).status_code == 403, name
    assert User.objects.filter(pk=user.pk).exists()
    assert not Mail.objects.exists()


def test_the_key_of_another_person_is_not_one_s_to_remove(staff):
    other = UserFactory(email=KNOWN)
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Clé"})
    address = reverse("mfa_remove_webauthn", args=[key.pk])
    assert staff.get(address).status_code == 404
    assert staff.post(address).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


# --- Cookies


def test_a_page_of_forms_sets_its_own_cookies_and_a_public_one_none(client, reference):
    assert client.get("/").cookies == {}
    cookies = client.get(LOGIN).cookies
    assert set(cookies) == {"csrf"}
    client.post(LOGIN, {"email": UNKNOWN})
    session = client.cookies["session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


@pytest.mark.parametrize("name", ["account_home", "account_login", "account_signup", "mfa_index"])
def test_what_a_page_of_an_account_says_is_kept_by_nobody(name, member):
    response = member.get(reverse(name))
    assert "no-store" in response.headers["Cache-Control"]
    assert "private" in response.headers["Cache-Control"]
