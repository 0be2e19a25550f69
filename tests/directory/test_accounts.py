"""Signing in by a code, second factors, one's account: through the pages, on the real database."""

import io
import json
import re
import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from directory import (
    accounts,
    audit,
    codes,
    demo_people,
    invitations,
    personal_data,
    representatives,
    retention,
)
from directory.checks import demo_sign_in
from directory.models import (
    AuditEntry,
    Claim,
    Consent,
    Counter,
    Draft,
    Enterprise,
    Invitation,
    Mail,
    Representative,
    Revision,
    Suggestion,
    Unsubscription,
    User,
)
from tests.at_once import at_once
from tests.client import StrictClient
from tests.factories import RecognitionFactory, SuggestionFactory, UserFactory
from tests.forms import filled
from tests.signing_in import by_code, code_sent, sign_in
from tests.sql import recorded_sql
from tests.test_access import addresses

pytestmark = pytest.mark.django_db

LOGIN, SIGNUP, CODE, HOME = (
    reverse(f"account_{name}") for name in ("login", "signup", "code", "home")
)
AGREED = {"email": "nouvelle@exemple.test", "name": "Noémie Nouvelle", "agreed": "on"}


def application(user):
    """A second factor, and the code that it shows now."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return lambda: format_hotp_value(hotp_value(secret, int(time.time()) // 30))


# --- By a code


def test_a_code_sent_by_mail_signs_in_once(client):
    UserFactory(email="alice@exemple.test")
    assert client.post(LOGIN, {"email": " Alice@Exemple.test"}).status_code == 302
    code = code_sent("alice@exemple.test")
    page = client.get(CODE).content.decode()
    assert "alice@exemple.test" in page
    assert code not in page
    assert client.post(CODE, {"code": code.replace(" ", "-")}).headers["Location"] == HOME
    assert client.get(HOME).status_code == 200
    other = StrictClient()
    assert other.post(CODE, {"code": code}).status_code == 410
    assert UserSession.objects.get().user.email == "alice@exemple.test"


def test_a_code_is_good_in_the_browser_that_asked_for_it_alone(client):
    UserFactory(email="alice@exemple.test")
    client.post(LOGIN, {"email": "alice@exemple.test"})
    other = StrictClient()
    other.post(LOGIN, {"email": "ailleurs@exemple.test"})
    response = other.post(CODE, {"code": code_sent("alice@exemple.test")})
    assert "n’est pas le bon" in response.content.decode()


def test_a_code_is_good_for_fifteen_minutes(client):
    UserFactory(email="alice@exemple.test")
    client.post(LOGIN, {"email": "alice@exemple.test"})
    session = client.session
    assert 14 * 60 < session[codes.KEY]["until"] - time.time() <= 15 * 60
    session[codes.KEY] |= {"until": time.time() - 1}
    session.save()
    response = client.post(CODE, {"code": code_sent("alice@exemple.test")})
    assert response.status_code == 410
    assert client.get(HOME).status_code == 302


def test_the_fifth_wrong_code_is_the_last(client):
    UserFactory(email="alice@exemple.test")
    client.post(LOGIN, {"email": "alice@exemple.test"})
    code = code_sent("alice@exemple.test")
    for left in (4, 3, 2, 1):
        page = client.post(CODE, {"code": "0000 0000"}).content.decode()
        assert f"Il vous reste {left} essai" in page
    assert client.post(CODE, {"code": "0000 0000"}).status_code == 410
    assert client.post(CODE, {"code": code}).status_code == 410


def test_the_code_is_nowhere_but_in_its_mail_which_is_secret(client):
    UserFactory(email="alice@exemple.test")
    client.post(LOGIN, {"email": "alice@exemple.test"})
    code = code_sent("alice@exemple.test").replace(" ", "")
    assert code not in json.dumps(dict(client.session.items()))
    mail = Mail.objects.get()
    assert mail.secret
    assert code not in mail.subject.replace(" ", "")


def test_an_account_is_made_once_its_address_is_proven(client):
    client.post(SIGNUP, AGREED)
    assert not User.objects.exists()
    response = client.post(CODE, {"code": code_sent(AGREED["email"])})
    assert response.headers["Location"] == HOME
    user = User.objects.get()
    assert (user.email, user.name, user.is_staff) == (AGREED["email"], AGREED["name"], False)
    consent = Consent.objects.get(user=user)
    assert (consent.purpose, consent.given) == ("privacy", True)
    assert consent.text_version == accounts.PRIVACY_TEXT.isoformat()
    assert "vous avez consenti" in client.get(HOME).content.decode()


def test_signing_up_again_leads_to_the_account_that_one_has(client):
    user = UserFactory(email=AGREED["email"], name="Ancien nom")
    client.post(SIGNUP, AGREED)
    client.post(CODE, {"code": code_sent(AGREED["email"])})
    assert User.objects.count() == 1
    user.refresh_from_db()
    assert user.name == "Ancien nom"
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.django_db(transaction=True)
def test_a_code_typed_five_times_at_once_makes_one_account():
    proven = [lambda: accounts.sign_up(email=AGREED["email"], name="Noémie")] * 5
    made = at_once(*proven)
    assert {user.pk for user in made} == {User.objects.get().pk}
    assert Consent.objects.count() == 1


def test_what_is_missing_to_sign_up_is_said_at_its_field(client):
    response = client.post(SIGNUP, {"email": "pas une adresse"})
    assert set(response.context["form"].errors) == {"email", "name", "agreed"}
    assert response.content.decode().startswith("<!DOCTYPE html>")
    assert not Mail.objects.exists()


def test_one_goes_where_one_was_going(client):
    UserFactory(email="alice@exemple.test")
    address = client.get(reverse("usersessions_list")).headers["Location"]
    assert address.startswith(LOGIN)
    going = reverse("usersessions_list")
    assert by_code(client, "alice@exemple.test", next=going).headers["Location"] == going


# --- No password


def test_an_address_that_a_link_proposes_is_written_in_the_forms_and_looked_up_nowhere(client):
    UserFactory(email="connue@exemple.test")
    pages = [reverse("account_login"), reverse("account_signup")]
    for page in pages:
        shown = []
        for email in ("connue@exemple.test", "inconnue@exemple.test"):
            response = client.get(page, {"email": email, "next": "/invitation/x/"})
            html = response.content.decode()
            assert f'value="{email}"' in html
            shown.append(re.sub(r"(in)?connue(@|%40)", "", html))
        masked = [re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", one) for one in shown]
        assert masked[0] == masked[1]
        # From one to the other, nothing is typed again.
        assert "email=inconnue%40exemple.test" in html
    html = client.get(pages[0], {"email": '"><script>x\r\n' + "a" * 300}).content.decode()
    assert "&quot;&gt;&lt;script&gt;x aaa" in html
    assert "a" * 254 not in html
    # What is sent is what counts.
    client.post(f"{pages[0]}?email=inconnue@exemple.test", {"email": "connue@exemple.test"})
    html = client.get(reverse("account_code")).content.decode()
    assert "<strong>connue@exemple.test</strong>" in html


def test_who_has_no_account_goes_on_to_make_one_without_losing_where_they_were_going(client):
    client.post(reverse("account_login"), {"email": "neuve@exemple.test", "next": "/invitation/x/"})
    html = client.get(reverse("account_code")).content.decode()
    query = "?next=%2Finvitation%2Fx%2F&amp;email=neuve%40exemple.test"
    assert reverse("account_signup") + query in html
    assert reverse("account_login") + query in html


def test_no_address_of_the_site_speaks_of_a_password():
    routes = " ".join(f"{name} {route}" for name, route in addresses(get_resolver()))
    assert not re.search("password|passe", routes)


def test_no_page_has_a_field_for_one(client, superuser):
    pages = [LOGIN, SIGNUP, reverse("admin:directory_user_add")]
    pages.append(reverse("admin:directory_user_change", args=[superuser.user.pk]))
    for person in (client, superuser):
        for page in pages:
            html = person.get(page, follow=True).content.decode()
            assert 'type="password"' not in html
            assert 'name="password' not in html


def test_a_password_in_the_database_opens_nothing(client):
    user = UserFactory(email="alice@exemple.test", is_staff=True, is_superuser=True)
    user.set_password("secret")
    user.save()
    assert not client.login(username=user.email, password="secret")
    sent = {"username": user.email, "email": user.email, "login": user.email, "password": "secret"}
    for name in ("account_login", "account_signup", "admin:login", "account_code"):
        client.post(reverse(name), sent)
        assert "_auth_user_id" not in client.session
    for name in ("admin:index", "account_home"):
        assert client.get(reverse(name)).status_code == 302


def test_the_first_superuser_is_made_without_one():
    call_command("createsuperuser", "--email", "Racine@Exemple.test", stdout=io.StringIO())
    user = User.objects.get()
    assert (user.email, user.is_superuser) == ("racine@exemple.test", True)
    assert not user.has_usable_password()
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--email", "racine@exemple.test", stdout=io.StringIO())
    with pytest.raises(CommandError):
        call_command("changepassword")


# --- The second factor


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


def test_a_person_whose_account_is_closed_is_refused_at_their_next_request(member):
    assert member.get(HOME).status_code == 200
    User.objects.update(is_active=False)
    assert member.get(HOME).status_code == 302


def test_an_account_that_was_closed_is_sent_no_code(client):
    UserFactory(email="partie@exemple.test", is_active=False)
    client.post(LOGIN, {"email": "partie@exemple.test"})
    assert not Mail.objects.exists()


# --- One's account


def test_one_gives_oneself_a_name(member):
    assert member.post(HOME, {"name": "  Maude\nM. "}).status_code == 302
    member.user.refresh_from_db()
    assert member.user.name == "Maude M."
    assert "Votre nom est enregistré" in member.get(HOME).content.decode()


def test_the_account_names_what_one_represents(alice):
    page = alice.get(HOME).content.decode()
    assert "Les Ateliers d’Alice" in page
    assert "responsable de la fiche" in page


def test_an_address_is_changed_once_proven_and_the_old_one_is_told(client):
    user = UserFactory(email="avant@exemple.test")
    elsewhere = StrictClient()
    by_code(elsewhere, user.email)
    by_code(client, user.email)
    client.post(reverse("account_email"), {"email": "apres@exemple.test"})
    user.refresh_from_db()
    assert user.email == "avant@exemple.test"
    client.post(CODE, {"code": code_sent("apres@exemple.test")})
    user.refresh_from_db()
    assert user.email == "apres@exemple.test"
    assert client.get(HOME).status_code == 200
    assert elsewhere.get(HOME).status_code == 302
    assert Mail.objects.filter(kind="account_changed", recipient="avant@exemple.test").exists()
    trace = AuditEntry.objects.get(act="account.email")
    assert "exemple.test" not in json.dumps(trace.detail)


def test_another_account_keeps_its_address(client):
    user, other = UserFactory(email="moi@exemple.test"), UserFactory(email="autre@exemple.test")
    by_code(client, user.email)
    response = client.post(reverse("account_email"), {"email": other.email})
    assert response.headers["Location"] == CODE  # said to the reader of that address alone
    client.post(CODE, {"code": code_sent(other.email)})
    user.refresh_from_db()
    assert user.email == "moi@exemple.test"
    assert (
        "Un autre compte a cette adresse" in client.get(reverse("account_email")).content.decode()
    )


def test_open_sign_ins_are_listed_and_closed(client):
    user = UserFactory(email="alice@exemple.test")
    phone, library = StrictClient(), StrictClient()
    agent = "Mozilla/5.0 (iPhone) AppleWebKit Version/17 Safari/604"
    phone.post(LOGIN, {"email": user.email}, headers={"user-agent": agent})
    phone.post(CODE, {"code": code_sent(user.email)}, headers={"user-agent": agent})
    by_code(library, user.email)
    by_code(client, user.email)
    address = reverse("usersessions_list")
    page = client.get(address)
    assert [one["current"] for one in page.context["sessions"]] == [True, False, False]
    assert "Safari sur iPhone" in page.content.decode()
    on_phone = UserSession.objects.get(user_agent=agent)
    client.post(address, {"session": on_phone.pk})
    assert phone.get(HOME).status_code == 302
    assert library.get(HOME).status_code == 200
    client.post(address)
    assert library.get(HOME).status_code == 302
    assert client.get(HOME).status_code == 200
    assert len(client.get(address).context["sessions"]) == 1


def test_the_sign_in_of_another_person_is_not_one_s_to_close(member):
    other = StrictClient()
    by_code(other, UserFactory(email="autre@exemple.test").email)
    theirs = UserSession.objects.get(user__email="autre@exemple.test")
    address = reverse("usersessions_list")
    for pk in (theirs.pk, "0", "abc", "9" * 40, "٣"):
        assert member.post(address, {"session": pk}).status_code == 404
    assert other.get(HOME).status_code == 200


# --- One's data


def test_every_table_that_names_a_person_says_so_in_their_data():
    named = {(model, field) for model, field, _names in personal_data.OWN}
    named |= set(personal_data.ACTS)
    unused = {"EmailAddress"}  # of allauth; what is proven is User.email
    own = {f"User_{name}" for name in ("groups", "user_permissions")}
    found = {
        (relation.related_model, relation.field.name)
        for relation in User._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete and relation.field.many_to_one
        and relation.related_model.__name__ not in unused | own
    }  # fmt: skip
    assert {(model.__name__, field) for model, field in found - named} == set()


def test_one_s_data_hold_all_that_the_site_knows_and_no_secret(client, enterprise):
    user = UserFactory(email="alice@exemple.test", name="Alice Aubin")
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    Draft.objects.create(
        enterprise=enterprise, user=user, section="identity", data={"a": "b"}, base_version=1
    )
    SuggestionFactory(sender_email="Alice@exemple.test", activity="Laver")
    accounts.consent(user=user, purpose="privacy", version="2026-11-22")
    by_code(client, user.email)
    code = code_sent(user.email)
    response = client.get(reverse("account_data"))
    assert "attachment" in response.headers["Content-Disposition"]
    found = response.json()
    assert found["compte"]["courriel"] == user.email
    for heading in ("représentant·es", "brouillons", "consentements", "courriels",
                    "suggestions d’entreprises"):  # fmt: skip
        assert len(found[heading]) == 1, heading
    said = response.content.decode()
    assert "Les Ateliers d’Alice" in said
    for secret in (code, code.replace(" ", ""), user.password, client.session.session_key):
        assert secret not in said


@pytest.mark.django_db(transaction=True)
def test_an_address_that_another_takes_at_the_same_moment_is_taken(alice):
    held = threading.Event()

    def come():
        with transaction.atomic():
            User.objects.create_user("voulue@exemple.test", name="Rapide")
            held.set()
            time.sleep(0.5)

    def change():
        held.wait(10)
        accounts.change_email(user=alice.user, email="voulue@exemple.test")

    _made, refused = at_once(come, change)
    assert isinstance(refused, accounts.Taken)
    assert alice.user.email == "alice@exemple.test"
    assert not Mail.objects.exists()


def test_one_s_data_are_in_french_without_the_names_of_the_program(alice, enterprise):
    change = {"name": {"before": "A", "proposed": "B"}}
    colleague = UserFactory()
    made = revision(enterprise, 1, submitted_by=alice.user, decided_by=colleague,
                    state="decided", decided_at=timezone.now(), changes=change,
                    decisions={"name": "refused"})  # fmt: skip
    audit.record(act="representative.removed", by=alice.user, subject=enterprise)
    Claim.objects.create(enterprise=enterprise, user=alice.user, state="waiting")
    Unsubscription.objects.create(email=alice.user.email, kind="reminder")
    found = personal_data.everything(alice.user)
    (proposed,) = found["modifications proposées"]
    assert proposed["état"] == "décidée"
    assert proposed["changements"] == {"Nom": {"avant": "A", "proposé": "B"}}
    assert proposed["décisions"] == {"Nom": "refusée"}
    assert found["demandes de rattachement"][0]["état"] == "à examiner"
    assert found["désabonnements"][0]["modèle"] == "Rappel\xa0: la fiche est à confirmer"
    assert found["traces"][0]["acte"] == "personne retirée de l’équipe d’une fiche"
    theirs = personal_data.everything(colleague)["actes inscrits à votre nom"]
    assert theirs == [
        {"table": "modifications proposées", "numéro": made.pk, "rôle": "décidée par"}
    ]
    labels = [personal_data.label(model, name)
              for model, _field, names in [*personal_data.OWN, *personal_data.BY_EMAIL]
              for name in names]  # fmt: skip
    labels += [personal_data.label(*act) for act in personal_data.ACTS]
    assert not [label for label in labels if re.search(r"_| at$|\b(by|user|data|section)\b", label)]


def test_each_act_that_leaves_a_trace_has_its_words():
    written = {
        act
        for app in ("directory", "procurement")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        for act in re.findall(r'(?:act=|\bACT = |\bRESUMED = )"([a-z_.]+)"', path.read_text())
    }
    assert len(written) > 20
    assert written <= set(audit.LABELS)


# --- Leaving


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


def test_leaving_asks_for_a_recent_proof(member):
    response = member.get(reverse("account_delete"))
    assert response.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert leave(member).status_code == 302
    assert User.objects.filter(pk=member.user.pk).exists()


# --- Rights


def test_a_right_given_or_taken_leaves_a_trace_and_ends_sign_ins(superuser, reference):
    user = UserFactory(email="equipe@exemple.test")
    person = StrictClient()
    sign_in(person, user)
    address = reverse("admin:directory_user_change", args=[user.pk])
    sent = filled(superuser.get(address), "user_form")
    group = Group.objects.get(name="Curation")
    superuser.post(address, sent | {"is_staff": "on", "groups": [group.pk]})
    trace = AuditEntry.objects.get(act="person.rights")
    assert trace.by_id == superuser.user.pk
    assert trace.detail == {
        "before": {"is_staff": False, "groups": []},
        "after": {"is_staff": True, "groups": ["Curation"]},
    }
    assert person.get(HOME).status_code == 302


def test_a_group_changed_leaves_a_trace(superuser, reference):
    group = Group.objects.get(name="Accompagnement")
    address = reverse("admin:auth_group_change", args=[group.pk])
    sent = filled(superuser.get(address), "group_form") | {"permissions": []}
    assert superuser.post(address, sent).status_code == 302
    trace = AuditEntry.objects.get(act="group.rights")
    assert len(trace.detail["before"]) > 3
    assert trace.detail["after"] == []


def test_an_incident_says_who_entered_it_and_stays_five_years(superuser):
    address = reverse("admin:directory_incident_add")
    sent = filled(superuser.get(address), "incident_form")
    sent |= {"information": "Courriels", "circumstances": "Envoi", "known_on": "2026-11-20",
             "reasoning": "Publics"}  # fmt: skip
    assert superuser.post(address, sent).status_code == 302
    model = superuser.get(reverse("admin:directory_incident_changelist"))
    (incident,) = model.context["cl"].result_list
    assert incident.recorded_by == superuser.user
    erase = reverse("admin:directory_incident_delete", args=[incident.pk])
    assert superuser.post(erase, {"post": "yes"}).status_code == 403


# --- What is kept


def purge(*arguments):
    said = io.StringIO()
    call_command("purge", *arguments, stdout=said)
    return said.getvalue()


def test_a_purge_counts_and_erases_nothing_until_it_is_told_to():
    now = timezone.now()
    Counter.objects.create(key="a", expires_at=now - timedelta(days=1))
    for age in (89, 91):
        Mail.objects.create(dedupe_key=age, message_id=age, recipient="a@exemple.test",
                            sent_at=now - timedelta(days=age))  # fmt: skip
    assert re.search(r"mails +1\n", purge())
    assert Mail.objects.count() == 2
    assert re.search(r"mails +1\n", purge("--apply"))
    assert [mail.dedupe_key for mail in Mail.objects.all()] == ["89"]
    assert not Counter.objects.exists()
    assert re.search(r"mails +0\n", purge("--apply"))


def revision(enterprise, age, section="contacts", **fields):
    """One of the age given, in days, that proposed somebody's name and a telephone."""
    said = {"before": "", "proposed": "Ancienne Personne"}
    made = Revision.objects.create(
        enterprise=enterprise, section=section, base_version=1, source="owner",
        key=get_random_string(20),
        **{"state": "applied", "changes": {"phone": said, "contacts": said}} | fields,
    )  # fmt: skip
    Revision.objects.filter(pk=made.pk).update(submitted_at=timezone.now() - timedelta(days=age))
    return made


