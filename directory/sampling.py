"""How a large directory answers a search that very many listings match: from a sample of them.

Up to fifty thousand listings every match is looked at, and every count is exact. Beyond, looking at
a hundred thousand matches would take a second, for counts nobody reads to the last digit. The
planner's own estimate then decides: few matches are all looked at; of many, those that come first
in the order of the day, whose share of the directory is known, as their positions were drawn at
random. What is counted among them is scaled up, and said to be approximate.
"""

import json
import math
from dataclasses import dataclass, replace

from django.db import connection

from directory import search
from directory.conditions import (
    Conditions,
    bearing,
    conditions_of,
    every,
    inside,
    some,
    starting_point,
)
from directory.criteria import Criteria
from directory.facets import Dimension
from directory.search import Statement
from directory.state import State

#: Matches that are all looked at; of more, about how many are.
ALL_UP_TO = 5_000
SAMPLE = 1_500
#: Of what only counts for other values than those chosen.
SAMPLE_OF_MISSES = 1_000
#: Up to this share of the directory, to read it whole in the neutral order and look at each listing
#: is quicker than to find in the indexes what meets the conditions anywhere.
SMALL_SHARE = 0.012
#: What each listing that one expects to pass over costs, beside one that an index gives. Five times
#: as many may come; with words forty times, as names often begin alike (all caterers), and to look
#: for words in each takes 25 times as long.
PASSED_OVER, PASSED_OVER_FOR_WORDS = 5, 25 * 40
#: So few in a sample tell that the estimate was wrong.
TOO_FEW = 500
#: Of what a sample must hold: an estimate may be wrong by as much.
MARGIN = 2


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

    def of_enough(self, found: int, criteria: Criteria) -> "Sample | None":
        """What this sample would have been, had one known how many match: it held `found`. None
        where all may be looked at."""
        return sample_of(round(found / self.share), self.start, size_for(criteria))

    def scaled(self, count: float) -> int:
        """How many there must be in the whole directory, to two significant digits."""
        return rounded(count / self.share)

    def soon_meets(self, criteria: Criteria, state: State) -> bool:
        """Whether the page is met sooner along an index of its order than by gathering all that
        match: half of a directory may begin with letters that none of them begins with."""
        passed_over = criteria.up_to * max(0, state.whole.total / self.estimate - 1)
        return (
            PASSED_OVER_FOR_WORDS if criteria.query else PASSED_OVER
        ) * passed_over < self.estimate

    def radius(self, radius: float, needed: int) -> float:
        """Within how many kilometres as many as are needed should be found, of those within
        `radius`; twice as far to be safe, as enterprises gather in cities."""
        return min(radius, 2 * radius * math.sqrt(needed / max(self.estimate, 1)))


@dataclass(frozen=True)
class Sampling:
    """From which samples a search is answered; from none where all is looked at."""

    matches: Sample | None = None
    #: Of what fails one facet alone, which counts for the other values of that facet.
    near_misses: Sample | None = None

    def __bool__(self) -> bool:
        return bool(self.matches or self.near_misses)

    @property
    def tally(self) -> str:
        """How many listings the rows of `matched` stand for."""
        match = 1 / self.matches.share if self.matches else 1
        miss = 1 / self.near_misses.share if self.near_misses else match
        return f"sum(CASE missed WHEN 0 THEN {match} ELSE {miss} END)"

    def looked_at(self, criteria: Criteria, conditions: Conditions, where: Statement) -> Statement:
        """What is looked at of what meets `where`, those of `conditions` but for one facet: all
        matches or a sample of them, and all that misses one facet or a sample of that."""
        every_match = matches = conditions.all_but(None)
        if self.matches:
            kept = self.matches.where
            if criteria.query and not criteria.query.neq:
                # An enterprise of just the name that was typed is among them.
                named = Statement("l.sort_name = %s", [search.fold(criteria.query.text)])
                kept = some([kept, named])
            matches = every([matches, kept])
        listing = "directory_listing l WHERE"
        if not self.near_misses:
            kept = matches if self.matches else where
            return Statement(f"{listing} {kept.sql}", kept.params)
        window = self.near_misses.where
        if self.near_misses.share > SMALL_SHARE:
            kept = some([matches, every([where, window])])
            return Statement(f"{listing} {kept.sql}", kept.params)
        # The fence keeps the planner from gathering, from the whole directory, what nearly matches.
        # Words it may gather: an index knows them, and to read those of each listing is slow.
        fence = "" if criteria.query else "OFFSET 0"
        return Statement(
            f"""(SELECT * FROM {listing} {matches.sql} UNION ALL
            SELECT * FROM (SELECT * FROM {listing} {window.sql} {fence}) l
            WHERE {where.sql} AND {every_match.sql} IS NOT TRUE) l""",
            [*matches.params, *window.params, *where.params, *every_match.params],
        )


def rounded(count: float) -> int:
    if count < 1:
        return 0
    unit = 10 ** max(0, math.floor(math.log10(count)) - 1)
    return round(count / unit) * unit


def of(criteria: Criteria, state: State) -> Sampling:
    """From which samples a search of a large directory is answered; two statements at most, which
    plan and run nothing."""
    conditions, start = conditions_of(criteria, state), starting_point(state.today)
    if criteria.near:
        # The planner would take a third of the box to be in the circle, for want of knowing better.
        conditions.fixed["pres"] = inside(criteria.near.around(criteria.radius))
    if statuses := criteria.facets.get(Dimension.STATUS):
        # Half of them to have expired, likewise.
        conditions.facets[Dimension.STATUS] = bearing(statuses)
    matches = draw(conditions.all_but(None), start, size_for(criteria))
    near_misses = None
    if conditions.facets and not criteria.only_facet:
        nearly = every([*conditions.fixed.values(), *conditions.nearly])
        near_misses = draw(nearly, start, SAMPLE_OF_MISSES)
    if matches and near_misses:
        # The smaller is part of the larger.
        near_misses = replace(near_misses, share=min(near_misses.share, matches.share))
    return Sampling(matches, near_misses)


def holds_the_page(criteria: Criteria) -> bool:
    """Whether the page is read from the sample: other orders have an index that gives it."""
    return criteria.order in ("pertinence", "rotation")


def needed(criteria: Criteria) -> int:
    """How many matches a sample must hold: the page, and where they are ranked all that can be
    paged through, as pages ranked among others would repeat listings and pass some over."""
    if not holds_the_page(criteria):
        return TOO_FEW
    ranked = criteria.order == "pertinence"
    return max(TOO_FEW, criteria.reach if ranked else criteria.up_to)


def size_for(criteria: Criteria) -> int:
    """How many matches to look at, so that their counts are worth reading and the page is there."""
    return max(SAMPLE, MARGIN * needed(criteria))


def draw(where: Statement, start: float, size: int) -> Sample | None:
    """The sample of about `size` matches in which to look for what meets `where`, conditions on
    `directory_listing l` without parameters left to other queries; None where all may be looked at.
    One statement, which plans the search and runs nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (FORMAT JSON) SELECT FROM directory_listing l WHERE {where.sql}",
            where.params,
        )
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return sample_of(plan[0]["Plan"]["Plan Rows"], start, size)


def sample_of(estimate: int, start: float, size: int) -> Sample | None:
    """The sample of about `size` of as many matches; None where all may be looked at."""
    return Sample(start, size / estimate, estimate) if estimate > max(ALL_UP_TO, size) else None
