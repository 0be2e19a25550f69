"""The client that reads pages as a strict browser: what it passes by holds nothing to find."""

import pytest

from tests.client import InlineFinder, inline_code
from tests.hostile.corpus import LINKS, MARKUP

PLACES = ["{}", "<p>{}</p>", '<a href="{}">', "<a href='{}'>", "<input value={}>"]
HARMFUL = [
    '<script data-x=" src=">alert(1)</script>',
    "<SCRIPT>alert(1)</SCRIPT>",
    '<script type="module">alert(1)</script>',
    '<p on:click="x">',
    "<p on-x=1>",
    "<p style>",
    '<a href="java&#115;cript:alert(1)">',
]


@pytest.mark.parametrize("text", [*MARKUP, *LINKS, *HARMFUL], ids=ascii)
def test_all_that_a_parser_finds_is_looked_for(text):
    for place in PLACES:
        html = place.format(text)
        finder = InlineFinder()
        finder.feed(html)
        finder.close()
        assert inline_code(html) == finder.found


@pytest.mark.parametrize("html", HARMFUL)
def test_what_a_policy_would_refuse_is_found(html):
    assert inline_code(html)


def test_a_page_of_ours_is_passed_by():
    page = '<script src="/static/site.js" defer></script><p class="on">C&#x27;est écrit</p>'
    assert inline_code(page) == []
