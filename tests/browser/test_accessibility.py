"""WCAG 2.2 AA as far as a machine can tell: on every page, whatever the width and the colours."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, PUBLIC, STATUS, UNBROKEN, listen

pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}
ADMIN = ["admin", "admin, list", "admin, enterprise", "admin, renewal"]
DUPLICATES = ["duplicates", "duplicate", "merges", "merge"]
# Pages that differ from another by their text alone.
ALIKE = {"results of a word", "results near", "results widened", "last page"}
SEEN = [name for name in PUBLIC if name not in ALIKE]


@pytest.fixture(scope="module")
def opened(request, contexts, addresses):
    """A window on each page, opened once for all that is looked at there, with all it unfolds."""
    name, complaints = request.param, []
    page = contexts(signed_in=name in {*ADMIN, *DUPLICATES}).new_page()
    listen(page, complaints)
    page.emulate_media(reduced_motion="reduce")
    assert page.goto(addresses[name]).status == STATUS.get(name, 200)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
    yield page
    page.close()
    assert complaints == []


# --- What axe finds

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "preload": False,  # would fetch style sheets again, as the content policy forbids
}
# What a change of colours can change.
COLOURS = OPTIONS | {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
AXE = """async (options) => {
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    const { violations } = await axe.run(options);
    return violations.flatMap(({ id, nodes }) => nodes.map(
        ({ target, html }) => `${id}: ${target} ${html.slice(0, 120)}`));
}"""


def found_by_axe(page):
    """By width and colours."""
    page.evaluate(AXE_SCRIPT)
    found = {}
    for colours, options in (("light", OPTIONS), ("dark", COLOURS)):
        page.emulate_media(color_scheme=colours)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            if violations := page.evaluate(AXE, options):
                found[f"{size['width']} px, {colours}"] = violations
    return found


@pytest.mark.parametrize("opened", [*SEEN, *ADMIN, *DUPLICATES], indirect=True)
def test_axe_finds_nothing(opened):
    assert found_by_axe(opened) == {}


def test_axe_finds_nothing_in_open_suggestions(window):
    page = window()
    page.goto("/")
    page.locator("#q").fill("tra")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert found_by_axe(page) == {}


def test_axe_finds_nothing_in_a_row_added_to_a_form_nor_in_a_list_opened_there(window, addresses):
    page = window(signed_in=True)
    page.goto(addresses["admin, enterprise"])
    page.locator("#offerings-group .add-row a").click()
    page.locator("#offerings-group .dynamic-offerings .select2-selection").first.click()
    page.locator(".select2-results__option").first.wait_for()
    assert found_by_axe(page) == {}


def test_axe_finds_nothing_in_a_list_of_which_several_are_chosen(window, addresses):
    page = window(signed_in=True)
    page.goto(addresses["admin, enterprise"])
    box = page.locator(".select2-selection--multiple").first
    box.click()
    page.locator(".select2-results__option").first.click()
    expect(box.locator(".select2-selection__choice").first).to_be_visible()
    assert found_by_axe(page) == {}


def test_a_list_of_the_back_office_scrolls_within_the_page(window):
    page = window(signed_in=True, size=PHONE)
    page.goto("/admin/directory/city/?q=saint")
    assert page.evaluate(STICKING_OUT) == []
    table = page.get_by_role("region", name="Municipalités")
    assert table.evaluate("(part) => part.scrollWidth > part.clientWidth")
    table.focus()
    table.evaluate("""(part) => {
        part.moved = new Promise((done) => part.addEventListener('scroll', done, { once: true }));
    }""")
    page.keyboard.press("ArrowRight")
    table.evaluate("(part) => part.moved.then(() => {})")
    # Whose row it is stays in sight.
    name = table.locator("tbody th").first
    assert name.bounding_box()["x"] >= table.bounding_box()["x"]
    assert found_by_axe(page) == {}


def test_the_parts_of_a_long_form_are_reached_from_the_list_that_stays_in_sight(window, addresses):
    page = window(signed_in=True)
    page.goto(addresses["admin, enterprise"])
    parts = page.get_by_role("navigation", name="Parties de la fiche")
    for name in ("Références", "Publication", "Personnes-ressources"):
        parts.get_by_role("link", name=name).click()
        heading = page.locator("#content-main").get_by_role("heading", name=name, exact=True)
        bar = parts.bounding_box()
        assert heading.bounding_box()["y"] >= bar["y"] + bar["height"]
        page.keyboard.press("Tab")
        part = heading.locator("xpath=ancestor::fieldset")
        assert part.evaluate("(part) => part.contains(document.activeElement)"), name


def test_axe_sees_what_is_wrong(window):
    page = window()
    page.goto("/")
    page.evaluate("""() => {
        document.getElementById('secteurs').style.color = '#aaa';
        document.querySelector('label[for=q]').remove();
    }""")
    found = found_by_axe(page)["1280 px, light"]
    assert {line.split(":")[0] for line in found} == {"color-contrast", "label"}


# --- Reflow (1.4.10), text spacing (1.4.12), target size (2.5.8)

# What makes the page scroll sideways.
STICKING_OUT = """() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [`${scrollWidth} px`, ...[...document.querySelectorAll('body *')]
        .filter((part) => part.getBoundingClientRect().right > clientWidth + 1)
        .map((part) => part.outerHTML.slice(0, 100))];
}"""
# Text that its own box cuts off. What scrolls is not lost, nor what a map shows elsewhere, and what
# is for screen readers alone is cut off on purpose.
CUT_OFF = """() => [...document.querySelectorAll('body *')].filter((part) => {
    const { overflowX, overflowY, clipPath } = getComputedStyle(part);
    if (part.matches('input, select, .combo ul, .visually-hidden, #carte')) return false;
    if (clipPath !== 'none' || !part.checkVisibility()) return false;
    return (overflowX !== 'visible' && part.scrollWidth > part.clientWidth + 1)
        || (overflowY !== 'visible' && part.scrollHeight > part.clientHeight + 1);
}).map((part) => part.outerHTML.slice(0, 100))"""
# Words that a box too narrow breaks, and lines of text written over others.
GARBLED = """() => {
    const lines = [], found = [], walker = document.createTreeWalker(document.body, 4);
    const range = document.createRange(), WORD = /(?<!\\S)\\p{L}{4,14}(?=[\\s,.;:)»]|$)/gu;
    const clipped = (part) => part !== document.body
        && (getComputedStyle(part).clipPath !== 'none' || clipped(part.parentElement));
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const part = text.parentElement;
        if (!text.data.trim() || !part.checkVisibility() || part.closest('#carte, .skip')) continue;
        if (part.closest('option, script, style') || clipped(part)) continue;
        range.selectNodeContents(text);
        for (const { left, right, top, bottom } of range.getClientRects())
            if (right - left > 1) lines.push({ left, right, top, bottom, part });
        for (const { 0: word, index } of text.data.matchAll(WORD)) {
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
            if (new Set(tops).size > 1)
                found.push(`broken: ${word} in ${part.outerHTML.slice(0, 80)}`);
        }
    }
    lines.sort((one, other) => one.top - other.top);
    lines.forEach((one, rank) => {
        for (const other of lines.slice(rank + 1)) {
            if (other.top > one.bottom) break;
            const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const high = Math.min(one.bottom, other.bottom) - other.top;
            if (wide > 2 && high > 6)
                found.push(`over one another: ${one.part.outerHTML.slice(0, 80)}`
                    + ` and ${other.part.outerHTML.slice(0, 80)}`);
        }
    });
    return found;
}"""
SPACED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: .12em !important;
            word-spacing: .16em !important }
        p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet];
}"""
# Clickable things smaller than 24 px, unless they are words of a sentence; a box and its label
# are one target.
TOO_SMALL = """() => [...document.querySelectorAll('a[href], button, input, select, summary')]
    .map((part) => part.closest('label') || part)
    .filter((part) => {
        const { width, height } = part.getBoundingClientRect();
        const { clipPath, display } = getComputedStyle(part);
        if (part.closest('.skip') || clipPath !== 'none' || !width) return false;
        if (display === 'inline' && part.closest('p, dd, td')) return false;
        return width < 24 || height < 24;
    })
    .map((part) => {
        const { width, height } = part.getBoundingClientRect();
        return `${Math.round(width)} × ${Math.round(height)}: ${part.outerHTML.slice(0, 100)}`;
    })"""


