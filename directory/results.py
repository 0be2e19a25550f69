"""One search, one statement: the page, the total and the counts of every facet.

`Criteria` says what is asked, whatever asked it (a page, a saved search, an export); `find` asks.
"""

from dataclasses import dataclass, replace
from typing import Any

from directory import sampling, search
from directory.conditions import (
    Conditions,
    ask,
    asked_words,
    bearing,
    box_around,
    conditions_of,
    distance_to,
    every,
    ranks_of,
    some,
    starting_point,
    within,
)
from directory.criteria import RANKED, Criteria
from directory.facets import CONFIRMED, RECOGNISED, STEP, Dimension
from directory.sampling import Sample
from directory.search import Statement
from directory.state import State


@dataclass
class Results:
    total: int
    #: Card, dates, statuses and distance of each listing of the page, in order.
    rows: list[dict]
    #: Facet code → listings that have it, the rest of the criteria holding.
    counts: dict[int, int]
    #: False where `total`, or `counts`, are estimates, in a large directory.
    exact: bool = True
    exact_counts: bool = True


def find(criteria: Criteria, state: State) -> Results:
    """Ask the database; one statement whatever the criteria and the data, and one more where the
    whole directory has to be counted again. A large directory is first asked for an estimate, and
    once more where that was wrong."""
    if not criteria.narrowed:
        whole = state.whole
        return Results(
            whole.total, ask(_browsed(criteria, state), state)["rows"] or [], whole.counts
        )
    sample = _sample(criteria, state) if state.large else Sampling()
    answer = ask(_narrowed(criteria, state, sample), state)
    if sample.matches and answer["total"] < sampling.TOO_FEW:
        sample = replace(sample, matches=None)
        answer = ask(_narrowed(criteria, state, sample), state)
    elif _short(answer, sample, criteria):
        answer |= ask(_page_alone(criteria, state), state)
    total = sample.matches.scaled(answer["total"]) if sample.matches else answer["total"]
    counts = {
        int(code): count
        for name in ("facets", "statuses")
        for code, count in (answer[name] or {}).items()
    } | {RECOGNISED: answer["recognised"] or 0, CONFIRMED: answer["confirmed"] or 0}
    if sample:
        counts = {code: sampling.rounded(count) for code, count in counts.items()}
    exact = not sample.matches
    if own := _counted_by_snapshot(criteria):
        # Without it nothing narrows: its counts are those of the whole directory.
        whole_counts = state.whole.counts
        counts |= {code: count for code, count in whole_counts.items() if _belongs(code, own)}
        if sample.matches and len(criteria.facets[own]) == 1:
            (code,) = criteria.facets[own]
            total, exact = counts[code], True
    return Results(total, answer["rows"] or [], counts, exact, not sample)


def _short(answer: dict, sample: "Sampling", criteria: Criteria) -> bool:
    """Whether fewer than expected are so near that they were looked at."""
    nearest = sample.matches and criteria.order == "proximite"
    return bool(nearest and len(answer["rows"] or ()) < criteria.size)


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


def _sample(criteria: Criteria, state: State) -> Sampling:
    conditions, start = conditions_of(criteria, state), starting_point(state.today)
    if criteria.near:
        # The planner would take a third of the box to be in the circle, for want of knowing better.
        conditions.fixed["pres"] = box_around(criteria.near, criteria.radius)
    if statuses := criteria.facets.get(Dimension.STATUS):
        # Half of them to have expired, likewise.
        conditions.facets[Dimension.STATUS] = bearing(statuses)
    matches = sampling.draw(conditions.all_but(None), start)
    near_misses = None
    if conditions.facets and not _counted_by_snapshot(criteria):
        nearly = every([*conditions.fixed.values(), *conditions.nearly])
        near_misses = sampling.draw(nearly, start, sampling.SAMPLE_OF_MISSES)
    if matches and near_misses:
        # The smaller is part of the larger.
        near_misses = replace(near_misses, share=min(near_misses.share, matches.share))
    return Sampling(matches, near_misses)


def _belongs(code: int, dimension: Dimension) -> bool:
    if dimension in (Dimension.RECOGNISED, Dimension.CONFIRMED):
        return code == {Dimension.RECOGNISED: RECOGNISED, Dimension.CONFIRMED: CONFIRMED}[dimension]
    return code // STEP == dimension


def _counted_by_snapshot(criteria: Criteria) -> Dimension | None:
    alone = len(criteria.facets) == 1 and not replace(criteria, facets={}).narrowed
    return next(iter(criteria.facets)) if alone else None


#: The columns that an order needs.
SORTED_BY = {
    "pertinence": "l.position",
    "rotation": "l.position",
    "nom": "l.sort_name",
    "recent": "l.published_on",
    "proximite": "l.position",
}
# What a page needs of a listing besides its card.
ROW = """json_build_object(
    'card', l.card, 'statuses', l.statuses, 'until', l.statuses_until,
    'recognised_on', l.recognised_on, 'recognised_until', l.recognised_until,
    'confirmed_on', l.confirmed_on{distance})"""


