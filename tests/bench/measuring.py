"""Response times as ratios, measured side by side.

In process, one connection, no network. Every variant is called once a round, in an order drawn
anew; a ratio is taken within a round, and what is published is the median over the rounds of the
worst of three runs. A run whose control (the same page twice) strays is thrown away.
"""

import gc
import random
import statistics
import time
from contextlib import contextmanager

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client

ROUNDS = 60
RUNS = 3
#: How far the control may stray.
STEADY = (0.9, 1.1)


class Caller:
    """Calls an address through the whole stack of middlewares, as a server would."""

    def __init__(self, cookies=""):
        self.handler = WSGIHandler()
        self.client = Client()
        self.cookies = {"HTTP_COOKIE": cookies} if cookies else {}

    def environ(self, path, **headers):
        path, _, query = path.partition("?")
        request = self.client._base_environ(
            PATH_INFO=path,
            QUERY_STRING=query,
            HTTP_ACCEPT_ENCODING="gzip",
            **self.cookies,
            **headers,
        )
        return request | {"SERVER_NAME": "localhost"}

    def __call__(self, path, expected=200, **headers):
        response = self.handler(self.environ(path, **headers), lambda *args: None)
        body = b"".join(response)
        # Not closed: a closed response gives the connection back, as a server's worker does not.
        assert response.status_code == expected, (path, response.status_code)
        return response, body


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


@contextmanager
def sql_clock():
    clock = SqlClock()
    with connection.execute_wrapper(clock):
        yield clock


def measure(variants, rounds=ROUNDS):
    """Seconds of each variant in each round; a variant may give its own."""
    for warm in variants.values():
        warm()
    times = {name: [] for name in variants}
    names = list(variants)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            random.shuffle(names)
            for name in names:
                started = time.perf_counter()
                own = variants[name]()
                elapsed = time.perf_counter() - started
                times[name].append(own if isinstance(own, float) else elapsed)
    finally:
        gc.enable()
    return times


def steady_runs(variants, rounds=ROUNDS, runs=RUNS):
    """The times of as many runs as asked whose control, "hello" twice, did not stray."""
    kept = []
    for _ in range(runs * 3):
        times = measure(variants, rounds)
        control = ratio(times, "hello again", "hello")["median"]
        if STEADY[0] <= control <= STEADY[1]:
            kept.append(times)
        if len(kept) == runs:
            return kept
    raise AssertionError("the machine is too busy: the control strayed too often")


def ratio(times, over, under):
    return summary([a / b for a, b in zip(times[over], times[under], strict=True)])


def worst(runs, over, under):
    """The ratio of the run where it is highest."""
    return max((ratio(times, over, under) for times in runs), key=lambda found: found["median"])


def summary(values):
    q1, median, q3 = statistics.quantiles(values, n=4)
    deciles = statistics.quantiles(values, n=10)
    return {
        "median": round(median, 3),
        "q1": round(q1, 3),
        "q3": round(q3, 3),
        "p10": round(deciles[0], 3),
        "p90": round(deciles[-1], 3),
    }


def milliseconds(times):
    return {name: round(statistics.median(each) * 1000, 2) for name, each in times.items()}
