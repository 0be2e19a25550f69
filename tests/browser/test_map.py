"""The map in a real browser: with a mouse, with keys alone, on a phone, and without JavaScript."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import expect

from config.settings import tile_sources
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import found_by_axe
from tests.browser.test_policy import REPORTS

pytestmark = pytest.mark.browser

SPOTS = ".spot button"
ONE = "?q=%22Riche+en+tout%22"  # a search that finds one enterprise


def open_map(page, query=""):
    page.goto(f"/entreprises/carte/{query}")
    expect(page.locator("#carte-etat")).to_contain_text("sur cette partie de la carte")


def counted(page):
    names = page.locator(SPOTS).evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    numbers = [re.match(r"(\d+) entreprises", name) for name in names]
    return sum(int(number[1]) if number else 1 for number in numbers)


def press(page, action):
    """Do what moves the map, and wait for its cells."""
    with page.expect_response(lambda answer: "carte.json" in answer.url):
        action()


def until_alone(page):
    """Closer and closer on the first cluster, until there is an enterprise alone."""
    for _ in range(8):
        if page.locator(".pin").count():
            return
        press(page, page.locator(".cluster").first.click)
        page.wait_for_timeout(100)


def test_the_map_counts_what_the_list_finds(window):
    page = window()
    page.add_init_script(REPORTS)
    open_map(page, "?secteur=alimentation")
    total = int(re.match(r"\d+", page.locator("#titre").inner_text())[0])
    assert counted(page) == total > 10
    first = page.locator(".cluster").first
    assert re.fullmatch(r"\d+ entreprises près de .+, agrandir", first.get_attribute("aria-label"))


def test_a_cluster_brings_closer_and_an_enterprise_leads_to_its_profile(window):
    page = window()
    page.add_init_script(REPORTS)
    open_map(page, "?secteur=alimentation")
    until_alone(page)
    pin = page.locator(".pin").first
    name = pin.get_attribute("aria-label").rsplit(", ", 1)[0]
    pin.click()
    link = page.locator(".leaflet-popup a[href^='/entreprises/']")
    assert link.inner_text() == name.removesuffix("…") or name.endswith("…")
    link.click()
    page.wait_for_url(re.compile(r"/entreprises/[a-z0-9-]+/$"))
    back = page.get_by_role("link", name="Retour aux résultats")
    back.click()
    page.wait_for_url("**/entreprises/carte/?secteur=alimentation")


def test_filters_follow_from_the_list_to_the_map_and_back(window):
    page = window()
    page.goto("/entreprises/?secteur=alimentation")
    titles = [page.locator("#titre").inner_text()]
    looks = page.get_by_role("navigation", name="Affichage")
    looks.get_by_role("link", name="Carte").click()
    page.wait_for_url("**/entreprises/carte/?secteur=alimentation")
    titles.append(page.locator("#titre").inner_text())
    looks.get_by_role("link", name="Liste").click()
    page.wait_for_url("**/entreprises/?secteur=alimentation")
    titles.append(page.locator("#titre").inner_text())
    assert len(set(titles)) == 1


def test_a_filter_changes_the_map_in_place(window):
    page = window()
    open_map(page)
    before, loaded = counted(page), page.evaluate("performance.timeOrigin")
    press(page, page.locator("#f-secteur-arts-culture-medias").click)
    page.wait_for_url("**/entreprises/carte/?secteur=arts-culture-medias")
    total = int(re.match(r"\d+", page.locator("#titre").inner_text())[0])
    expect(page.locator("#carte-etat")).to_contain_text(f": {total}".replace(": ", "\xa0: "))
    assert page.evaluate("performance.timeOrigin") == loaded
    assert counted(page) == total < before


def test_the_zone_looked_at_is_searched_and_is_an_address(window):
    page = window()
    open_map(page)
    here = page.get_by_role("button", name="Chercher dans cette zone")
    expect(here).to_be_hidden()
    press(page, page.locator(".cluster").first.click)
    expect(here).to_be_visible()
    press(page, here.click)
    page.wait_for_url("**/entreprises/carte/?boite=*")
    total = page.locator("#titre").inner_text()
    assert 0 < int(re.match(r"\d+", total)[0]) < 300
    assert page.locator(".chips a").first.inner_text() == "Zone de la carte"
    expect(here).to_be_hidden()
    plain = window(scripted=False)
    for path in ("/entreprises/carte/", "/entreprises/"):
        plain.goto(path + "?" + urlsplit(page.url).query)
        assert plain.locator("#titre").inner_text() == total


def test_enterprises_of_one_position_open_as_a_list(window):
    page = window()
    open_map(page)
    for _ in range(8):
        lists = page.locator(f"{SPOTS}[aria-label$='voir les noms']")
        if lists.count():
            break
        press(page, page.locator(".cluster").first.click)
        page.wait_for_timeout(100)
    number = int(re.match(r"\d+", lists.first.get_attribute("aria-label"))[0])
    lists.first.click()
    links = page.locator(".leaflet-popup a[href^='/entreprises/']:not([href*='?'])")
    expect(links).to_have_count(min(number, 20))


def test_with_keys_alone_one_gets_to_a_profile_and_out_of_the_map(window):
    page = window()
    open_map(page, "?secteur=alimentation")
    until_alone(page)
    page.evaluate("document.getElementById('titre').focus()")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.pin')"):
            break
    shape = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert shape == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup a[href^='/entreprises/']")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".leaflet-popup")).to_have_count(0)
    assert page.evaluate("document.activeElement.matches('.pin')")
    for _ in range(220):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('.cards')"):
            break
    assert page.evaluate("!!document.activeElement.closest('.cards')")
    page.get_by_role("link", name="Passer la carte").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('.found > :not(.map)')")


def test_pressing_a_cluster_with_a_key_keeps_the_focus_on_the_map(window):
    page = window()
    open_map(page)
    page.locator(".cluster").first.focus()
    press(page, lambda: page.keyboard.press("Enter"))
    page.wait_for_timeout(200)
    assert page.evaluate("!!document.activeElement.closest('#carte')")


def test_a_card_shows_where_its_enterprise_is(window):
    page = window()
    open_map(page, ONE)
    expect(page.locator(".pin")).to_have_count(1)
    page.locator(".cards h2 a").first.focus()
    expect(page.locator(".pin.pointed")).to_have_count(1)


def test_a_place_and_its_circle_are_drawn(window):
    page = window()
    open_map(page, "?pres=longueuil&rayon=10")
    expect(page.locator("path.near")).to_have_count(2)
    expect(page.locator(".place.here")).to_have_text("Longueuil")
    circle, whole = (page.locator(name).first.bounding_box() for name in ("path.near", "#carte"))
    assert 0.5 * whole["height"] < circle["height"] <= whole["height"]


def test_without_javascript_the_list_is_there_and_no_empty_box(window):
    page = window(scripted=False)
    page.goto("/entreprises/carte/?secteur=alimentation")
    expect(page.get_by_text("La carte demande JavaScript")).to_be_visible()
    expect(page.locator("#carte")).to_be_hidden()
    expect(page.locator(".cards li")).to_have_count(20)
    page.locator("#f-ville-longueuil").check()
    page.get_by_role("button", name="Appliquer les filtres").click()
    page.wait_for_url("**/entreprises/carte/?*ville=longueuil*")


def test_what_fails_is_said_and_can_be_tried_again(window):
    page = window()
    open_map(page)
    page.route("**/carte.json*", lambda route: route.abort())
    page.get_by_role("button", name="Agrandir la carte").click()
    expect(page.locator("#carte-etat")).to_contain_text("n’a pas pu être mise à jour")
    page.unroute("**/carte.json*")
    page.get_by_role("button", name="Réessayer").click()
    expect(page.locator("#carte-etat")).to_contain_text("Entreprises sur cette partie")
    assert "ERR_FAILED" in window.complaints.pop()


def test_moves_that_follow_each_other_ask_once(window):
    page = window()
    open_map(page)
    page.wait_for_timeout(300)
    page.requested.clear()
    page.locator("#carte").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)
    asked = [request for request in page.requested if "carte.json" in request.url]
    assert 1 <= len(asked) <= 2


def test_a_name_that_is_code_is_text_in_a_popup(window):
    page = window()
    open_map(page, ONE)
    name = "<img src=x onerror=window.run=1>"
    page.route(
        "**/carte.json*",
        lambda route: route.fulfill(
            json={
                "total": 1,
                "about": False,
                "places": [{"name": name, "lat": 45.52, "lng": -73.43}],
                "cells": [
                    {"n": 1, "lat": 45.5, "lng": -73.43, "name": name, "city": name, "url": "/x/"}
                ],
            }
        ),
    )
    press(page, page.get_by_role("button", name="Réduire la carte").click)
    pin = page.locator(".pin[data-url='/x/']")
    expect(pin).to_have_count(1)
    pin.click()
    assert page.locator(".leaflet-popup a[href='/x/']").inner_text() == name
    assert not page.evaluate("window.run")
    expect(page.locator("#carte img")).to_have_count(0)


def test_nothing_is_asked_of_anyone_else(window, site):
    page = window(fresh=True)
    page.add_init_script(REPORTS)
    open_map(page)
    press(page, page.locator(".cluster").first.click)
    hosts = {urlsplit(request.url).netloc for request in page.requested}
    assert hosts == {urlsplit(site.url).netloc}
    assert page.context.cookies() == []
    assert "MRNF" in page.locator(".leaflet-control-attribution").inner_text()
    expect(page.get_by_role("link", name="CC BY 4.0")).to_be_visible()


def test_other_pages_do_not_load_it(window):
    page = window(fresh=True)
    page.goto("/entreprises/")
    assert not [request.url for request in page.requested if "leaflet" in request.url]


def test_borders_are_light_and_those_of_counties_come_closer(window):
    page = window(fresh=True)
    sizes = {}
    page.on(
        "response",
        lambda answer: sizes.update({answer.url: answer}) if "/geo/" in answer.url else None,
    )
    open_map(page, "?q=zut")
    page.wait_for_timeout(500)
    (regions,) = sizes
    assert "regions" in regions
    assert sizes[regions].request.sizes()["responseBodySize"] <= 60_000
    for _ in range(4):
        page.get_by_role("button", name="Agrandir la carte").click()
        page.wait_for_timeout(300)
    (counties,) = set(sizes) - {regions}
    assert sizes[counties].request.sizes()["responseBodySize"] <= 60_000
    expect(page.locator("path.land")).to_have_count(1)


def test_on_a_phone_the_page_scrolls_over_the_map_and_the_list_is_below(contexts, site, chromium):
    context = chromium.new_context(
        base_url=site.url, viewport=PHONE, has_touch=True, is_mobile=True, locale="fr-CA"
    )
    page = context.new_page()
    open_map(page)
    box = page.locator("#carte").bounding_box()
    assert 270 <= box["height"] <= PHONE["height"] * 0.6
    assert page.locator(".cards li").first.bounding_box()["y"] > box["y"] + box["height"]
    action = page.evaluate("getComputedStyle(document.getElementById('carte')).touchAction")
    assert action == "pan-x pan-y"
    expect(page.get_by_text("deux doigts")).to_be_visible()
    press(page, page.locator(".cluster").first.tap)
    context.close()


def test_a_wheel_scrolls_the_page_until_the_map_is_pressed(window):
    page = window()
    open_map(page)
    page.wait_for_timeout(300)
    box = page.locator("#carte").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] - 30)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(400)
    assert page.evaluate("scrollY") > 100
    box = page.locator("#carte").bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + box["height"] - 30)
    scrolled = page.evaluate("scrollY")
    press(page, lambda: page.mouse.wheel(0, -300))
    assert page.evaluate("scrollY") == scrolled


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_axe_finds_nothing_in_an_open_popup(size, window):
    page = window(size=size)
    open_map(page, ONE)
    page.locator(".pin").first.click()
    page.locator(".leaflet-popup").wait_for()
    assert found_by_axe(page) == {}


# --- Tiles


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fedccc59e70000000049454e44ae426082"
)


@pytest.fixture
def tiles():
    """A server of tiles, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Referer")))
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PIXEL)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png", asked
    server.shutdown()
    server.server_close()


def test_tiles_are_asked_for_where_a_server_is_set_with_the_origin_alone(window, site, tiles):
    url, asked = tiles
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    with override_settings(
        MAP_TILE_URL=url,
        MAP_TILE_ATTRIBUTION="© <b>Tuiles</b>",
        CONTENT_SECURITY_POLICY={
            "DIRECTIVES": policy | {"img-src": [*policy["img-src"], *tile_sources(url)]}
        },
    ):
        page = window(fresh=True)
        page.add_init_script(REPORTS)
        open_map(page, ONE)
        expect(page.locator(".leaflet-tile-loaded").first).to_be_attached()
        press(page, page.get_by_role("button", name="Réduire la carte").click)
        page.wait_for_timeout(300)
        assert "© <b>Tuiles</b>" in page.locator(".leaflet-control-attribution").inner_text()
    assert re.fullmatch(r"/\d+/\d+/\d+\.png", asked[0][0])
    assert {referrer for _path, referrer in asked} == {f"{site.url}/"}
