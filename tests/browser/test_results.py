"""Results in place: what a click changes, and what it must leave as it was."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser

NAMES = ".cards h2"


def names(page):
    return page.locator(NAMES).all_inner_texts()


def total(page):
    return page.locator("#titre").inner_text()


def tick(page, name):
    """Click, and wait for what the screen reader is told once the results are in place."""
    page.evaluate("document.getElementById('annonce').textContent = ''")
    page.locator(name).click()
    expect(page.locator("#annonce")).not_to_be_empty()


def test_a_filter_changes_the_results_in_place(window):
    page = window()
    page.goto("/entreprises/")
    before, loaded = total(page), page.evaluate("performance.timeOrigin")
    tick(page, "#f-secteur-arts-culture-medias")
    expect(page).to_have_url("/entreprises/?secteur=arts-culture-medias")
    assert page.evaluate("performance.timeOrigin") == loaded  # the same document
    assert total(page) != before
    assert page.title().startswith(total(page))
    assert page.evaluate("document.activeElement.id") == "f-secteur-arts-culture-medias"
    announced = page.locator("#annonce")
    assert announced.get_attribute("role") == "status"
    assert announced.inner_text() == total(page)


def test_filters_add_up_and_the_groups_one_opened_stay_open(window):
    page = window()
    page.goto("/entreprises/")
    page.locator("#f-forme > summary").click()
    tick(page, "#f-forme input >> nth=0")
    assert page.locator("#f-forme").get_attribute("open") is not None
    page.locator("#f-bienfait > summary").click()
    tick(page, "#f-ville-longueuil")
    assert page.locator("#f-bienfait").get_attribute("open") is not None
    expect(page).to_have_url(re.compile("ville=longueuil"))
    expect(page).to_have_url(re.compile("forme="))
    chips = page.locator(".chips a").all_inner_texts()
    assert chips[0] == "Longueuil"
    assert chips[-1] == "Tout effacer"


def test_the_address_opened_afresh_gives_the_same_list_with_and_without_javascript(window):
    page = window()
    page.goto("/entreprises/?q=repas")
    tick(page, "#f-ville-longueuil")
    page.locator("#tri").select_option("nom")
    page.wait_for_url("**tri=nom**")
    expect(page.locator("#tri")).to_have_value("nom")
    swapped = total(page), names(page)
    assert len(swapped[1]) > 3
    for scripted in (True, False):
        other = window(scripted=scripted)
        other.goto(page.url)
        assert (total(other), names(other)) == swapped


def test_the_same_filters_without_javascript_give_the_same_list(window):
    page, plain = window(), window(scripted=False)
    for each in (page, plain):
        each.goto("/entreprises/")
    tick(page, "#f-secteur-alimentation")
    tick(page, "#f-reconnue")
    plain.locator("#f-secteur-alimentation").check()
    plain.locator("#f-reconnue").check()
    plain.get_by_role("button", name="Appliquer les filtres").click()
    plain.wait_for_url("**reconnue=1**")
    assert names(plain) == names(page)
    assert total(plain) == total(page)


def test_back_and_forward_show_the_lists_they_left(window):
    page = window()
    page.goto("/entreprises/")
    lists = [names(page)]
    for filter_ in ("#f-secteur-arts-culture-medias", "#f-ville-longueuil"):
        tick(page, filter_)
        lists.append(names(page))
    assert lists[0] != lists[1] != lists[2]
    for expected, address in (
        (lists[1], "/entreprises/?secteur=arts-culture-medias"),
        (lists[0], "/entreprises/"),
    ):
        page.go_back()
        expect(page.locator(NAMES)).to_have_text(expected)
        expect(page).to_have_url(address)
    page.go_forward()
    expect(page.locator(NAMES)).to_have_text(lists[1])
    expect(page.locator("#f-secteur-arts-culture-medias")).to_be_checked()


def test_a_criterion_is_taken_away_in_place_and_the_focus_goes_to_the_title(window):
    page = window()
    page.goto("/entreprises/?secteur=arts-culture-medias")
    before = total(page)
    tick(page, ".chips a >> nth=0")
    expect(page).to_have_url("/entreprises/")
    assert total(page) != before
    assert page.evaluate("document.activeElement.id") == "titre"
    expect(page.locator(".chips")).to_have_count(0)


def test_a_search_leaves_no_empty_parameter_in_the_address(window):
    page = window()
    page.goto("/")
    page.fill("#q", "traiteur")
    page.get_by_role("button", name="Chercher").click()
    page.wait_for_url("**/entreprises/?q=traiteur")
    page.fill("#q", "repas")
    page.get_by_role("button", name="Chercher").click()
    page.wait_for_url("**/entreprises/?q=repas")


def test_a_list_that_is_no_longer_answered_gives_way_to_a_page_that_says_so(window):
    page = window()
    page.goto("/entreprises/")
    page.route(
        "**/entreprises/?secteur=arts-culture-medias",
        lambda route: (
            route.fulfill(status=429)
            if route.request.headers.get("hx-request")
            else route.continue_()
        ),
    )
    page.locator("#f-secteur-arts-culture-medias").click()
    page.wait_for_url("**/entreprises/?secteur=arts-culture-medias")
    page.wait_for_load_state()
    expect(page.locator("#f-secteur-arts-culture-medias")).to_be_checked()
    assert "429" in window.complaints.pop()


def test_a_profile_leads_back_to_the_results_one_came_from(window):
    page = window()
    page.goto("/entreprises/?secteur=arts-culture-medias")
    page.locator(".cards h2 a >> nth=0").click()
    back = page.get_by_role("link", name="Retour aux résultats")
    back.click()
    page.wait_for_url("**/entreprises/?secteur=arts-culture-medias")


def test_on_a_phone_the_filters_close_and_lead_to_the_list(window):
    page = window(size=PHONE)
    page.goto("/entreprises/")
    page.locator("#filtres > summary").click()
    page.locator("label", has=page.locator("#f-secteur-arts-culture-medias")).click()
    page.wait_for_url("**secteur=arts-culture-medias")
    to_list = page.locator(".to-list")
    expect(to_list).to_contain_text("Voir les résultats")
    to_list.click()
    assert page.locator("#filtres").get_attribute("open") is None
    expect(page.locator("#titre")).to_be_in_viewport()
