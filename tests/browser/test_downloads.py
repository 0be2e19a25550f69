"""From results to a file in a real browser, with scripts and without."""

import csv

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripted", [True, False])
def test_from_results_to_a_file_of_chosen_columns(scripted, window):
    page = window(scripted=scripted)
    page.goto("/entreprises/?q=traiteur&ville=longueuil&tri=nom")
    page.get_by_role("link", name="Télécharger ces résultats").click()
    names = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="Coordonnées 14").click()
    expect(page.get_by_label("Téléphone", exact=True)).to_be_checked()
    expect(page.get_by_label("Mission", exact=True)).not_to_be_checked()
    page.get_by_label("Mission", exact=True).check()
    page.get_by_label("Site web").uncheck()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert download.value.suggested_filename.endswith(".csv")
    assert "Mission" in header
    assert "Site web" not in header
    assert names.startswith(f"{len(rows)} ")


def test_a_choice_is_found_again_at_its_address(window):
    page = window()
    page.goto("/donnees/telecharger/?q=traiteur")
    page.get_by_label("Mission", exact=True).uncheck()
    page.get_by_role("button", name="Mettre cette adresse à jour").click()
    kept = page.get_by_role("link", name="ce téléchargement").get_attribute("href")
    page.goto("/")
    page.goto(kept)
    expect(page.get_by_label("Mission", exact=True)).not_to_be_checked()
    expect(page.get_by_label("Description", exact=True)).to_be_checked()