def test_what_nobody_ever_read_of_a_change_goes_as_what_was_decided_does(enterprise):
    long_ago = timezone.now() - timedelta(days=1100)
    revision(enterprise, 1100)
    revision(enterprise, 1100, state="waiting")
    revision(enterprise, 1200, state="decided", decided_at=long_ago)
    kept = revision(enterprise, 1200, state="decided", decided_at=timezone.now())
    recent = revision(enterprise, 1000, state="waiting")
    assert re.search(r"revisions +3\n", purge("--apply"))
    assert set(Revision.objects.all()) == {kept, recent}


def test_what_a_change_said_of_people_goes_with_their_old_versions(enterprise):
    old, recent = revision(enterprise, 731), revision(enterprise, 729)
    assert re.search(r"contacts +1\n", purge())
    assert re.search(r"contacts +1\n", purge("--apply"))
    old.refresh_from_db()
    recent.refresh_from_db()
    assert old.changes == {"phone": {"before": "", "proposed": "Ancienne Personne"}}
    assert set(recent.changes) == {"phone", "contacts"}
    Revision.objects.filter(pk=old.pk).update(changes={"contacts": []})
    purge("--apply")
    assert re.search(r"revisions +1\n", purge("--apply"))
    assert set(Revision.objects.all()) == {recent}


