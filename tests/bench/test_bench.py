"""Response times as ratios, measured side by side: `make bench`, never in the ordinary suite.

In process, one connection, no network. Every variant is called once a round, in an order drawn
anew; a ratio is taken within a round, and what is published is the median over the rounds of the
worst of three runs. A run whose control (the same page twice) strays is thrown away.
"""

import gc
import json
import os
import random
import statistics
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection
from django.test import Client

from directory import results, search, state
from directory.results import starting_point
from directory.views.search import Page
from tests.bench import urls

ROWS = int(os.environ.get("ROWS", "12000"))
ROUNDS = 60
RUNS = 3
TARGETS = {
    "R1": (1.8, "search page, word on 1 % of listings / same template on ready dictionaries"),
    "R2": (3.0, "search page, word on 9 % of listings / same template on ready dictionaries"),
    "R4": (1.3, "SQL of the 1 % page / best hand-written statement for it"),
    "R5": (0.15, "304 / 200, the 1 % page"),
    "R6": (1.3, "first page of the whole directory, with facets / without"),
    "R7": (1.2, "last reachable page of the whole directory / first"),
}

pytestmark = [pytest.mark.bench, pytest.mark.urls("tests.bench.urls")]


class Caller:
    """Calls an address through the whole stack of middlewares, as a server would."""

    def __init__(self):
        self.handler = WSGIHandler()
        self.client = Client()

    def environ(self, path, **headers):
        path, _, query = path.partition("?")
        request = self.client._base_environ(
            PATH_INFO=path, QUERY_STRING=query, HTTP_ACCEPT_ENCODING="gzip", **headers
        )
        return request | {"SERVER_NAME": "localhost"}

    def __call__(self, path, expected=200, **headers):
        response = self.handler(self.environ(path, **headers), lambda *args: None)
        body = b"".join(response)
        # Not closed: a closed response gives the connection back, as a server's worker does not.
        assert response.status_code == expected, (path, response.status_code)
        return response, body


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
        confirmed_on, position, card,
        ts_rank('{{0, 0.15, 0.45, 1.0}}', keywords, q, 1) AS rank
    FROM directory_listing, plainto_tsquery({configuration}, %(word)s) q WHERE search @@ q
)
SELECT json_build_object(
    'total', (SELECT count(*) FROM found),
    'rows', (SELECT json_agg(json_build_object(
            'card', card, 'statuses', statuses, 'until', statuses_until,
            'recognised_on', recognised_on, 'recognised_until', recognised_until,
            'confirmed_on', confirmed_on))
        FROM (SELECT * FROM found ORDER BY rank DESC, position < %(start)s, position LIMIT 20) p),
    'facets', (SELECT json_object_agg(code, n) FROM (
        SELECT code, count(*) AS n FROM found, unnest(facets) code GROUP BY code) c),
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


class SqlClock:
    """Adds up the time spent in the database."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self, execute, sql, params, many, context):
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - started


def measure(variants):
    """Seconds of each variant in each round."""
    times = {name: [] for name in variants}
    names = list(variants)
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            random.shuffle(names)
            for name in names:
                started = time.perf_counter()
                own = variants[name]()
                elapsed = time.perf_counter() - started
                times[name].append(own if isinstance(own, float) else elapsed)
    finally:
        gc.enable()
    return times


def ratio(times, over, under):
    per_round = [a / b for a, b in zip(times[over], times[under], strict=True)]
    q1, median, q3 = statistics.quantiles(per_round, n=4)
    deciles = statistics.quantiles(per_round, n=10)
    return {
        "median": round(median, 3),
        "q1": round(q1, 3),
        "q3": round(q3, 3),
        "p10": round(deciles[0], 3),
        "p90": round(deciles[-1], 3),
    }


@pytest.fixture
def directory_of_rows(transactional_db, reference):
    call_command("generate_enterprises", str(ROWS), verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def test_the_ratios(directory_of_rows, settings):
    settings.ALLOWED_HOSTS = ["*"]
    call = Caller()
    rare, common = word_nearest(0.01), word_nearest(0.09)
    shares = {word: frequency(word) for word in (rare, common)}
    page_1, page_9, browse = (
        f"/entreprises/?q={quote(rare)}",
        f"/entreprises/?q={quote(common)}",
        "/entreprises/",
    )
    last = f"/entreprises/?page={results.LAST_PAGE}"
    catch_context(call, "rare", page_1)
    catch_context(call, "common", page_9)
    etag = call(page_1)[0].headers["ETag"]

    def sql_of(path):
        def run():
            clock = SqlClock()
            with connection.execute_wrapper(clock):
                call(path)
            return clock.seconds

        return run

    def hand():
        clock = SqlClock()
        with connection.execute_wrapper(clock):
            hand_written(rare)
        return clock.seconds

    variants = {
        "hello": lambda: call("/bench/hello/"),
        "hello again": lambda: call("/bench/hello/"),
        "floor 1 %": lambda: call("/bench/floor/rare/"),
        "floor 9 %": lambda: call("/bench/floor/common/"),
        "page 1 %": lambda: call(page_1),
        "page 9 %": lambda: call(page_9),
        "sql 1 %": sql_of(page_1),
        "sql by hand": hand,
        "304": lambda: call(page_1, expected=304, HTTP_IF_NONE_MATCH=etag),
        "browse": lambda: call(browse),
        "browse without facets": lambda: without_facets(call, browse),
        "last page": lambda: call(last),
    }
    for warm in variants.values():
        warm()

    runs = []
    for _ in range(RUNS * 3):
        times = measure(variants)
        control = ratio(times, "hello again", "hello")["median"]
        if 0.9 <= control <= 1.1:
            runs.append(
                {
                    "R1": ratio(times, "page 1 %", "floor 1 %"),
                    "R2": ratio(times, "page 9 %", "floor 9 %"),
                    "R4": ratio(times, "sql 1 %", "sql by hand"),
                    "R5": ratio(times, "304", "page 1 %"),
                    "R6": ratio(times, "browse", "browse without facets"),
                    "R7": ratio(times, "last page", "browse"),
                    "milliseconds": {
                        name: round(statistics.median(seconds) * 1000, 2)
                        for name, seconds in times.items()
                    },
                }
            )
        if len(runs) == RUNS:
            break
    assert len(runs) == RUNS, "the machine is too busy: the control strayed too often"

    worst = {name: max((run[name] for run in runs), key=lambda r: r["median"]) for name in TARGETS}
    report = {
        "rows": ROWS,
        "words": {word: round(share, 4) for word, share in shares.items()},
        **worst,
        "milliseconds_of_last_run": runs[-1]["milliseconds"],
    }
    show(report)
    path = settings.DATA_DIR / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2))


def show(report):
    words = ", ".join(f"« {word} » {share:.2%}" for word, share in report["words"].items())
    print(f"\n{report['rows']} enterprises; {words}\n")
    print(f"{'':4}{'median':>8}{'q1':>8}{'q3':>8}{'target':>9}")
    for name, (target, what) in TARGETS.items():
        figure = report[name]
        verdict = "met" if figure["median"] <= target else "NOT MET"
        print(
            f"{name:4}{figure['median']:8.2f}{figure['q1']:8.2f}{figure['q3']:8.2f}"
            f"{f'≤ {target}':>9}  {verdict:8} {what}"
        )
    print("\nMilliseconds of the last run, for scale only:")
    for name, milliseconds in report["milliseconds_of_last_run"].items():
        print(f"  {name:24}{milliseconds:8.2f}")
