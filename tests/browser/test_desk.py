"""A moderator's morning: twenty things that wait, decided until none is left, mostly with keys."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from directory import revisions, roles
from directory.models import (
    Claim,
    Enterprise,
    ErrorReport,
    Mail,
    Representative,
    Revision,
    Suggestion,
    User,
)
from directory.timeline import events
from directory.views.history import address
from tests.browser.conftest import DESKTOP, PHONE, listen
from tests.browser.test_accessibility import GARBLED, NARROW, STICKING_OUT, TOO_SMALL, found_by_axe
from tests.browser.test_keyboard import focused, press_and_go
from tests.factories import (
    CityFactory,
    ClaimFactory,
    EnterpriseFactory,
    ErrorReportFactory,
    SuggestionFactory,
    UserFactory,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.browser
QUEUE = "/moderation/"


@pytest.fixture
def queue(site):
    """Twenty items that wait, and nothing else; these tests write, so all is put back."""
    others = Suggestion.objects.filter(state="new")
    aside = list(others.values_list("pk", flat=True))
    keeper = UserFactory(email="rangement@exemple.test")
    others.update(state="handled", handled_by=keeper, handled_at=timezone.now())
    people = [keeper, UserFactory(email="proprio@exemple.test", name="Paule Propriétaire")]
    brossard = CityFactory(code="58007", name="Brossard", slug="brossard")
    listings = [
        EnterpriseFactory(name=f"Atelier {number:02}", slug=f"file-{number}", published=True)
        for number in range(14)
    ]
    for listing in listings[11:]:
        listing.city = brossard
        listing.save()
    for number, listing in enumerate(listings[:11]):
        Representative.objects.create(user=people[1], enterprise=listing, role="owner")
        changes = {"mission": "Former et nourrir."}
        if number < 5:
            changes = {"name": f"Atelier renommé {number:02}", "legal_form": "coop_worker"}
        propose(listing, people[1], changes)
    for number, listing in enumerate(listings[11:]):
        people.append(UserFactory(email=f"demande{number}@exemple.test"))
        ClaimFactory(enterprise=listing, user=people[-1], takeover=number == 0)
        ErrorReportFactory(enterprise=listing, reference=f"E-3333-000{number}")
        SuggestionFactory(name=f"Buanderie {number}", reference=f"S-3333-000{number}")
    yield listings
    for model in (ErrorReport, Claim, Revision, Representative, Mail):
        model.objects.all().delete()
    Suggestion.objects.exclude(pk__in=aside).delete()
    Suggestion.objects.filter(pk__in=aside).update(state="new", handled_by=None, handled_at=None)
    Enterprise.objects.filter(slug__startswith="file-").delete()
    for user in people:
        user.delete()


def propose(enterprise, by, changes):
    revisions.submit(
        enterprise=enterprise,
        section="identity",
        changes=changes,
        base_version=enterprise.version,
        by=by,
        source=Enterprise.Source.OWNER,
        key=f"file-{enterprise.pk}",
    )


@pytest.fixture
def desk(site, queue, chromium):
    """Opens windows as somebody of the Pôle, of this group."""
    contexts, complaints = [], []

    def opened(group=roles.MODERATOR, size=DESKTOP, scripted=True):
        client = Client()
        user = User.objects.filter(email="equipe@exemple.test").first() or UserFactory(
            email="equipe@exemple.test", name="Mireille Modératrice", is_staff=True
        )
        user.groups.set([Group.objects.get(name=group)])
        sign_in(client, user)
        context = chromium.new_context(
            base_url=site.url, locale="fr-CA", java_script_enabled=scripted, viewport=size
        )
        context.set_default_timeout(10_000)
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        context.add_cookies([{"name": name, "value": value, "url": site.url}])
        contexts.append(context)
        page = context.new_page()
        listen(page, complaints)
        page.emulate_media(reduced_motion="reduce")
        return page

    yield opened
    for context in contexts:
        context.close()
    for model in (Suggestion, ErrorReport):
        model.objects.filter(handled_by__email="equipe@exemple.test").delete()
    for model in (Revision, Claim):
        model.objects.all().delete()
    User.objects.filter(email="equipe@exemple.test").delete()
    assert complaints == []


def waiting(page):
    """How many the queue says there are, and how many it shows."""
    total = page.locator(".presets [aria-current] b").inner_text()
    return int(total), page.locator(".queue > li").count()


def heading(page):
    return page.get_by_role("heading", level=1).inner_text()


# --- The whole of it


def test_a_queue_of_twenty_is_decided_until_nothing_waits(desk):
    page = desk()
    page.goto(QUEUE)
    assert waiting(page) == (20, 20)

    # What is on line already is looked at together.
    page.get_by_role("link", name="Modifications à relire").click()
    assert waiting(page) == (6, 6)
    for tick in page.locator(".tick input").all():
        tick.check()
    page.get_by_role("button", name="Marquer relues").click()
    assert page.get_by_role("status").first.inner_text() == "6 modifications relues."
    expect(page.get_by_text("Rien n’attend dans cette liste.")).to_be_visible()

    # One city only, then all again.
    page.get_by_role("link", name="Tout").click()
    page.get_by_label("Municipalité").select_option("Brossard")
    page.get_by_role("button", name="Filtrer").click()
    assert waiting(page) == (6, 6)
    page.goto(QUEUE)
    assert waiting(page) == (14, 14)

    # The rest with keys.
    page.keyboard.press("j")
    assert focused(page, "innerText") == "Atelier 00"
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert focused(page, "innerText") == "Atelier 01"
    page.keyboard.press("ArrowUp")
    press_and_go(page)

    # All of it accepted.
    assert heading(page) == "Atelier 00"
    page.keyboard.press("a")
    press_and_go(page)
    assert "C’est décidé" in page.get_by_role("status").first.inner_text()

    # Field by field, with a reason.
    assert heading(page) == "Atelier 01"
    page.get_by_role("group", name="Nom").get_by_label("Refuser").check()
    page.get_by_role("group", name="Forme juridique").get_by_label("Accepter").check()
    page.keyboard.press("r")
    assert focused(page, "id") == "usual"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Merci à jamais.")  # each of its letters is a key elsewhere
    assert heading(page) == "Atelier 01"
    page.get_by_role("button", name="Enregistrer").click()

    # Passed over, and found again once the others are done.
    assert heading(page) == "Atelier 02"
    press_and_go(page, "s")
    assert heading(page) == "Atelier 03"

    for _ in range(20):
        if page.url.endswith(QUEUE):
            break
        called = page.get_by_label("J’ai rappelé")
        if called.count():
            called.check()
        page.keyboard.press("a")
        press_and_go(page)
    expect(page).to_have_url(QUEUE)
    expect(page.get_by_text("Rien n’attend. Merci!")).to_be_visible()
    expect(page.locator(".queue")).to_have_count(0)

    names = list(Enterprise.objects.filter(slug__startswith="file-").order_by("slug")[:2])
    assert [row.name for row in names] == ["Atelier renommé 00", "Atelier 01"]
    assert names[1].legal_form == "coop_worker"
    refused = Revision.objects.get(enterprise=names[1])
    assert refused.decisions == {"name": "refused", "legal_form": "accepted"}
    assert refused.reason.endswith("Merci à jamais.")
    assert not Revision.objects.exclude(state="decided").exists()
    assert set(Claim.objects.values_list("state", flat=True)) == {"accepted"}
    assert set(ErrorReport.objects.values_list("state", flat=True)) == {"handled"}


# --- Keys


def test_keys_are_listed_and_turned_off_for_good(desk):
    page = desk()
    page.goto(QUEUE)
    box = page.locator("[data-shortcuts]")
    page.keyboard.press("?")
    expect(box.get_by_text("L’ouvrir")).to_be_visible()
    assert focused(page, "innerText") == "Raccourcis clavier"
    page.keyboard.press("?")
    expect(box.get_by_text("L’ouvrir")).to_be_hidden()
    page.keyboard.press("?")
    box.get_by_label("Utiliser ces raccourcis").uncheck()
    page.keyboard.press("j")
    assert focused(page, "type") == "checkbox"
    page.locator(".queue a").first.click()
    page.keyboard.press("a")
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    page.get_by_text("Raccourcis clavier").click()
    page.get_by_label("Utiliser ces raccourcis").check()
    page.keyboard.press("a")
    expect(page.locator("input[value=accepter]:checked")).to_have_count(2)


def test_nothing_is_sent_by_one_key_nor_taken_from_the_browser(desk):
    page = desk()
    page.goto(QUEUE)
    page.keyboard.press("j")
    press_and_go(page)
    page.keyboard.press("a")
    assert focused(page, "innerText") == "Enregistrer, et passer à la suivante"
    page.keyboard.press("Control+s")
    page.keyboard.press("Alt+s")
    assert heading(page) == "Atelier 00"
    assert not Revision.objects.filter(state="decided").exists()


def test_a_row_on_line_already_is_ticked_by_a_key(desk):
    page = desk()
    page.goto(f"{QUEUE}?sorte=a-relire")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".tick input:checked")).to_have_count(1)


def test_without_scripts_no_key_is_promised_and_all_is_done(desk):
    page = desk(size=PHONE, scripted=False)
    page.goto(QUEUE)
    expect(page.get_by_text("Raccourcis clavier")).to_be_hidden()
    page.get_by_role("link", name="Atelier 00").click()
    page.get_by_role("link", name="Passer sans décider").click()
    assert heading(page) == "Atelier 01"
    for group in ("Nom", "Forme juridique"):
        page.get_by_role("group", name=group).get_by_label("Accepter").check()
    page.get_by_role("button", name="Enregistrer").click()
    assert heading(page) == "Atelier 02"
    assert Enterprise.objects.get(slug="file-1").name == "Atelier renommé 01"


# --- What a machine can tell of these pages


def item(rows, name):
    return reverse(f"directory:{name}", args=[rows.order_by("pk").first().pk])


def test_axe_finds_nothing_at_the_desk(desk):
    page = desk()
    pages = [
        QUEUE,
        f"{QUEUE}?sorte=modifications&ville=brossard",
        item(Revision.objects, "desk_revision"),
        item(Claim.objects, "desk_claim"),
        item(ErrorReport.objects, "desk_report"),
        item(Suggestion.objects.filter(state="new"), "desk_suggestion"),
    ]
    assert wrong(page, pages) == {}


def test_axe_finds_nothing_in_a_history_nor_before_going_back(desk):
    page = desk(roles.CURATOR)
    listing = Enterprise.objects.get(slug="file-7")
    made = events(listing)[-1]
    going_back = address(listing, made)
    assert wrong(page, [reverse("directory:desk_history", args=[listing.slug]), going_back]) == {}
    page.goto(going_back)
    page.get_by_role("button", name="Remettre").click()
    page.get_by_role("alert").wait_for()
    assert found_by_axe(page) == {}
    page.get_by_label("Motif").fill("Écrit par erreur.")
    page.get_by_role("button", name="Remettre").click()
    assert "La fiche dit de nouveau" in page.get_by_role("status").inner_text()
    listing.refresh_from_db()
    assert listing.mission == ""


def wrong(page, addresses):
    """By address: what axe finds, what sticks out, what no finger can press."""
    found = {}
    for at in addresses:
        page.goto(at)
        page.evaluate(
            "document.querySelectorAll('details').forEach((part) => { part.open = true })"
        )
        said = dict(found_by_axe(page))
        for size in (NARROW, PHONE, DESKTOP):
            page.set_viewport_size(size)
            more = [page.evaluate(script) for script in (STICKING_OUT, TOO_SMALL, GARBLED)]
            if any(more):
                said[size["width"]] = more
        if said:
            found[at] = said
    return found