def test_a_line_of_the_schedule_that_fails_stops_no_other(enterprise, monkeypatch, caplog):
    old = timezone.now() - timedelta(days=4 * 365)
    unused = UserFactory(email="oubli@exemple.test", last_login=old)
    key = retention.warned(unused)
    Mail.objects.create(
        dedupe_key=key, message_id=key, kind="account_unused", recipient=unused.email,
        sent_at=timezone.now() - timedelta(days=31),
    )  # fmt: skip
    Counter.objects.create(key="a", expires_at=old)

    def failing(**_said):
        User.objects.all().delete()
        raise RuntimeError

    monkeypatch.setattr(accounts, "leave", failing)
    with pytest.raises(CommandError, match="account"):
        purge("--apply")
    assert User.objects.exists()
    assert not Counter.objects.exists()
    assert "Nothing erased of account" in caplog.text


def test_an_unused_account_is_told_a_month_before_it_is_erased(enterprise):
    old = timezone.now() - timedelta(days=4 * 365)
    unused = UserFactory(email="oubli@exemple.test", last_login=old)
    kept = [
        UserFactory(last_login=timezone.now()),
        UserFactory(last_login=old, is_staff=True),
        UserFactory(last_login=old),
    ]
    Representative.objects.create(user=kept[2], enterprise=enterprise, role="owner")
    purge("--apply")
    mail = Mail.objects.get(kind="account_unused")
    assert mail.recipient == unused.email
    assert User.objects.filter(pk=unused.pk).exists()
    purge("--apply")
    assert Mail.objects.filter(kind="account_unused").count() == 1
    Mail.objects.update(sent_at=timezone.now() - timedelta(days=31))
    purge("--apply")
    assert set(User.objects.values_list("pk", flat=True)) == {user.pk for user in kept}


