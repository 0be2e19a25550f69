"""What a page may weigh, so that it opens on a slow line: bytes, requests, elements."""

import gzip
from collections import defaultdict

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

KILOBYTE = 1_000
HTML = {"home": 8, "results": 14, "profile": 10}  # kB, compressed
ELEMENTS = {"home": 300, "results": 450, "profile": 300}
REQUESTS = {"home": 5, "results": 6, "profile": 6}
FIRST_VISIT, IMAGE, SCRIPTS = 60, 40, 30  # kB
ADDRESSES = {
    "home": "/",
    "results": "/entreprises/",
    "profile": "/entreprises/riche/",
}


@pytest.fixture
def visit(window):
    """Opens a page as a first visitor does; says what came, by kind, in bytes sent."""

    def visited(address):
        page = window(fresh=True)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        kinds, sizes, order = {}, defaultdict(int), []
        devtools.on("Network.requestWillBeSent", lambda event: order.append(event["requestId"]))
        devtools.on(
            "Network.responseReceived",
            lambda event: kinds.update({event["requestId"]: event["type"]}),
        )
        devtools.on(
            "Network.loadingFinished",
            lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
        )
        page.goto(address, wait_until="networkidle")
        page.sent = [(kinds[one], sizes[one]) for one in order]
        return page

    return visited


def weight(page, *kinds):
    return sum(size for kind, size in page.sent if not kinds or kind in kinds)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_first_visit_stays_within_its_budget(name, visit):
    page = visit(ADDRESSES[name])
    # The little drawing of the tab is asked for after the page, at the browser's leisure.
    images = [size for kind, size in page.sent if kind == "Image"]
    logo = max(images) if name == "profile" else 0
    assert weight(page, "Document") <= HTML[name] * KILOBYTE
    assert weight(page) - logo <= FIRST_VISIT * KILOBYTE
    assert logo <= IMAGE * KILOBYTE
    assert weight(page, "Script") <= SCRIPTS * KILOBYTE
    assert len(page.sent) <= REQUESTS[name], page.sent
    assert page.evaluate("document.querySelectorAll('*').length") <= ELEMENTS[name]


def test_a_first_visit_of_the_map_stays_bearable_on_a_phone(visit):
    """Leaflet is two thirds of it; the borders come last, after the cells."""
    page = visit("/entreprises/carte/")
    assert page.locator(".spot").count() > 5
    assert weight(page, "Document") <= HTML["results"] * KILOBYTE
    assert weight(page, "Script") <= 75 * KILOBYTE
    assert weight(page) <= 150 * KILOBYTE


def test_the_page_measured_is_a_full_one(visit):
    page = visit(ADDRESSES["results"])
    expect(page.locator(".cards li")).to_have_count(20)
    facets = page.locator(".facet").evaluate_all("(all) => all.map(({ id }) => id)")
    assert set(facets) >= {
        "f-secteur",
        "f-ville",
        "f-forme",
        "f-statut",
        "f-bienfait",
        "f-categorie",
        "f-lieu",
    }


def test_no_page_of_results_is_too_heavy(window):
    """Compressed here, as not every page is opened in a window."""
    page = window()
    page.goto("/")
    heaviest = {}
    addresses = [f"/entreprises/?page={number}" for number in range(1, 20)]
    addresses += [f"/entreprises/?q={word}" for word in ("repas", "service", "aide+OR+cours")]
    for address in addresses:
        html = page.request.get(address).text()
        heaviest[address] = len(gzip.compress(html.encode(), 6))
    assert max(heaviest.values()) <= HTML["results"] * KILOBYTE, heaviest


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_second_visit_asks_for_the_page_alone(name, visit):
    page = visit(ADDRESSES[name])
    again = []
    page.on("response", lambda response: again.append(response))
    page.goto(ADDRESSES[name], wait_until="networkidle")
    from_server = [
        response.url
        for response in again
        if not response.from_service_worker and response.request.timing["requestStart"] >= 0
    ]
    assert from_server[0].endswith(ADDRESSES[name])
    assert not [url for url in from_server[1:] if "favicon" not in url]