def _browsed(criteria: Criteria, state: State) -> Statement:
    """The whole directory: read along an index, no count."""
    offset, size = (criteria.page - 1) * criteria.size, criteria.size
    row = ROW.format(distance="")
    if criteria.order == "rotation":
        start = starting_point(state.today)
        inner = """
            (SELECT * FROM directory_listing WHERE position >= %s
             ORDER BY position, enterprise_id LIMIT %s)
            UNION ALL
            (SELECT * FROM directory_listing WHERE position < %s
             ORDER BY position, enterprise_id LIMIT %s)
            LIMIT %s OFFSET %s"""
        # An append keeps the order of its branches; the second is read if the first runs out.
        params = [start, offset + size, start, offset + size, size, offset]
    else:
        order = {
            "nom": "sort_name, enterprise_id",
            "recent": "published_on DESC, enterprise_id DESC",
        }[criteria.order]
        inner = f"SELECT * FROM directory_listing ORDER BY {order} LIMIT %s OFFSET %s"
        params = [size, offset]
    return Statement(
        f"SELECT json_build_object('rows', (SELECT json_agg({row}) FROM ({inner}) l))", params
    )


def _narrowed(criteria: Criteria, state: State, sample: Sampling) -> Statement:
    today = state.today
    conditions = conditions_of(criteria, state)
    counted = [] if _counted_by_snapshot(criteria) else list(conditions.facets)
    params: list[Any] = []

    # A listing that fails one facet alone still counts for that facet's other values.
    missed = "0"
    if counted:
        missed = " | ".join(
            f"CASE WHEN {conditions.facets[dimension].sql} THEN 0 ELSE {1 << dimension} END"
            for dimension in counted
        )
        params += [p for dimension in counted for p in conditions.facets[dimension].params]
    exact = "false"
    if criteria.query and criteria.order == "pertinence":
        exact = "l.sort_name = %s"
        params.append(search.fold(criteria.query.text))
    nearly = conditions.nearly if counted else list(conditions.facets.values())
    where = every([*conditions.fixed.values(), *nearly])
    source = _looked_at(criteria, conditions, where, sample)
    params += source.params

    asked = asked_words(criteria.query)
    if sample.matches and criteria.order not in ("pertinence", "rotation"):
        page = _page_of_all(criteria, state, sample.matches)
    else:
        page = _page(criteria, state)
    sorted_by = SORTED_BY[criteria.order] + (", l.latitude, l.longitude" if criteria.near else "")
    tally = sample.tally if sample else "count(*)"
    return Statement(
        f"""
WITH {asked.sql} matched AS MATERIALIZED (
    SELECT l.enterprise_id, {sorted_by}, l.facets, l.statuses, l.statuses_until,
        l.recognised_on, l.recognised_until, l.confirmed_on, {missed} AS missed, {exact} AS exact
    FROM {source.sql}
)
SELECT json_build_object(
    'total', count(*) FILTER (WHERE missed = 0),
    'recognised', {tally} FILTER (WHERE {_still(counted, Dimension.RECOGNISED)}
        AND recognised_on <= %s AND recognised_until >= %s),
    'confirmed', {tally} FILTER (WHERE {_still(counted, Dimension.CONFIRMED)}
        AND confirmed_on >= %s::date - interval '12 months'),
    'rows', ({page.sql}),
    'facets', (SELECT json_object_agg(code, n) FROM (
        SELECT code, {tally} AS n FROM matched, unnest(facets) code
            WHERE {_still(counted)} GROUP BY code) f),
    'statuses', (SELECT json_object_agg(code, n) FROM (
        SELECT {Dimension.STATUS * STEP} + status AS code, {tally} AS n
            FROM matched, unnest(statuses, statuses_until) s (status, until)
            WHERE statuses <> '{{}}' AND until >= %s AND {_still(counted, Dimension.STATUS)}
            GROUP BY status) s)
) FROM matched""",
        [*asked.params, *params, today, today, today, *page.params, today],
    )


