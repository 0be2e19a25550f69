"""Pages: R1 to R7, R9 to R12, R16."""

import random
import re
import statistics
import threading
import time
from contextlib import contextmanager
from html import unescape
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from directory import search, state
from directory.conditions import starting_point
from directory.criteria import LAST_PAGE
from directory.pages import Page
from tests.bench import urls
from tests.bench.measuring import (
    Caller,
    milliseconds,
    sql_clock,
    steady_runs,
    summary,
    worst,
)
from tests.factories import UserFactory

pytestmark = [pytest.mark.bench, pytest.mark.urls("tests.bench.urls")]


def frequency(word):
    """Share of the listings that a word finds; 0 for one that synonyms would widen."""
    current = state.current()
    query = search.widen(search.parse(word), current.labels.synonyms)
    if not query or query.groups[0].widened:
        return 0
    asked = search.tsquery(query)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM directory_listing WHERE search @@ ({asked.sql})", asked.params
        )
        return cursor.fetchone()[0] / current.whole.total


def word_nearest(share):
    """The word of the directory whose frequency is closest to `share`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.directory_take_words()::json")
        words = [word.lower() for word, occurrences in cursor.fetchone()[0] if occurrences > 20]
    words = random.Random(1).sample(sorted(set(words)), 400)
    return min(words, key=lambda word: abs(frequency(word) - share))


HAND_WRITTEN = """
WITH found AS MATERIALIZED (
    SELECT enterprise_id, facets, statuses, statuses_until, recognised_on, recognised_until,
        confirmed_on, position, ts_rank('{{0, 0.15, 0.45, 1.0}}', keywords, q, 1) AS rank
    FROM directory_listing, plainto_tsquery({configuration}, %(word)s) q WHERE search @@ q
)
SELECT json_build_object(
    'total', (SELECT count(*) FROM found),
    'rows', (SELECT json_agg(json_build_object(
            'card', l.card, 'statuses', l.statuses, 'until', l.statuses_until,
            'recognised_on', l.recognised_on, 'recognised_until', l.recognised_until,
            'confirmed_on', l.confirmed_on) ORDER BY p.place)
        FROM (SELECT enterprise_id, row_number() OVER () AS place FROM (
            SELECT enterprise_id FROM found
            ORDER BY rank DESC, position < %(start)s, position LIMIT 20) o) p
        JOIN directory_listing l USING (enterprise_id)),
    'facets', (SELECT json_object_agg(code, n) FROM (
        SELECT code, count(*) AS n FROM (SELECT unnest(facets) AS code FROM found) b
        GROUP BY code) c),
    'statuses', (SELECT json_object_agg(status, n) FROM (
        SELECT status, count(*) AS n FROM found, unnest(statuses, statuses_until) s (status, until)
        WHERE statuses <> '{{}}' AND until >= %(today)s GROUP BY status) c),
    'recognised', (SELECT count(*) FROM found
        WHERE %(today)s BETWEEN recognised_on AND recognised_until),
    'confirmed', (SELECT count(*) FROM found
        WHERE confirmed_on >= %(today)s::date - interval '12 months'))
