"""An enterprise’s own pages in a real browser: on a phone, without JavaScript, and for axe."""

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from playwright.sync_api import expect

from directory.models import Draft, Enterprise, Offering, Representative, Revision
from tests.browser.conftest import DESKTOP, PHONE, UNBROKEN, listen, rich
from tests.browser.test_accessibility import GARBLED, NARROW, STICKING_OUT, TOO_SMALL, found_by_axe
from tests.browser.test_keyboard import focused
from tests.factories import CertificationFactory, UserFactory

pytestmark = pytest.mark.browser
PAGE = "/mon-entreprise/la-notre/"
PAGES = ["", "identite/", "offre/", "lieux/", "capacite/", "coordonnees/", "logo/"]


@pytest.fixture
def ours(site):
    """A listing of our own, which these tests change; the others of this folder share theirs."""
    enterprise = rich("La Nôtre, coopérative", "la-notre", "", word=UNBROKEN)
    CertificationFactory(enterprise=enterprise, number="2")
    user = UserFactory(email="proprio@exemple.test", name="Paule Propriétaire")
    Representative.objects.create(user=user, enterprise=enterprise, role="owner")
    yield enterprise
    enterprise.delete()
    user.delete()


@pytest.fixture
def owner(ours, site, chromium):
    """Opens windows as the owner of the listing."""
    client = Client()
    client.force_login(Representative.objects.get(enterprise=ours).user)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": site.url}
    contexts, complaints = [], []

    def opened(path="", size=PHONE, scripted=True):
        context = chromium.new_context(
            base_url=site.url, locale="fr-CA", java_script_enabled=scripted, viewport=size
        )
        context.set_default_timeout(10_000)
        context.add_cookies([cookie])
        contexts.append(context)
        page = context.new_page()
        listen(page, complaints)
        page.goto(PAGE + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def fresh(enterprise):
    return Enterprise.objects.get(pk=enterprise.pk)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(owner, path):
    page = owner(path, DESKTOP)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    assert found_by_axe(page) == {}
    page.set_viewport_size(NARROW)
    assert page.evaluate(STICKING_OUT) + page.evaluate(GARBLED) == []
    assert page.evaluate(TOO_SMALL) == []
    expect(page.locator("h1")).to_have_count(1)


def test_axe_finds_nothing_in_mistakes_previews_conflicts_and_what_waits(owner, ours):
    page = owner("coordonnees/")
    page.get_by_label("Téléphone de l’entreprise").fill("12")
    page.get_by_role("button", name="Publier").last.click()
    page.get_by_role("alert").wait_for()
    assert focused(page, "getAttribute('role')") == "alert"
    assert found_by_axe(page) == {}
    page.set_viewport_size(PHONE)
    page.get_by_label("Téléphone de l’entreprise").fill("450 555-0144")
    page.get_by_role("button", name="Aperçu").click()
    page.get_by_role("heading", name="Aperçu de votre fiche").wait_for()
    assert found_by_axe(page) == {}
    Enterprise.objects.filter(pk=ours.pk).update(phone="+14505550199", version=9)
    page.get_by_role("button", name="Publier").click()
    page.get_by_role("heading", name="en même temps que vous").wait_for()
    assert found_by_axe(page) == {}
    page.get_by_label("Mettre ce que vous avez écrit").check()
    page.get_by_role("button", name="Envoyer").click()
    page.get_by_text("C’est publié.").wait_for()
    assert fresh(ours).phone == "+14505550144"
    page.goto(f"{PAGE}identite/")
    page.get_by_label("Nom", exact=True).fill("La Leur")
    page.get_by_role("button", name="Publier").last.click()
    page.get_by_role("heading", name="En attente du Pôle").wait_for()
    assert found_by_axe(page) == {}


def test_on_a_phone_a_change_is_a_few_taps_away(owner, ours):
    page = owner()
    page.get_by_role("link", name="Ce que nous offrons").first.click()
    page.locator("summary", has_text="Ajouter un produit ou un service").first.click()
    row = page.locator("#offerings details[open]")
    row.get_by_label("Nom").fill("Plateaux de fruits")
    page.get_by_role("button", name="Publier").last.click()
    page.get_by_text("C’est publié.").wait_for()
    expect(page.get_by_text("Plateaux de fruits")).to_have_count(1)
    assert Offering.objects.filter(enterprise=ours, name="Plateaux de fruits").exists()


def test_without_javascript_rows_are_added_kept_and_sent(owner, ours):
    page = owner("offre/", scripted=False)
    page.get_by_label("Présentation").fill("Écrit avant d’ajouter.")
    page.get_by_role("button", name="Encore une ligne").first.click()
    assert page.get_by_label("Présentation").input_value() == "Écrit avant d’ajouter."
    added = page.locator("#offerings details[open]").last
    assert focused(page, "name").endswith("-name")
    added.get_by_label("Nom").fill("Sans script")
    page.get_by_role("button", name="Garder en brouillon").click()
    page.get_by_text("Brouillon enregistré").wait_for()
    page.goto(PAGE)
    page.get_by_role("link", name="Terminez ce que vous aviez commencé").click()
    page.get_by_role("button", name="Aperçu").click()
    expect(page.get_by_text("Sans script")).to_be_visible()
    assert not Revision.objects.filter(enterprise=ours).exists()
    page.get_by_role("button", name="Publier").click()
    page.get_by_text("C’est publié.").wait_for()
    assert Offering.objects.filter(enterprise=ours, name="Sans script").exists()
    assert not Draft.objects.filter(enterprise=ours).exists()


def test_enter_sends_the_form_and_adds_no_row(owner, ours):
    page = owner("coordonnees/")
    field = page.get_by_label("Courriel de l’entreprise")
    field.fill("entree@exemple.test")
    field.press("Enter")
    page.get_by_text("C’est publié.").wait_for()
    assert fresh(ours).email == "entree@exemple.test"


def test_all_is_exact_in_one_tap(owner, ours):
    Enterprise.objects.filter(pk=ours.pk).update(confirmed_on="2020-01-01")
    page = owner()
    page.get_by_role("button", name="Tout est exact").click()
    page.get_by_text("Merci! Votre fiche dit que tout est exact aujourd’hui.").wait_for()
    assert fresh(ours).confirmed_by == "owner"


def test_a_logo_is_sent_seen_and_taken_away(owner, ours, tmp_path):
    path = tmp_path / "logo.png"
    Image.new("RGB", (600, 500), "teal").save(path)
    page = owner("logo/")
    page.get_by_label("Votre logo").set_input_files(path)
    page.get_by_role("button", name="Mettre ce logo").click()
    page.get_by_text("C’est publié.").wait_for()
    expect(page.locator(".seen img")).to_have_js_property("naturalWidth", 400)
    page.goto(f"{PAGE}logo/")
    assert found_by_axe(page) == {}
    page.get_by_role("button", name="Retirer le logo").click()
    page.get_by_text("C’est publié.").wait_for()
    assert not fresh(ours).logo


def test_the_sheet_for_a_bid_is_a_file(owner):
    page = owner()
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger ma fiche").click()
    assert download.value.suggested_filename == "la-notre.pdf"
