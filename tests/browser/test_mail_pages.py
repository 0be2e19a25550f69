"""What mails link to and where staff call from, as a machine tells WCAG 2.2 AA and a thumb."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.browser.test_accessibility import (
    CUT_OFF,
    NARROW,
    SPACED,
    STICKING_OUT,
    TOO_SMALL,
    found_by_axe,
)

pytestmark = pytest.mark.browser

PAGES = {"confirm": 200, "unsubscribe": 200, "broken link": 404, "phone list": 200}
PAGES |= {"phone call": 200, "phone call, long": 200}
ADMIN = {"outbox": 200, "previews": 200, "preview": 200}


@pytest.mark.parametrize("name", [*PAGES, *ADMIN])
def test_axe_finds_nothing(name, window, mailed):
    page = window(signed_in="phone" in name or name in ADMIN)
    assert page.goto(mailed[name]).status == (PAGES | ADMIN)[name]
    assert found_by_axe(page) == {}


def test_axe_finds_nothing_in_a_call_with_mistakes(window, mailed):
    page = window(size=PHONE, signed_in=True)
    page.goto(mailed["phone call"])
    page.get_by_role("button", name="À corriger").click()
    expect(page.locator("#note[aria-invalid]")).to_have_count(1)
    assert page.evaluate("document.activeElement.className") == "mistakes"
    assert found_by_axe(page) == {}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_or_is_too_small_for_a_thumb(name, window, mailed):
    page = window(size=PHONE, signed_in="phone" in name)
    page.goto(mailed[name])
    assert page.evaluate(TOO_SMALL) == []
    page.set_viewport_size(NARROW)
    assert page.evaluate(STICKING_OUT) == []
    page.evaluate(SPACED)
    assert page.evaluate(STICKING_OUT) + page.evaluate(CUT_OFF) == []


def test_a_call_is_noted_in_two_taps_without_scrolling(window, mailed):
    page = window(size=PHONE, signed_in=True)
    page.goto(mailed["phone call"])
    number = page.locator(".number a")
    assert number.get_attribute("href").startswith("tel:+1")
    for target in (number, page.get_by_role("button", name="Pas de réponse")):
        box = target.bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
        assert box["height"] >= 44


def test_the_enter_key_notes_nothing(window, mailed):
    page = window(signed_in=True)
    page.goto(mailed["phone call"])
    page.get_by_text("Ajouter une note").click()
    page.locator("#consent_email").fill("info@riche.example")
    page.locator("#consent_email").press("Enter")
    page.wait_for_timeout(300)
    expect(page).to_have_url(mailed["phone call"])
    assert page.locator("#consent_email").input_value() == "info@riche.example"
