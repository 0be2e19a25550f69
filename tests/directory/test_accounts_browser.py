"""Accounts in a real browser: from the mail to the account, with a passkey, and what axe finds."""

import time
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import reverse

from directory.models import User
from tests.browser.test_accessibility import CUT_OFF, GARBLED, STICKING_OUT, TOO_SMALL, found_by_axe
from tests.factories import UserFactory
from tests.signing_in import code_sent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NARROW = {"width": 320, "height": 640}


def sign_in(page, email, going="/compte/"):
    page.goto(f"/compte/connexion/?next={going}")
    page.get_by_label("Votre courriel").fill(email)
    page.get_by_role("button", name="Recevoir un code").click()
    page.get_by_label("Code reçu par courriel").fill(code_sent(email))
    page.get_by_role("button", name="Continuer").click()


def look(page, name, problems):
    """What a machine finds wrong in the page that is open."""
    if found := found_by_axe(page):
        problems[name] = found
    page.set_viewport_size(NARROW)
    for script in (STICKING_OUT, CUT_OFF, TOO_SMALL, GARBLED):
        if found := page.evaluate(script):
            problems.setdefault(name, {})[script[:40]] = found


def test_one_signs_up_with_the_mail_at_hand(visit):
    page = visit.window(viewport={"width": 390, "height": 844})
    page.goto("/")
    page.get_by_role("link", name="Se connecter").click()
    page.get_by_role("link", name="Créez-le").first.click()
    page.get_by_label("Votre nom").fill("Noémie Nouvelle")
    page.get_by_label("Votre courriel").fill("noemie@exemple.test")
    page.get_by_label("J’ai lu").check()
    page.get_by_role("button", name="Recevoir un code").click()
    page.get_by_label("Code reçu par courriel").fill(code_sent("noemie@exemple.test"))
    page.get_by_role("button", name="Continuer").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Mon compte"
    assert page.get_by_label("Votre nom").input_value() == "Noémie Nouvelle"
    page.get_by_role("button", name="Me déconnecter").click()
    assert page.get_by_role("link", name="Se connecter").is_visible()
    page.goto("/compte/")
    assert "/compte/connexion/" in page.url


def test_it_works_without_javascript(visit):
    UserFactory(email="alice@exemple.test")
    page = visit.window(java_script_enabled=False)
    sign_in(page, "alice@exemple.test")
    assert page.get_by_role("heading", level=1).inner_text() == "Mon compte"
    page.goto("/compte/deconnexion/")
    page.get_by_role("button", name="Me déconnecter").click()
    page.goto("/compte/connexion/")
    assert not page.locator("[data-passkey]").is_visible()


def with_keys(page):
    """A security key of Chromium's own, which says yes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return lambda: devtools.send("WebAuthn.getCredentials", key)["credentials"]


def test_staff_set_up_a_passkey_and_come_back_with_it_alone(visit):
    UserFactory(email="equipe@exemple.test", is_staff=True, is_superuser=True)
    page = visit.window()
    kept = with_keys(page)
    sign_in(page, "equipe@exemple.test", going="/admin/")
    assert "Il vous faut un second facteur" in page.content()
    page.get_by_role("link", name="Ajouter une clé d’accès").click()
    page.get_by_label("Comment l’appeler").fill("Mon téléphone")
    page.get_by_role("button", name="Ajouter la clé").click()
    page.get_by_role("heading", name="Vos codes de secours").wait_for()
    assert len(kept()) == 1
    page.goto("/admin/")
    assert "Répertoire – administration" in page.content()
    page.goto("/compte/securite/")
    assert page.get_by_text("Mon téléphone").is_visible()

    page.goto("/compte/deconnexion/")
    page.get_by_role("button", name="Me déconnecter").click()
    page.goto("/compte/connexion/?next=/admin/")
    page.get_by_role("button", name="Me connecter avec ma clé d’accès").click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/admin/")
    assert "Répertoire – administration" in page.content()
    assert Authenticator.objects.filter(last_used_at__isnull=False, type="webauthn").exists()

    page.goto("/compte/deconnexion/")
    page.get_by_role("button", name="Me déconnecter").click()
    sign_in(page, "equipe@exemple.test", going="/admin/")
    page.get_by_role("button", name="Utiliser ma clé d’accès").click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/admin/")


def test_axe_finds_nothing_on_any_page_of_an_account(visit):
    user = UserFactory(email="equipe@exemple.test", name="Estelle Équipe", is_staff=True)
    page = visit.window(reduced_motion="reduce")
    problems = {}
    page.goto("/compte/connexion/")
    page.get_by_role("button", name="Recevoir un code").click()
    look(page, "sign-in with a mistake", problems)
    page.get_by_label("Votre courriel").fill(user.email)
    page.get_by_role("button", name="Recevoir un code").click()
    page.get_by_label("Code reçu par courriel").fill("0000 0000")
    page.get_by_role("button", name="Continuer").click()
    look(page, "code, wrong", problems)
    page.get_by_label("Code reçu par courriel").fill(code_sent(user.email))
    page.get_by_role("button", name="Continuer").click()
    for name in ("account_home", "mfa_index", "mfa_add_webauthn", "usersessions_list",
                 "account_email", "account_delete", "account_logout",
                 "mfa_activate_totp"):  # fmt: skip
        page.goto(reverse(name))
        look(page, name, problems)
    secret = page.locator(".secret").inner_text()
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    page.get_by_label("Code que montre l’application").fill(code)
    page.get_by_role("button", name="Activer").click()
    look(page, "recovery codes", problems)
    for name in ("mfa_index", "mfa_deactivate_totp", "mfa_generate_recovery_codes",
                 "mfa_reauthenticate"):  # fmt: skip
        page.goto(reverse(name))
        look(page, f"{name}, with an application", problems)
    page.goto(reverse("account_deleted"))
    look(page, "account_deleted", problems)
    assert problems == {}
    assert User.objects.count() == 1
