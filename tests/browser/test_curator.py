"""A curator’s week in the back office: a messy list of four hundred, corrected, written, its twins
found and merged; some recognised, many published, those that may be written to invited."""

import re
import time

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import expect

from directory.models import (
    ConsentBasis,
    DuplicatePair,
    Enterprise,
    ImportBatch,
    Invitation,
    Mail,
    Merge,
    User,
)
from tests.browser.test_accessibility import AXE, OPTIONS
from tests.factories import UserFactory
from tests.imports import as_csv, messy
from tests.signing_in import sign_in

pytestmark = pytest.mark.browser

MOST_SECONDS = 60
CURATOR = "semaine@exemple.test"
#: Twice in the list, with two addresses.
TWICE = "Cuisine des Lilas 1D"


@pytest.fixture
def week(site, window):
    """A window of the curator; what they make is gone in the end, as others share the data."""
    last = Enterprise.objects.latest("pk").pk
    pairs = list(DuplicatePair.objects.values_list("pk", flat=True))
    user = UserFactory(email=CURATOR, name="Céline Curatrice", is_staff=True)
    user.groups.add(Group.objects.get(name="Curation"))
    client = Client()
    sign_in(client, user)
    page = window(fresh=True)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    page.made = Enterprise.objects.filter(pk__gt=last)
    yield page
    Merge.objects.filter(by=user).delete()
    DuplicatePair.objects.exclude(pk__in=pairs).delete()
    page.made.update(state="draft", closing="", archive_reason="", replaced_by=None)
    page.made.delete()
    ImportBatch.objects.filter(by=user).delete()
    for model in (Invitation, Mail, ConsentBasis):
        model.objects.all().delete()
    User.objects.filter(email=CURATOR).delete()


def test_a_messy_list_becomes_listings_whose_owners_are_invited(week, tmp_path, tell):
    page, wrong, looking = week, {}, 0.0

    def look(name):
        nonlocal looking
        began = time.monotonic()
        # On a desk and in daylight: the other widths and colours have tests of their own.
        page.evaluate(AXE_SCRIPT)
        if found := page.evaluate(AXE, OPTIONS):
            wrong[name] = found
        looking += time.monotonic() - began

    began = time.monotonic()
    path = tmp_path / "liste.csv"
    path.write_bytes(as_csv(messy(400)))

    # Monday: the file, its columns, what it would change.
    page.goto("/admin/")
    look("index")
    page.goto("/admin/directory/importbatch/add/")
    page.set_input_files("input[type=file]", path)
    page.get_by_label("elles publient elles-mêmes").check()
    page.get_by_label("D’où le sait-on?").fill("Site de chacune")
    look("file")
    page.get_by_role("button", name="Lire le fichier").click()
    page.get_by_label("Forme juridique").select_option("npo")
    look("columns")
    page.get_by_role("button", name="Voir ce qui changerait").click()
    page.get_by_role("heading", name="À corriger", exact=True).wait_for()
    look("preview")
    assert not page.made.exists()

    # The basket: a city for all its rows, a telephone, and two lines that look alike.
    page.locator(".places").get_by_label("Chicoutimi-Nord").fill("Saguenay")
    row = page.locator("section.row", has_text="Un téléphone compte dix chiffres").first
    row.get_by_text("Corriger cette ligne seulement").click()
    row.get_by_label("Tél.").fill("450 555-8888")
    page.get_by_role("button", name="Enregistrer et revoir").click()
    page.locator(".tabs").get_by_role("link", name="doublons possibles").click()
    look("alike")
    # Hastily: it is the same, as shows later.
    row = page.locator("section.row", has_text=TWICE)
    row.get_by_label("c’est une autre entreprise").check()
    page.get_by_role("button", name="Enregistrer et revoir").click()
    page.locator("#import_apply button").click()
    page.get_by_text("lignes enregistrées").wait_for()
    look("result")
    assert page.made.count() == ImportBatch.objects.latest("pk").counts["created"] > 250

    # Tuesday: the twin.
    call_command("find_duplicates", verbosity=0)
    page.goto("/doublons/")
    look("twins")
    page.get_by_role("link", name=f"{TWICE} et {TWICE}").click()
    look("side by side")
    page.get_by_role("button", name="Fusionner").click()
    page.get_by_role("heading", name="Les deux fiches n’en font qu’une").wait_for()
    look("merged")
    assert page.made.filter(name=TWICE, state="draft").count() == 1

    # Wednesday: those of the Pôle's own are recognised.
    chosen = list(page.made.filter(name__startswith="Jardins", state="draft").order_by("name")[:2])
    for enterprise in chosen:
        page.goto(f"/admin/directory/recognition/add/?enterprise={enterprise.pk}")
        for box in page.locator("input[name=criteria]").all():
            box.check()
        page.locator("#id_evidence").fill("Lettres patentes de 2019, états financiers de 2025")
        page.locator("#id_recognised_on").fill("2026-01-05")
        page.locator("#id_expires_on").fill("2029-01-05")
        look("recognition")
        page.locator("input[name=_save]").first.click()
        page.locator(".messagelist .success").wait_for()

    # Thursday: published together.
    page.goto("/admin/directory/enterprise/?state__exact=draft&q=jardins")
    look("drafts")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("publish")
    page.locator("button[name=index]").first.click()
    page.get_by_text("fiches publiées").wait_for()
    look("published")
    public = page.made.filter(state="published")
    assert public.count() > 30
    page.goto("/admin/directory/enterprise/?state__exact=published&q=jardins")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("ask_to_confirm")
    page.locator("button[name=index]").first.click()
    page.get_by_role("heading", name=re.compile("Un courriel partira pour")).wait_for()
    look("asking to confirm")
    page.goto(chosen[0].get_absolute_url())
    expect(page.get_by_text("Économie sociale reconnue par le Pôle").first).to_be_visible()

    # Friday: who may be written to is invited, once it is seen who, and what they will read.
    page.goto("/invitations/?ville=brossard")
    guests = page.locator(".recipients", has_text="Jardins").locator("input:checked").count()
    assert guests > 5
    assert "Jardins" in page.locator(".letter").inner_text()
    look("guests")
    page.get_by_role("button", name="Envoyer les invitations cochées").click()
    page.get_by_role("heading", name=re.compile("invitations? part")).wait_for()
    look("invited")
    assert Mail.objects.filter(kind="invitation_listing").count() == guests
    took = time.monotonic() - began

    said = f"{took - looking:.1f} s of machine, {took:.1f} s with the pages looked at"
    tell(f"a curator’s week: {said}")
    assert wrong == {}
    assert took - looking < MOST_SECONDS
