"""Signing in by a code, and one's account: through the pages, on the real database."""

import io
import json
import re
import time

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.urls import get_resolver, reverse

from directory import accounts, codes
from directory.models import AuditEntry, Consent, Mail, User
from tests.at_once import at_once
from tests.client import StrictClient
from tests.factories import UserFactory
from tests.forms import filled
from tests.signing_in import by_code, code_sent, sign_in
from tests.test_access import addresses

pytestmark = pytest.mark.django_db

LOGIN = reverse("account_login")
SIGNUP = reverse("account_signup")
CODE = reverse("account_code")
HOME = reverse("account_home")
AGREED = {"email": "nouvelle@exemple.test", "name": "Noémie Nouvelle", "agreed": "on"}


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


def test_a_person_whose_account_is_closed_is_refused_at_their_next_request(member):
    assert member.get(HOME).status_code == 200
    User.objects.update(is_active=False)
    assert member.get(HOME).status_code == 302


def test_an_account_that_was_closed_is_sent_no_code(client):
    UserFactory(email="partie@exemple.test", is_active=False)
    client.post(LOGIN, {"email": "partie@exemple.test"})
    assert not Mail.objects.exists()


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