def test_traces_older_than_two_years_go_and_the_others_cannot():
    AuditEntry.objects.create(act="old", at=timezone.now() - timedelta(days=800))
    AuditEntry.objects.create(act="young")
    purge("--apply")
    assert [entry.act for entry in AuditEntry.objects.all()] == ["young"]


def test_the_privacy_page_shows_the_schedule_that_is_obeyed(client):
    page = client.get(reverse("directory:privacy")).content.decode()
    for line in retention.LINES:
        assert str(line.what) in page
        assert f"<td>{line.how_long}</td>" in page
        assert "%(" not in line.how_long


def test_no_figure_of_the_schedule_is_written_by_hand():
    for line in retention.LINES:
        assert not re.search(r"\d|\b(deux|trois|cinq|six) (an|mois|jour|semaine)", str(line.kept))


def test_the_privacy_page_speaks_of_all_that_a_listing_and_an_account_leave(client):
    page = client.get(reverse("directory:privacy")).content.decode()
    for said in (
        "rappel",
        "courriel qui revient",
        "consultée par mois",
        "historique",
        "connexion est ouverte",
        "14\xa0jours",
        "second facteur",
    ):
        assert said in page, said


def test_a_mail_that_came_back_is_kept_as_long_as_its_address_is_not_written_to():
    now = timezone.now()
    for age in (100, 364, 366):
        Mail.objects.create(dedupe_key=age, message_id=age, recipient="a@exemple.test",
                            sent_at=now - timedelta(days=age),
                            bounced_at=now - timedelta(days=age))  # fmt: skip
    assert re.search(r"mails +1\n", purge("--apply"))
    assert [mail.dedupe_key for mail in Mail.objects.order_by("pk")] == ["100", "364"]


