"""A messy list seen through in the real browser: given, looked at, written, mended, taken back."""

import pytest
from playwright.sync_api import expect

from directory.models import Enterprise, ImportBatch
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import STICKING_OUT, TOO_SMALL, found_by_axe
from tests.imports import as_csv, messy

pytestmark = pytest.mark.browser

# The rest of the page is the administration's.
TOO_SMALL_HERE = TOO_SMALL.replace("'a[href],", "'.import a[href],").replace(
    ", button, input, select, summary'", ", .import :is(button, input, select, summary)'"
)


def well_made(page):
    """What is wrong with the page, by width: axe's findings, what overflows, what is too small."""
    wrong = found_by_axe(page)
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        if found := page.evaluate(STICKING_OUT) + page.evaluate(TOO_SMALL_HERE):
            wrong[size["width"]] = found
    return wrong


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_messy_list_is_imported_mended_and_taken_back(window, scripted, tmp_path):
    drafts = Enterprise.objects.filter(state="draft")
    before = drafts.count()
    path = tmp_path / "liste.csv"
    path.write_bytes(as_csv(messy(400)))
    page = window(signed_in=True, scripted=scripted)
    page.goto("/admin/directory/importbatch/")
    page.get_by_role("link", name="Ajouter un import").click()
    page.get_by_role("button", name="Lire le fichier").click()
    expect(page.get_by_text("Choisissez le fichier à importer.")).to_be_visible()
    if scripted:
        assert well_made(page) == {}
    page.set_input_files("input[type=file]", path)
    page.get_by_label("Non, ou on ne le sait pas").check()
    expect(page.get_by_label("D’où le sait-on?")).to_be_hidden()
    page.get_by_label("elles publient elles-mêmes").check()
    # Seen in bold, and said to those who do not see it.
    expect(page.get_by_text("D’où le sait-on?")).to_have_css("font-weight", "700")
    expect(page.get_by_label("D’où le sait-on?")).to_have_attribute("required", "")
    page.get_by_role("button", name="Lire le fichier").click()
    expect(page.get_by_text("la loi veut une preuve")).to_be_visible()
    expect(page.get_by_text("« liste.csv » est gardé")).to_be_visible()
    if scripted:
        assert well_made(page) == {}
    page.get_by_label("D’où le sait-on?").fill("Site de chacune")
    page.get_by_role("button", name="Lire le fichier").click()

    assert page.get_by_label("Organisme").input_value() == "name"
    if scripted:
        assert well_made(page) == {}
    page.get_by_label("Forme juridique").select_option("npo")
    page.get_by_role("button", name="Voir ce qui changerait").click()

    expect(page.get_by_role("heading", name="À corriger", exact=True)).to_be_visible()
    page.locator("section.row summary").first.click()
    said = page.locator("[aria-invalid]").first
    error = page.locator(f"[id='{said.get_attribute('aria-describedby')}']")
    expect(error).to_be_visible()
    assert drafts.count() == before
    tabs = page.locator(".tabs a")
    for number in range(tabs.count()):
        tabs.nth(number).click()
        if scripted:
            assert well_made(page) == {}
    page.locator("#import_apply button").click()
    made = ImportBatch.objects.latest("pk").counts["created"]
    expect(page.get_by_text(f"{made} lignes enregistrées")).to_be_visible()
    assert drafts.count() == before + made

    # The basket: a city for all its rows at once, then a telephone.
    page.locator(".places").get_by_label("Chicoutimi-Nord").fill("Saguenay")
    page.get_by_role("button", name="Enregistrer ces réponses").click()
    page.locator(".tabs").get_by_text("à corriger").click()
    row = page.locator("section.row", has_text="Un téléphone compte dix chiffres").first
    row.locator("summary").first.click()
    row.get_by_label("Tél.").fill("450 555-8888")
    page.get_by_role("button", name="Réessayer").click()
    expect(page.get_by_text("1 ligne enregistrée")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    assert download.value.suggested_filename.endswith(".xlsx")

    page.get_by_role("link", name="Annuler cet import…").click()
    if scripted:
        assert well_made(page) == {}
    page.get_by_role("button", name="Annuler l’import").click()
    expect(page.get_by_text("Import annulé")).to_be_visible()
    assert drafts.count() == before
    if scripted:
        assert well_made(page) == {}


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_what_is_in_no_list_is_chosen_and_what_was_read_awry_is_proposed(
    window, scripted, tmp_path
):
    path = tmp_path / "liste.csv"
    rows = [
        {"Nom": "CafÃ© des Voisines", "Ville": "Longueuil", "Secteur": "alimentation"},
        {"Nom": "Coop Alpha", "Ville": "Brossard", "Secteur": "alimentation ; zigonnage"},
    ]
    rows[0]["Remarques"] = str(scripted)  # a file given twice is one import
    path.write_bytes(as_csv(rows))
    page = window(signed_in=True, scripted=scripted)
    page.goto("/admin/directory/importbatch/add/")
    page.set_input_files("input[type=file]", path)
    page.get_by_label("Non, ou on ne le sait pas").check()
    page.get_by_role("button", name="Lire le fichier").click()
    page.get_by_role("button", name="Voir ce qui changerait").click()

    awry = page.locator("section.row", has_text="CafÃ© des Voisines")
    expect(awry.get_by_label("Nom", exact=True)).to_have_value("Café des Voisines")
    unknown = page.locator("section.row", has_text="Coop Alpha")
    unknown.locator("summary").first.click()
    for row in (awry, unknown):
        row.get_by_label("Forme juridique").select_option(str(Enterprise.LegalForm.NPO.label))
    wrong = unknown.get_by_label("Secteur, choix 2")
    expect(wrong.locator("option").first).to_have_text("«\xa0zigonnage\xa0», à remplacer")
    if scripted:
        assert well_made(page) == {}
    wrong.focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Enregistrer et revoir").click()
    expect(page.get_by_role("button", name="Importer 2 fiches")).to_be_visible()
