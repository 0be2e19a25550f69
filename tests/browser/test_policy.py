"""A crawl: nothing refused by the content policy, nothing wrong in the console, nobody followed."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.browser.conftest import PUBLIC, STATUS

pytestmark = pytest.mark.browser

REPORTS = """document.addEventListener('securitypolicyviolation',
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)
)"""


def local_links(page):
    return page.evaluate("""() => [...document.querySelectorAll('a[href]')]
        .filter(({ origin }) => origin === location.origin)
        .map(({ pathname, search }) => pathname + search)""")


def shape(address):
    """Addresses of the same shape are answered by the same code: one of each is enough."""
    parts = urlsplit(address)
    folders = parts.path.split("/")
    name = "/".join([*folders[:2], *["x"] * (len(folders) - 2)])
    return name, tuple(sorted({pair.split("=")[0] for pair in parts.query.split("&")}))


def test_public_pages_and_all_they_lead_to_are_silent(window, site):
    page = window(fresh=True)
    page.add_init_script(REPORTS)
    seen, waiting, status = set(), list(PUBLIC.items()), {}
    while waiting:
        name, address = waiting.pop(0)
        kind = shape(address)
        if name == "" and (kind in seen or len(seen) > 30):
            continue
        seen.add(kind)
        if name == "sign-up":
            assert page.context.cookies() == []
        status[address] = page.goto(address).status
        assert status[address] == STATUS.get(name, 200), address
        if name not in {"sign-up", "sign-in"}:
            # What asks who one is leads to the sign-in page.
            asks = re.compile(r"/compte/|.*/reclamer/")
            waiting += [("", link) for link in local_links(page) if not asks.match(link)]
    assert len(seen) > 15
    assert {urlsplit(request.url).netloc for request in page.requested} == {
        urlsplit(site.url).netloc
    }
    # The two pages of accounts, opened last, alone set one: that of their forms.
    assert {cookie["name"] for cookie in page.context.cookies()} == {settings.CSRF_COOKIE_NAME}


def test_the_pages_of_the_administration_are_silent(window):
    page = window(signed_in=True)
    page.add_init_script(REPORTS)
    page.goto("/admin/")
    tables = [link for link in local_links(page) if link.count("/") == 4 and "password" not in link]
    assert len(tables) > 15
    for address in dict.fromkeys(tables):
        assert page.goto(address).status == 200, address


def test_a_violation_would_be_heard(window):
    page = window()
    page.add_init_script(REPORTS)
    page.goto("/")
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.run = true';
        document.body.append(script);
    }""")
    assert not page.evaluate("window.run")
    assert any("policy: script-src" in line for line in window.complaints)
    window.complaints.clear()


@pytest.mark.parametrize("address", ["/", "/entreprises/?q=traiteur", "/entreprises/riche/"])
def test_an_anonymous_reader_is_given_nothing_to_keep(address, window, site):
    page = window(fresh=True)
    answers = []
    page.on("response", lambda response: answers.append(response))
    page.goto(address)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length") == 0
    assert not [answer.url for answer in answers if answer.header_value("set-cookie")]
    assert all(answer.url.startswith(site.url) for answer in answers)
