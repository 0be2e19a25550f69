"""A client that reads every page it gets as a strict browser and a careful eye would."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote_plus

from django.db import connection
from django.test import Client

# A script element of these types is data, which no policy forbids.
DATA = {"application/json", "application/ld+json"}

# What anything that the finder finds holds; most pages hold none of it, and need no parser.
SUSPECT = re.compile(
    r"""<style|[\s/"']style[\s=/>]|[\s/"']on\S|<script(?!(?:\ [\w-]+(?:="[^"<>]*")?)*?\ src=")"""
    r"""|(?:javascript|data):|&\#(?!x27;)|&(?:Tab|NewLine|colon)""",
    re.IGNORECASE,
)


class InlineFinder(HTMLParser):
    """Collects what the Content-Security-Policy would refuse to run or apply."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        where = f"<{tag}> line {self.getpos()[0]}"
        self.found += [f"{name}= on {where}" for name in attributes if name.startswith("on")]
        if "style" in attributes:
            self.found.append(f"style= on {where}")
        if tag == "style":
            self.found.append(where)
        if tag == "script" and "src" not in attributes and attributes.get("type") not in DATA:
            self.found.append(f"{where} without src")
        for name in ("href", "src", "action", "formaction"):
            if (attributes.get(name) or "").strip().lower().startswith(("javascript:", "data:")):
                self.found.append(f"{name}={attributes[name]} on {where}")


def inline_code(html):
    if not SUSPECT.search(html):
        return []
    finder = InlineFinder()
    finder.feed(html)
    finder.close()
    return finder.found


def assert_clean(response):
    """No template tag left unrendered, nothing that the policy of the site would block."""
    if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
        return
    html = response.content.decode()
    asked = unquote_plus(response.request.get("QUERY_STRING", ""))
    for mark in ("{{", "{%", "%}"):
        # A page may show again what was typed in its search box.
        assert mark in asked or mark not in html, (
            f"{mark} is left in {response.request['PATH_INFO']}"
        )
    found = inline_code(html)
    assert not found, f"{response.request['PATH_INFO']}: {found}"


class StrictClient(Client):
    def request(self, **request):
        if connection.in_atomic_block:
            # What a commit does and this test never will: move the version of the data.
            connection.check_constraints()
        response = super().request(**request)
        if not response.headers.get("Content-Encoding"):
            assert_clean(response)
        return response