@pytest.mark.parametrize("opened", PUBLIC, indirect=True)
def test_nothing_overflows_a_window_of_320_pixels(opened):
    opened.set_viewport_size(NARROW)
    assert opened.evaluate(STICKING_OUT) == []


@pytest.mark.parametrize("opened", PUBLIC, indirect=True)
def test_no_word_is_broken_nor_written_over_another(opened):
    garbled = {}
    for size in (PHONE, DESKTOP):
        opened.set_viewport_size(size)
        if found := opened.evaluate(GARBLED):
            garbled[size["width"]] = found
    assert garbled == {}


@pytest.mark.parametrize("opened", PUBLIC, indirect=True)
def test_spaced_text_loses_nothing(opened):
    lost = {}
    opened.evaluate(SPACED)
    for size in (NARROW, DESKTOP):
        opened.set_viewport_size(size)
        if found := opened.evaluate(STICKING_OUT) + opened.evaluate(CUT_OFF):
            lost[size["width"]] = found
    opened.evaluate("document.adoptedStyleSheets = []")
    assert lost == {}


@pytest.mark.parametrize("opened", PUBLIC, indirect=True)
def test_every_target_is_large_enough_for_a_finger(opened):
    small = {}
    for size in (PHONE, DESKTOP):
        opened.set_viewport_size(size)
        if found := opened.evaluate(TOO_SMALL):
            small[size["width"]] = found
    assert small == {}


