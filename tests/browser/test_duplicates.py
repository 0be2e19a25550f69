"""Two listings looked at, merged and parted again, by keyboard and without a script."""

import pytest

from directory.models import Enterprise
from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_two_listings_are_merged_and_parted_again_without_a_script(window, addresses, size):
    page = window(size, signed_in=True, scripted=False)
    page.goto(addresses["duplicates"])
    page.get_by_role("link", name="Jumelle une et Jumelle deux").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Est-ce la même entreprise?"
    name = page.get_by_role("group", name="Nom", exact=True)
    name.get_by_text("Jumelle deux").last.click()
    page.get_by_role("button", name="Fusionner").click()
    assert "n’en font qu’une" in page.get_by_role("heading", level=1).inner_text()
    kept = Enterprise.objects.get(slug="jumelle-une")
    assert (kept.name, kept.other_names) == ("Jumelle deux", ["Jumelle une"])
    page.get_by_role("button", name="Défaire la fusion").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Fusion défaite"
    kept.refresh_from_db()
    assert (kept.name, kept.other_names) == ("Jumelle une", [])


def test_a_pair_is_decided_by_keyboard_alone(window, addresses):
    page = window(signed_in=True)
    page.goto(addresses["duplicate"])
    page.get_by_role("group", name="Quelle fiche garder?").get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("input[name=kept]:checked").get_attribute("value") == "other"
    button = page.get_by_role("button", name="Fusionner")
    for _ in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/fusions/**")
    assert "« Jumelle une » est maintenant dans « Jumelle deux »" in page.locator(
        ".lead"
    ).inner_text().replace("\xa0", " ")
    page.get_by_role("button", name="Défaire la fusion").press("Enter")
    page.get_by_role("heading", name="Fusion défaite").wait_for()


@pytest.mark.parametrize(("size", "columns"), [(PHONE, 1), (DESKTOP, 2)])
def test_the_two_are_side_by_side_where_there_is_room_and_else_one_above_the_other(
    window, addresses, size, columns
):
    page = window(size, signed_in=True)
    page.goto(addresses["duplicate"])
    boxes = [
        side.bounding_box()
        for side in page.locator("fieldset", has_text="Nom").locator("label.side").all()[:2]
    ]
    assert len({round(box["x"]) for box in boxes}) == columns
    # On one column each side says whose it is.
    said = page.locator("label.side .whose").first
    assert (said.bounding_box()["width"] > 1) is (columns == 1)