"""


def hand_written(word):
    current = state.current()
    with connection.cursor() as cursor:
        cursor.execute(
            HAND_WRITTEN.format(configuration=search.CONFIGURATION),
            {
                "word": search.normalise(word),
                "start": starting_point(current.today),
                "today": current.today,
            },
        )
        return cursor.fetchone()[0]


@contextmanager
def caught(method, replacement):
    original = getattr(Page, method)
    setattr(Page, method, replacement(original))
    try:
        yield
    finally:
        setattr(Page, method, original)


def catch_context(call, name, path):
    """Keep the context with which the list is rendered, for its floor."""

    def keeping(original):
        def context(page):
            urls.CONTEXTS[name] = original(page)
            return urls.CONTEXTS[name]

        return context

    with caught("context", keeping):
        call(path)


def without_facets(call, path):
    """The same page that counts nothing by facet and shows none."""
    with (
        caught("drawn_facets", lambda original: lambda page: " "),
        caught("flags", lambda original: lambda page: []),
    ):
        return call(path)


@pytest.fixture(scope="module")
def words(directory_of_rows):
    """A word that 1 % of the listings hold, and one that 9 % do."""
    return word_nearest(0.01), word_nearest(0.09)


def page_of(word):
    return f"/entreprises/?q={quote(word)}"


def test_ratios_of_pages(call, words, report):
    rare, common = words
    page_1, page_9, browse = page_of(rare), page_of(common), "/entreprises/"
    last = f"{browse}?page={LAST_PAGE}"
    catch_context(call, "rare", page_1)
    catch_context(call, "common", page_9)
    etag = call(page_1)[0].headers["ETag"]
    signed_in = Caller(f"{django_settings.SESSION_COOKIE_NAME}={session()}")

    def sql_of(work):
        def seconds():
            with sql_clock() as clock:
                work()
            return clock.seconds

        return seconds

    variants = {
        "hello": lambda: call("/bench/hello/"),
        "hello again": lambda: call("/bench/hello/"),
        "floor 1 %": lambda: call("/bench/floor/rare/"),
        "floor 9 %": lambda: call("/bench/floor/common/"),
        "page 1 %": lambda: call(page_1),
        "page 9 %": lambda: call(page_9),
        "sql 1 %": sql_of(lambda: call(page_1)),
        "sql by hand": sql_of(lambda: hand_written(rare)),
        "304": lambda: call(page_1, expected=304, HTTP_IF_NONE_MATCH=etag),
        "browse": lambda: call(browse),
        "browse without facets": lambda: without_facets(call, browse),
        "last page": lambda: call(last),
        "signed in": lambda: signed_in(page_1),
    }
    runs = steady_runs(variants)
    for name, over, under in (
        ("R1", "page 1 %", "floor 1 %"),
        ("R2", "page 9 %", "floor 9 %"),
        ("R3", "page 1 %", "hello"),
        ("R4", "sql 1 %", "sql by hand"),
        ("R5", "304", "page 1 %"),
        ("R6", "browse", "browse without facets"),
        ("R7", "last page", "browse"),
        ("R10", "signed in", "page 1 %"),
    ):
        report[name] = worst(runs, over, under)
    spreads = [
        statistics.quantiles(times["page 1 %"], n=20)[-1] / statistics.median(times["page 1 %"])
        for times in runs
    ]
    report["R11"] = {"median": round(max(spreads), 3)}
    report["words"] = {word: round(frequency(word), 4) for word in words}
    report["milliseconds"] = milliseconds(runs[-1])


def session():
    client = Client()
    client.force_login(UserFactory(email="banc@exemple.test"))
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def queries(count=500):
    """What buyers ask, drawn at random but the same each time: words of the directory, frequent
    ones too, two or ten of them, phrases, exclusions, filters, places."""
    dice = random.Random(8)
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.directory_take_words()::json")
        frequent = [word.lower() for word, _ in cursor.fetchone()[0]][:2_000]
    labels = state.current().labels
    sectors = [label.key for label in labels.of(1)]
    cities = [label.key for label in labels.of(4)][:200]

    def word():
        # As people do: the frequent ones more often.
        return frequent[int(len(frequent) * dice.random() ** 2)]

    kinds = [
        lambda: f"q={quote(word())}",
        lambda: f"q={quote(word() + ' ' + word())}",
        lambda: f"q={quote(' ou '.join(dice.sample(frequent[:60], 10)))}",
        lambda: "q=" + quote(f'"{word()}" -{word()}'),
        lambda: f"secteur={dice.choice(sectors)}",
        lambda: f"ville={dice.choice(cities)}&q={quote(word())}",
        lambda: f"secteur={dice.choice(sectors)}&forme=npo&region=monteregie",
        lambda: f"pres={dice.choice(cities)}&rayon={dice.choice([5, 25, 100])}",
        lambda: f"dessert={dice.choice(cities)}&q={quote(word())}",
        lambda: f"q={quote(word())}&tri=nom&page={dice.randrange(1, 5)}",
    ]
    return [f"/entreprises/?{dice.choice(kinds)()}" for _ in range(count)]


def test_the_slowest_query_against_the_median_one(call, report):
    asked = queries()
    times = {}
    for path in asked:
        call(path)
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            call(path)
            seconds.append(time.perf_counter() - started)
        times[path] = min(seconds)
    slowest = max(times, key=times.get)
    report["R9"] = {"median": round(times[slowest] / statistics.median(times.values()), 2)}
    report["slowest query"] = {slowest: f"{times[slowest] * 1000:.0f} ms"}


TEXT = re.compile(rb"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)


def test_bytes_against_the_text_they_carry(words, report, client):
    page = client.get(page_of(words[0]), headers={"accept-encoding": ""}).content
    text = " ".join(unescape(TEXT.sub(b" ", page).decode()).split())
    report["R16"] = {"median": round(len(page) / len(text.encode()), 2)}
    report["bytes"] = {"page": len(page), "text": len(text.encode())}


# --- Under load


def test_four_clients_against_one(words, report, served):
    path = page_of(words[0])
    rates = {1: [], 4: []}
    for _ in range(6):
        for clients, found in rates.items():
            found.append(rate(served, path, clients))
    report["R12"] = summary([four / one for one, four in zip(rates[1], rates[4], strict=True)])
    report["pages a second"] = {n: round(statistics.median(found)) for n, found in rates.items()}


def rate(port, path, clients, seconds=3):
    """Pages a second that so many clients get, each asking as soon as it is answered."""
    done, until = [], time.perf_counter() + seconds

    def ask():
        http, count = HTTPConnection("127.0.0.1", port), 0
        while time.perf_counter() < until:
            http.request("GET", path, headers={"Accept-Encoding": "gzip"})
            response = http.getresponse()
            response.read()
            assert response.status == 200
            count += 1
        http.close()
        done.append(count)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == clients
    return sum(done) / seconds