# --- The header


def test_each_person_is_offered_what_they_may_open_and_no_more(
    client, member, curator, superuser, reference
):
    def header(person):
        page = person.get("/").content.decode()
        return re.search(r"<nav aria-label=.*?</nav>", page, re.DOTALL)[0]

    assert "Se connecter" in header(client)
    assert "Mon compte" in header(member)
    assert "Administration" not in header(member)
    assert "Administration" in header(curator)
    assert "Administration" in header(superuser)


def test_a_reader_costs_no_more_for_being_offered_to_sign_in(client, member, reference):
    address = reverse("directory:list")
    for person in (client, member):
        person.get(address)
    counts = []
    for person in (client, member):
        with recorded_sql() as statements:
            person.get(address)
        counts.append(len(statements))
    assert counts[1] == counts[0] + 2  # the session, the person


# --- The demonstration


@pytest.fixture
def demonstration(settings, reference):
    settings.DEMO = settings.DEMO_SIGN_IN = settings.EMBEDDED = True
    settings.ROOT_URLCONF = "tests.directory.demo_urls"
    demo_people.load()


def test_one_signs_in_as_anyone_of_the_demonstration(demonstration, client):
    page = client.get("/demo/").content.decode()
    for person in demo_people.PEOPLE:
        assert person.name in page
        response = client.post("/demo/", {"email": person.email})
        assert response.status_code == 302
        assert client.session["_auth_user_id"] == str(User.objects.get(email=person.email).pk)
    assert client.get("/admin/").status_code == 200  # the superuser, asked for no second factor
    assert demo_people.load() == 0