def _looked_at(
    criteria: Criteria, conditions: Conditions, where: Statement, sample: Sampling
) -> Statement:
    """What is looked at of what meets `where`: all matches or a sample of them, and all that
    misses one facet or a sample of that."""
    every_match = matches = conditions.all_but(None)
    if sample.matches:
        kept = sample.matches.where
        if criteria.query and not criteria.query.neq:
            # An enterprise of just the name that was typed is among them.
            named = Statement("l.sort_name = %s", [search.fold(criteria.query.text)])
            kept = some([kept, named])
        matches = every([matches, kept])
    listing = "directory_listing l WHERE"
    if not sample.near_misses:
        kept = matches if sample.matches else where
        return Statement(f"{listing} {kept.sql}", kept.params)
    window = sample.near_misses.where
    if sample.near_misses.share > sampling.SMALL_SHARE:
        kept = some([matches, every([where, window])])
        return Statement(f"{listing} {kept.sql}", kept.params)
    # The fence keeps the planner from gathering, from the whole directory, what nearly matches.
    return Statement(
        f"""(SELECT * FROM {listing} {matches.sql} UNION ALL
        SELECT * FROM (SELECT * FROM {listing} {window.sql} OFFSET 0) l
        WHERE {where.sql} AND {every_match.sql} IS NOT TRUE) l""",
        [*matches.params, *window.params, *where.params, *every_match.params],
    )


def _page_of_all(criteria: Criteria, state: State, sample: Sample | None) -> Statement:
    """The rows of the page, in an order that an index follows: what matches is frequent, so that
    a page is soon full. For the nearest, a sample tells how far one needs to look."""
    conditions = [conditions_of(criteria, state).all_but(None)]
    distance = distance_to(criteria.near) if criteria.near else Statement("NULL")
    if criteria.near and criteria.order == "proximite" and sample:
        radius = sample.radius(criteria.radius, criteria.page * criteria.size)
        conditions.append(within(criteria.near, radius))
    where = every(conditions)
    order = {
        "nom": "l.sort_name, l.enterprise_id",
        "recent": "l.published_on DESC, l.enterprise_id DESC",
        "proximite": "distance, l.enterprise_id",
    }[criteria.order]
    row = ROW.format(distance=", 'distance', l.distance" if criteria.near else "")
    return Statement(
        f"""
    SELECT json_agg({row} ORDER BY l.place) FROM (
        SELECT *, row_number() OVER () AS place FROM (
            SELECT l.*, {distance.sql} AS distance FROM directory_listing l WHERE {where.sql}
            ORDER BY {order} LIMIT %s OFFSET %s) ordered
    ) l""",
        [
            *distance.params,
            *where.params,
            criteria.size,
            (criteria.page - 1) * criteria.size,
        ],
    )


def _page_alone(criteria: Criteria, state: State) -> Statement:
    page = _page_of_all(criteria, state, None)
    return Statement(f"SELECT json_build_object('rows', ({page.sql}))", page.params)


def _still(counted: list[Dimension], dimension: Dimension | None = None) -> str:
    """Whether a matched row counts for the values of a dimension; for those of the row `code`
    belongs to where none is given."""
    if not counted:
        return "true"
    if dimension is None:
        return f"(missed = 0 OR missed = 1 << (code / {STEP}))"
    return f"missed IN (0, {1 << dimension})"


def _page(criteria: Criteria, state: State) -> Statement:
    """The rows of the page, as a JSON array in their order."""
    limits = [criteria.size, (criteria.page - 1) * criteria.size]
    start = starting_point(state.today)
    distance = Statement("")
    if criteria.near:
        place = distance_to(criteria.near)
        distance = Statement(f", {place.sql} AS distance", place.params)
    row = ROW.format(distance=", 'distance', l.distance" if criteria.near else "")
    if criteria.order == "pertinence":
        ranks = ranks_of(criteria.query)
        ranked, rank = "CROSS JOIN asked" if ranks else "", "".join(f"{r} DESC," for r in ranks)
        return Statement(
            f"""
    SELECT json_agg({row}) FROM (
        SELECT l.*{distance.sql} FROM (
            SELECT enterprise_id, exact FROM matched WHERE missed = 0
            ORDER BY exact DESC, position < %s, position LIMIT {RANKED}) candidate
        JOIN directory_listing l USING (enterprise_id)
        {ranked}
        ORDER BY exact DESC, {rank} l.position < %s, l.position, enterprise_id
        LIMIT %s OFFSET %s) l""",
            [*distance.params, start, start, *limits],
        )
    order = {
        "rotation": "l.position < %s, l.position, enterprise_id",
        "nom": "l.sort_name, enterprise_id",
        "recent": "l.published_on DESC, enterprise_id DESC",
        "proximite": "distance, enterprise_id",
    }[criteria.order]
    starts = [start] if criteria.order == "rotation" else []
    row = ROW.format(distance=", 'distance', shown.distance" if criteria.near else "")
    return Statement(
        f"""
    SELECT json_agg({row} ORDER BY shown.place) FROM (
        SELECT *, row_number() OVER () AS place FROM (
            SELECT l.enterprise_id{distance.sql} FROM matched l WHERE missed = 0
            ORDER BY {order} LIMIT %s OFFSET %s) ordered
    ) shown JOIN directory_listing l USING (enterprise_id)""",
        [*distance.params, *starts, *limits],
    )
