"""Suggestions follow the combobox with listbox of the ARIA Authoring Practices."""

from contextlib import suppress

import pytest
from playwright.sync_api import Error, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(window):
    page = window()
    page.goto("/")
    return page


def box(page):
    return page.get_by_role("combobox", name="Que cherchez-vous?")


def options(page):
    return page.locator(".combo [role=option]")


def type_in(page, text):
    box(page).fill(text)  # at once, so that one answer comes
    options(page).first.wait_for()


def state(page):
    """Expanded or not, and the option that is active."""
    expanded = box(page).get_attribute("aria-expanded")
    return expanded, box(page).get_attribute("aria-activedescendant")


def test_a_closed_combobox_says_so_and_names_its_list(page):
    assert state(page) == ("false", None)
    assert box(page).get_attribute("aria-autocomplete") == "list"
    listed = page.locator(f"#{box(page).get_attribute('aria-controls')}")
    assert listed.get_attribute("role") == "listbox"
    assert listed.get_attribute("aria-label") == "Suggestions"
    expect(listed).to_be_hidden()


def test_typing_opens_the_list_without_choosing_anything(page):
    type_in(page, "repas")
    assert state(page) == ("true", None)
    expect(page.get_by_role("listbox")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "q"
    count = options(page).count()
    assert page.locator(".combo [role=status]").inner_text() == f"Suggestions\u00a0: {count}"


def test_one_letter_asks_for_nothing(page):
    box(page).press_sequentially("r")
    page.wait_for_timeout(400)
    assert not [request for request in page.requested if "suggestions" in request.url]


def test_arrows_go_through_the_options_and_round(page):
    type_in(page, "repas")
    ids = [option.get_attribute("id") for option in options(page).all()]
    assert len(ids) > 2
    followed = []
    for _ in range(len(ids) + 1):
        page.keyboard.press("ArrowDown")
        active = state(page)[1]
        chosen = page.locator("[role=option][aria-selected=true]")
        expect(chosen).to_have_count(1)
        assert chosen.get_attribute("id") == active
        followed.append(active)
    assert followed == [*ids, ids[0]]
    page.keyboard.press("ArrowUp")
    assert state(page)[1] == ids[-1]
    assert page.evaluate("document.activeElement.id") == "q"


def test_enter_opens_the_option_chosen(page):
    type_in(page, "riche en tout")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entreprises/riche/")


def test_enter_without_a_choice_searches_for_what_was_typed(page):
    type_in(page, "repas")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entreprises/?q=repas")


def test_a_click_opens_the_option(page):
    type_in(page, "riche en tout")
    page.get_by_role("option", name="Riche en tout").click()
    page.wait_for_url("**/entreprises/riche/")


def test_escape_closes_the_list_and_keeps_what_was_typed(page):
    type_in(page, "repas")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert state(page) == ("false", None)
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert box(page).input_value() == "repas"
    page.keyboard.press("ArrowDown")  # opens it again
    options(page).first.wait_for()


@pytest.mark.parametrize("way", ["Tab", "blur"])
def test_leaving_the_field_closes_the_list(way, page):
    type_in(page, "repas")
    if way == "Tab":
        page.keyboard.press("Tab")
    else:
        page.get_by_role("heading", level=1).click()
    assert state(page) == ("false", None)
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_nothing_suggested_leaves_the_list_closed_and_says_so(page):
    box(page).press_sequentially("xqzwv")
    expect(page.locator(".combo [role=status]")).to_have_text("Aucune suggestion")
    assert state(page) == ("false", None)


def suggestion(label):
    return {"label": label, "kind": "Ville", "url": "/villes/longueuil/"}


def answer_late(page, route, label):
    with suppress(Error):  # the browser may have dropped the question already
        route.fulfill(json={"suggestions": [suggestion(label)]})
    page.wait_for_timeout(200)


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(page):
    late = []

    def answer(route):
        text = route.request.url.rpartition("=")[2]
        if text == "re":
            late.append(route)
        else:
            route.fulfill(json={"suggestions": [suggestion(f"pour {text}")]})

    page.route("**/suggestions/?q=*", answer)
    with page.expect_request("**/suggestions/?q=re"):
        box(page).press_sequentially("re")
    box(page).press_sequentially("pas")
    page.get_by_role("option", name="pour repas").wait_for()
    answer_late(page, late[0], "pour re")
    assert options(page).all_inner_texts()[0].startswith("pour repas")


def test_an_answer_that_comes_after_leaving_opens_nothing(page):
    waiting = []
    page.route("**/suggestions/?q=*", lambda route: waiting.append(route))
    with page.expect_request("**/suggestions/?q=repas"):
        box(page).press_sequentially("repas")
    page.keyboard.press("Tab")
    answer_late(page, waiting[0], "trop tard")
    assert state(page) == ("false", None)
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_the_list_of_an_emptied_field_closes(page):
    type_in(page, "repas")
    box(page).fill("")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert state(page) == ("false", None)


def test_a_field_that_was_swapped_in_suggests_too(window):
    page = window()
    page.goto("/entreprises/")
    page.locator("#f-secteur-arts-culture-medias").click()
    page.wait_for_url("**secteur=arts-culture-medias")
    expect(page.locator("#annonce")).not_to_be_empty()
    type_in(page, "repas")
    expect(page.locator("[role=combobox]")).to_have_count(1)


def test_without_javascript_it_is_a_plain_field(window):
    page = window(scripted=False)
    page.goto("/")
    expect(page.locator("[role=combobox], [role=listbox]")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Que cherchez-vous?")).to_be_visible()
