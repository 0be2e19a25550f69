"""Growth: the same pages at 12,000 listings and at a million. Only where ROWS says so: it takes
some minutes and six gigabytes.

The exponent of a page is ln(t₂ / t₁) / ln(n₂ / n₁): 0 where it takes as long, 1 where twice the
rows take twice the time. Times are divided by those of a page that says hello, taken in the same
rounds: the machine may have changed its pace between the two sizes.
"""

import math
import statistics
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from directory import state
from directory.conditions import PLANNED
from directory.criteria import LAST_PAGE
from directory.models import Listing
from tests.bench import volume
from tests.bench.conftest import ROWS
from tests.bench.measuring import milliseconds, steady_runs, worst
from tests.bench.test_pages import without_facets, word_nearest

pytestmark = [
    pytest.mark.bench,
    pytest.mark.urls("tests.bench.urls"),
    pytest.mark.skipif(ROWS <= volume.GENERATED, reason="ROWS asks for no more than Québec has"),
]


def pages():
    """Kind → name → address."""
    rare, common = word_nearest(0.01), word_nearest(0.09)
    path = "/entreprises/"
    return {
        "browse": {"browse": path, "browse by name": f"{path}?tri=nom"},
        "filtered": {
            "sector": f"{path}?secteur=alimentation",
            "city": f"{path}?ville=montreal",
            "sector and region": f"{path}?secteur=alimentation&region=monteregie",
            "three filters": f"{path}?secteur=alimentation&region=monteregie&forme=npo",
            "status": f"{path}?statut=entreprise-adaptee",
            "recognised": f"{path}?reconnue=1",
            "served": f"{path}?dessert=longueuil",
            "near": f"{path}?pres=longueuil&rayon=25",
            "sector by name": f"{path}?secteur=alimentation&tri=nom&page=5",
        },
        "text": {
            "1 % word": f"{path}?q={quote(rare)}",
            "9 % word": f"{path}?q={quote(common)}",
            "two words": f"{path}?q={quote(f'{rare} {common}')}",
            "widened word": f"{path}?q=traiteur",
            "word and city": f"{path}?q={quote(common)}&ville=montreal",
        },
    }


def test_growth(call, report):
    asked = {(kind, name): path for kind, group in pages().items() for name, path in group.items()}
    small = times_of(call, asked)
    sizes = [Listing.objects.count()]
    volume.multiply(ROWS)
    state.recount(timezone.localdate())
    state.forget()
    sizes.append(Listing.objects.count())
    large = times_of(call, asked)

    exponents = {
        key: math.log(large[key] / small[key]) / math.log(sizes[1] / sizes[0]) for key in asked
    }
    for kind in ("browse", "filtered", "text"):
        value = max(each for (other, _), each in exponents.items() if other == kind)
        report[f"R8 {kind}"] = {"median": round(value, 3)}
    report["growth, each page"] = {
        f"{kind}: {name}": {
            "exponent": round(exponents[kind, name], 3),
            "times the hello page": [round(small[kind, name], 1), round(large[kind, name], 1)],
        }
        for kind, name in asked
    }
    report["listings"] = sizes

    browse, last = "/entreprises/", f"/entreprises/?page={LAST_PAGE}"
    runs = steady_runs(
        {
            "hello": lambda: call("/bench/hello/"),
            "hello again": lambda: call("/bench/hello/"),
            "browse": lambda: call(browse),
            "browse without facets": lambda: without_facets(call, browse),
            "last page": lambda: call(last),
        }
    )
    # These hold at every size.
    report["R6 at the larger size"] = worst(runs, "browse", "browse without facets")
    report["R7 at the larger size"] = worst(runs, "last page", "browse")
    report["milliseconds at the larger size"] = milliseconds(runs[-1]) | {
        name: round(seconds * milliseconds(runs[-1])["hello"], 1)
        for (_, name), seconds in large.items()
    }
    write_plans(call, asked)


def times_of(call, asked):
    """Page → the median of its times, in times of the hello page."""
    variants = {
        "hello": lambda: call("/bench/hello/"),
        "hello again": lambda: call("/bench/hello/"),
    } | {key: (lambda path=path: call(path)) for key, path in asked.items()}
    runs = steady_runs(variants, rounds=40, runs=1)
    (times,) = runs
    hello = statistics.median(times["hello"])
    return {key: statistics.median(times[key]) / hello for key in asked}


def write_plans(call, asked):
    """The plan of each statement of each page, for who asks why it takes its time."""
    lines = []
    for (kind, name), path in asked.items():
        state.forget()
        statements = []

        def keep(execute, sql, params, many, context, statements=statements):
            statements.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(keep):
            call(path)
        lines.append(f"\n## {kind}: {name} ({path})\n")
        for sql, params in statements:
            sql = sql.removeprefix(PLANNED).lstrip()
            if not sql.startswith(("SELECT", "WITH")):
                continue
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan = off")
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
                lines += [row[0][:240] for row in cursor.fetchall()]
                cursor.execute("RESET enable_seqscan")
            lines.append("")
    (settings.DATA_DIR / "plans.txt").write_text("\n".join(lines))