def test_a_word_longer_than_the_window_is_broken_rather_than_hidden(window):
    page = window(size=NARROW)
    page.goto("/entreprises/longue/")
    box = page.get_by_role("heading", name=f"Service 0 {UNBROKEN}").bounding_box()
    assert box["x"] + box["width"] <= NARROW["width"]


def test_a_place_that_is_unknown_is_said_at_its_field(window):
    page = window(size=PHONE)
    page.goto("/entreprises/?pres=zzz")
    page.locator("#filtres > summary").click()
    field = page.get_by_label("Près de")
    said = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert said.inner_text() == "Cette ville ou ce code postal est inconnu."
    assert said.bounding_box()["height"] > 10
    colours = [
        each.evaluate("(field) => getComputedStyle(field).borderColor")
        for each in (field, page.get_by_label("Qui dessert la ville de"))
    ]
    assert colours[0] != colours[1]


# --- Motion, print


MOVING = """() => [...document.querySelectorAll('*')].filter((part) =>
    [undefined, '::before', '::after'].some((pseudo) => {
        const { transitionDuration, animationName } = getComputedStyle(part, pseudo);
        return animationName !== 'none' || transitionDuration.split(', ').some((s) => s !== '0s');
    })).length"""


def test_nothing_moves_for_who_asked_for_no_motion(window):
    moving = {}
    for preference in ("no-preference", "reduce"):
        page = window(motion=preference)
        page.goto("/entreprises/")
        moving[preference] = page.evaluate(MOVING)
    assert moving["reduce"] == 0
    assert moving["no-preference"] > 0  # else this test sees nothing


def test_a_printed_profile_keeps_what_informs_and_leaves_what_navigates(window):
    page = window()
    page.goto("/entreprises/riche/")
    page.emulate_media(media="print")
    for selector in (".skip", "header nav", ".back"):
        expect(page.locator(selector).first, selector).to_be_hidden()
    for text in ("Joindre l’entreprise", "Service 0", "Preuves et références", "450 555-0100"):
        expect(page.get_by_text(text).first, text).to_be_visible()
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")


def test_dark_colours_are_not_printed(window):
    page = window(colours="dark")
    page.goto("/entreprises/riche/")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_the_dark_page_is_dark(window):
    grounds = {}
    for colours in ("light", "dark"):
        page = window(colours=colours)
        page.goto("/")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds[colours] = sum(int(part) for part in ground[4:-1].split(","))
    assert grounds["dark"] < 150 < 600 < grounds["light"]