def test_the_code_that_the_demonstration_sends_to_nobody_is_read_there(demonstration, client):
    assert "Aucun courriel encore" in client.get("/demo/courriels/").content.decode()
    email = demo_people.PEOPLE[0].email
    client.post(reverse("account_login"), {"email": email})
    page = client.get("/demo/courriels/").content.decode()
    assert email in page
    code = code_sent(email)
    assert code in page.replace("\xa0", " ")
    assert client.post(reverse("account_code"), {"code": code}).status_code == 302


def test_nobody_else_is_signed_in_there(demonstration, client):
    UserFactory(email="racine@exemple.test", is_superuser=True)
    for email in ("racine@exemple.test", "", "x" * 500):
        assert client.post("/demo/", {"email": email}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_there_is_no_such_page_elsewhere(client, settings, reference):
    addresses = ("/demo/", "/demo/courriels/")
    for address in addresses:
        assert client.get(address).status_code == 404
    settings.ROOT_URLCONF = "tests.directory.demo_urls"
    for address in addresses:
        assert client.get(address).status_code == 404
    assert client.post("/demo/", {"email": demo_people.PEOPLE[-1].email}).status_code == 404


@pytest.mark.parametrize(
    ("demo", "debug", "embedded", "wrong"),
    [(True, False, True, False), (True, True, False, False), (True, False, False, True),
     (False, True, True, True)],
)  # fmt: skip
def test_a_site_that_would_have_it_elsewhere_does_not_start(demo, debug, embedded, wrong, settings):
    settings.DEMO, settings.DEBUG, settings.EMBEDDED = demo, debug, embedded
    settings.DEMO_SIGN_IN = True
    assert bool(demo_sign_in(None)) == wrong
