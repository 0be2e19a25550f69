"""How a large directory answers a search that very many listings match: from a sample of them.

Up to fifty thousand listings every match is looked at, and every count is exact. Beyond, looking at
a hundred thousand matches would take a second, for counts nobody reads to the last digit. The
planner's own estimate then decides: few matches are all looked at; of many, those that come first
in the order of the day, whose share of the directory is known, as their positions were drawn at
random. What is counted among them is scaled up, and said to be approximate.
"""

import json
import math
from dataclasses import dataclass

from django.db import connection

from directory.search import Statement

#: Matches that are all looked at; of more, about how many are.
ALL_UP_TO = 5_000
SAMPLE = 2_000
#: Of what only counts for other values than those chosen.
SAMPLE_OF_MISSES = 1_000
#: Up to this share of the directory, to read it whole in the neutral order and look at each listing
#: is quicker than to find in the indexes what meets the conditions anywhere.
SMALL_SHARE = 0.012
#: So few in a sample tell that the estimate was wrong: then all matches are looked at.
TOO_FEW = 1_000


@dataclass(frozen=True)
class Sample:
    """Listings from `start` on in the neutral order, as far as `share` of the directory goes."""

    start: float  # in [0, 1)
    share: float  # in (0, 1]
    estimate: int  # matches in the whole directory, as the planner sees it

    @property
    def where(self) -> Statement:
        """The condition on `directory_listing l`; the order wraps after the last position."""
        end = self.start + self.share
        if end < 1:
            return Statement("(l.position >= %s AND l.position < %s)", [self.start, end])
        return Statement("(l.position >= %s OR l.position < %s)", [self.start, end - 1])

    def scaled(self, count: float) -> int:
        """How many there must be in the whole directory, to two significant digits."""
        return rounded(count / self.share)

    def radius(self, radius: float, needed: int) -> float:
        """Within how many kilometres as many as are needed should be found, of those within
        `radius`; twice as far to be safe, as enterprises gather in cities."""
        return min(radius, 2 * radius * math.sqrt(needed / max(self.estimate, 1)))


def rounded(count: float) -> int:
    if count < 1:
        return 0
    unit = 10 ** max(0, math.floor(math.log10(count)) - 1)
    return round(count / unit) * unit


def draw(where: Statement, start: float, size: int | None = None) -> Sample | None:
    """The sample of about `size` matches (SAMPLE) in which to look for what meets `where`,
    conditions on `directory_listing l` without parameters left to other queries; None where all
    may be looked at. One statement, which plans the search and runs nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (FORMAT JSON) SELECT FROM directory_listing l WHERE {where.sql}",
            where.params,
        )
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    estimate = plan[0]["Plan"]["Plan Rows"]
    if estimate <= ALL_UP_TO:
        return None
    return Sample(start, (size or SAMPLE) / estimate, estimate)
