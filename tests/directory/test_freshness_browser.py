"""From the mail that a server got to a confirmed listing; a morning of calls; on a telephone."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from directory import freshness, outbox
from directory.models import Enterprise, PhoneCall, Representative
from tests.directory.test_phone_list import to_call
from tests.factories import EnterpriseFactory, UserFactory
from tests.signing_in import sign_in
from tests.smtp import html

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


def test_an_owner_confirms_from_the_mail(visit, live_server, smtp):
    enterprise = EnterpriseFactory(
        name="Les Ateliers d’Alice",
        published=True,
        confirmed_on=timezone.localdate() - timedelta(days=400),
    )
    alice = UserFactory(email="alice@exemple.test")
    Representative.objects.create(user=alice, enterprise=enterprise, role="owner")
    freshness.remind()
    outbox.send_due()
    (message,) = smtp.to("alice@exemple.test")
    path = re.search(r'href="https://repertoire\.example(/confirmer/[^"]+)"', html(message))[1]
    page = visit.window(viewport=PHONE, java_script_enabled=False)
    page.goto(path)
    page.get_by_role("button", name="Oui, tout est exact").click()
    assert page.locator("h1").inner_text() == "C’est confirmé, merci!"
    assert page.context.cookies() == []
    enterprise.refresh_from_db()
    assert enterprise.confirmed_on == timezone.localdate()
    page.reload()
    assert page.locator("h1").inner_text() == "C’est confirmé, merci!"


def test_a_facilitator_calls_down_the_list(visit, live_server):
    first = to_call("Atelier premier", months=30)
    second = to_call("Buanderie deux", months=20)
    third = to_call("Cuisine trois", months=10)
    user = UserFactory(name="Fanny Fortin", is_staff=True)
    user.groups.add(Group.objects.get(name="Accompagnement"))
    client = Client()
    sign_in(client, user)
    page = visit.window(viewport=PHONE)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    page.context.add_cookies([cookie])

    page.goto("/appels/")
    page.get_by_role("button", name="Commencer à appeler").click()
    assert page.locator("h1").inner_text() == first.name
    page.get_by_role("button", name="Tout est exact").click()
    assert page.locator("h1").inner_text() == second.name
    assert "Atelier premier" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="À corriger").click()
    assert "Dites en quelques mots" in page.locator(".mistakes").inner_text()
    page.get_by_label("Ce qui a été dit").fill("Déménagée à Brossard.")
    page.get_by_role("button", name="À corriger").click()
    assert page.locator("h1").inner_text() == third.name
    page.get_by_role("button", name="À rappeler").click()
    assert page.locator("h1").inner_text() == "À appeler"
    assert page.get_by_text("Aucune fiche à appeler maintenant").is_visible()
    said = PhoneCall.objects.order_by("pk").values_list("enterprise", "outcome", "by")
    assert list(said) == [
        (first.pk, "confirmed", user.pk),
        (second.pk, "changed", user.pk),
        (third.pk, "call_back", user.pk),
    ]
    assert Enterprise.objects.get(pk=first.pk).confirmed_by == "staff"
