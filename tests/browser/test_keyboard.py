"""From the home page to a public contact, with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PUBLIC

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement"


def focused(page, expression="outerHTML.slice(0, 120)"):
    return page.evaluate(f"{FOCUSED}.{expression}")


def tab_to(page, selector, most=60):
    """Press Tab until what `selector` says has the focus, which must be seen at each step."""
    for _ in range(most):
        page.keyboard.press("Tab")
        seen = page.evaluate("""() => {
            const { activeElement: part } = document;
            const { outlineStyle, outlineWidth } = getComputedStyle(part);
            const { width, height, top, bottom } = part.getBoundingClientRect();
            const outlined = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
            const inWindow = width > 1 && height > 1 && bottom > 0 && top < innerHeight;
            return part === document.body || (outlined && inWindow);
        }""")
        assert seen, f"The focus is not seen on {focused(page)}"
        if page.evaluate(f"(selector) => {FOCUSED}.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with Tab: stopped at {focused(page)}")


def press_and_go(page, key="Enter"):
    with page.expect_navigation():
        page.keyboard.press(key)


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def scripted(request):
    return request.param


def test_from_home_to_the_phone_of_an_enterprise(scripted, window):
    page = window(scripted=scripted)
    page.goto("/")
    tab_to(page, "#q")
    page.keyboard.type("riche en tout")
    press_and_go(page)
    assert page.get_by_role("heading", level=1).inner_text().startswith("1 entreprise")
    tab_to(page, ".cards h2 a")
    press_and_go(page)
    assert page.get_by_role("heading", level=1).inner_text().startswith("Riche en tout")
    tab_to(page, ".phone a")
    assert focused(page, "getAttribute('href')") == "tel:+14505550100"


def test_from_home_to_a_profile_by_a_suggestion(window):
    page = window()
    page.goto("/")
    tab_to(page, "#q")
    page.keyboard.type("riche en")
    page.get_by_role("option", name="Riche en tout").wait_for()
    page.keyboard.press("ArrowDown")
    press_and_go(page)
    expect(page).to_have_url("/entreprises/riche/")
    tab_to(page, ".reach li a[href^='tel:']")
    assert focused(page, "textContent") == "450\u00a0555-0123"


def test_filters_are_reached_and_applied_with_the_keyboard(scripted, window):
    page = window(scripted=scripted)
    page.goto("/entreprises/")
    tab_to(page, "#f-secteur-arts-culture-medias")
    page.keyboard.press("Space")
    if not scripted:
        tab_to(page, ".apply button")
        press_and_go(page)
    page.wait_for_url("**secteur=arts-culture-medias**")
    expect(page.locator("#f-secteur-arts-culture-medias")).to_be_checked()
    expect(page.get_by_role("link", name="Retirer : ")).to_be_visible()


@pytest.mark.parametrize("address", ["/", "/entreprises/", "/entreprises/riche/", "/nulle-part/"])
def test_the_first_tab_skips_to_the_content(address, window):
    page = window()
    page.goto(address)
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "Aller au contenu"
    box = page.locator(".skip:focus").bounding_box()
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert focused(page, "id") == "contenu"
    page.keyboard.press("Tab")
    assert page.evaluate(f"document.getElementById('contenu').contains({FOCUSED})")


def test_the_second_tab_of_a_list_skips_to_its_results(window):
    page = window()
    page.goto("/entreprises/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "Aller aux résultats"
    page.keyboard.press("Enter")
    assert focused(page, "id") == "titre"
    tab_to(page, ".cards h2 a", most=5)  # the map, the file, the order twice, the first


@pytest.mark.parametrize("name", ["home", "results refused", "profile, rich", "archived"])
def test_the_focus_goes_through_the_whole_page_and_is_always_seen(name, window):
    page = window()
    page.goto(PUBLIC[name])
    tab_to(page, ".foot-contact a", most=160)
