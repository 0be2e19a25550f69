"""The forms that anyone may send, in a real browser; and the sheet that a profile prints as."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from directory import wording
from directory.models import Counter, ErrorReport, Suggestion
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import found_by_axe
from tests.browser.test_keyboard import focused, tab_to

pytestmark = pytest.mark.browser

#: Longer than what no person could do (forms.TOO_FAST), in milliseconds.
A_WHILE = 3_200


@pytest.fixture(autouse=True)
def left_as_found(site):
    """These tests write; the others of this folder share their data."""
    yield
    for model in (ErrorReport, Counter):
        model.objects.all().delete()
    Suggestion.objects.exclude(reference="S-2222-2222").delete()


def test_what_is_wrong_is_heard_first_then_found_at_its_field(window):
    for scripted in (True, False):
        page = window(size=PHONE, scripted=scripted)
        page.goto("/entreprises/suggerer/")
        page.get_by_label("Municipalité").fill("Longueille")
        page.get_by_role("button", name="Envoyer").click()
        page.get_by_role("alert").wait_for()
        assert focused(page, "getAttribute('role')") == "alert"
        page.get_by_role("link", name="Écrivez le nom de l’entreprise.").click()
        assert focused(page, "id") == "name"
        city = page.get_by_label("Municipalité")
        assert city.get_attribute("aria-invalid") == "true"
        said = [page.locator(f"#{one}").inner_text() for one in
                city.get_attribute("aria-describedby").split()]  # fmt: skip
        assert "Longueuil" in said[-1]
        if scripted:  # axe is a script
            assert found_by_axe(page) == {}


def test_a_suggestion_goes_from_the_help_to_its_number(window):
    page = window(fresh=True)
    page.goto("/entreprises/?q=traiteur&ville=chibougamau")
    page.get_by_role("main").get_by_role("link", name="Suggérer une entreprise").click()
    page.get_by_label("Nom de l’entreprise").fill("Riche en tout")
    page.get_by_label("Municipalité").fill("st-bruno")
    page.get_by_label("Téléphone").fill("450 555-0123")
    page.get_by_label("Ce qu’elle fait").fill("Lave le linge.")
    page.get_by_label("Pourquoi").fill("Une coopérative.")
    page.wait_for_timeout(A_WHILE)
    page.get_by_role("button", name="Envoyer").click()
    page.get_by_role("heading", name="Est-ce").wait_for()
    assert focused(page, "className") == "alike"
    expect(page.get_by_role("link", name="Riche en tout")).to_be_visible()
    assert found_by_axe(page) == {}
    page.get_by_label("Non, c’est une autre entreprise").check()
    page.get_by_role("button", name="Envoyer").first.click()
    page.wait_for_url("**/merci/**")
    row = Suggestion.objects.exclude(reference="S-2222-2222").get()
    expect(page.get_by_text(row.reference)).to_be_visible()
    page.reload()
    expect(page.get_by_text(row.reference)).to_be_visible()
    assert page.context.cookies() == []
    assert Suggestion.objects.count() == 2


def test_an_error_is_reported_from_the_profile_with_the_keyboard(window):
    page = window(scripted=False)
    page.goto("/entreprises/riche/")
    tab_to(page, ".reach .actions a[href$='/signaler/']")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "#kind_0")
    page.keyboard.press("ArrowDown")
    assert focused(page, "value") == "contact"
    tab_to(page, "#message")
    page.keyboard.type("Le numéro a changé.")
    tab_to(page, "#sender_email")
    tab_to(page, "main button")  # the field that is not for people is passed over
    page.wait_for_timeout(A_WHILE)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/merci/E-"))
    report = ErrorReport.objects.get()
    assert (report.kind, report.enterprise.slug) == ("contact", "riche")


def test_axe_finds_nothing_in_the_queue(window):
    row = Suggestion.objects.get(reference="S-2222-2222")
    page = window(signed_in=True)
    for address in ("", f"{row.pk}/change/"):
        page.goto(f"/admin/directory/suggestion/{address}")
        assert found_by_axe(page) == {}, address


def test_the_field_for_robots_is_neither_seen_nor_heard(window):
    page = window()
    page.goto("/entreprises/riche/signaler/")
    trap = page.locator("[name=rien]")
    assert trap.bounding_box()["x"] < 0
    assert trap.get_attribute("tabindex") == "-1"
    expect(page.get_by_role("textbox", name="Laissez ce champ vide")).to_have_count(0)


@pytest.mark.parametrize("slug", ["riche", "longue", "minimale"])
@pytest.mark.parametrize("paper", ["Letter", "A4"])
def test_a_profile_prints_as_a_sheet_of_two_pages_at_most(slug, paper, window):
    page = window(size=DESKTOP, colours="dark")
    page.goto(f"/entreprises/{slug}/")
    pdf = page.pdf(format=paper)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    assert 1 <= pages <= (1 if slug == "minimale" else 2)


def test_the_sheet_says_where_it_comes_from_and_of_what_day(window, site):
    page = window()
    page.goto("/entreprises/riche/")
    sheet = page.locator(".sheet")
    expect(sheet).to_be_hidden()
    page.emulate_media(media="print")
    said = sheet.inner_text()
    assert f"{site.url}/entreprises/riche/" in said
    assert wording.day(timezone.localdate()) in said
    for text in ("Territoire desservi", "Preuves et références", "450 555-0100", "Service 0"):
        expect(page.get_by_text(text).first, text).to_be_visible()
    for part in (".similar", ".reach .actions", ".foot", "header nav"):
        expect(page.locator(part), part).to_be_hidden()
