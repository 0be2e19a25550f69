"""One search, one statement: the page, the total and the counts of every facet.

`Criteria` says what is asked, whatever asked it (a page, a saved search, an export); `find` asks.
"""

from dataclasses import dataclass, replace
from typing import Any

from directory import sampling, search
from directory.conditions import (
    SORTED_BY,
    ask,
    asked_words,
    conditions_of,
    distance_to,
    every,
    ordered,
    ranks_of,
    starting_point,
    within,
)
from directory.criteria import Criteria
from directory.facets import CONFIRMED, RECOGNISED, STEP, Dimension
from directory.sampling import Sample, Sampling
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
    sample = sampling.of(criteria, state) if state.large else Sampling()
    answer = ask(_narrowed(criteria, state, sample), state)
    if sample.matches and answer["total"] < sampling.needed(criteria):
        enough = sample.matches.of_enough(answer["total"], criteria)
        sample = replace(sample, matches=enough)
        answer = ask(_narrowed(criteria, state, sample), state)
    if _short(answer, sample, criteria):
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
    if own := criteria.only_facet:
        # Without it nothing narrows: its counts are those of the whole directory.
        whole_counts = state.whole.counts
        counts |= {code: count for code, count in whole_counts.items() if _belongs(code, own)}
        if sample.matches and len(criteria.facets[own]) == 1:
            (code,) = criteria.facets[own]
            total, exact = counts[code], True
    return Results(total, answer["rows"] or [], counts, exact, not sample)


def _short(answer: dict, sample: Sampling, criteria: Criteria) -> bool:
    """Whether fewer than expected are so near that they were looked at."""
    nearest = sample.matches and criteria.order == "proximite"
    return bool(nearest and len(answer["rows"] or ()) < criteria.size)


def _belongs(code: int, dimension: Dimension) -> bool:
    if dimension in (Dimension.RECOGNISED, Dimension.CONFIRMED):
        return code == {Dimension.RECOGNISED: RECOGNISED, Dimension.CONFIRMED: CONFIRMED}[dimension]
    return code // STEP == dimension


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
        order = ordered(criteria.order, state)
        inner = f"SELECT * FROM directory_listing l ORDER BY {order.sql} LIMIT %s OFFSET %s"
        params = [*order.params, size, offset]
    return Statement(
        f"SELECT json_build_object('rows', (SELECT json_agg({row}) FROM ({inner}) l))", params
    )


def _narrowed(criteria: Criteria, state: State, sample: Sampling) -> Statement:
    today = state.today
    conditions = conditions_of(criteria, state)
    counted = [] if criteria.only_facet else list(conditions.facets)
    params: list[Any] = []

    # A listing that fails one facet alone still counts for that facet's other values.
    missed = "0"
    if counted:
        missed = " | ".join(
            f"CASE WHEN {conditions.facets[dimension].sql} THEN 0 ELSE {1 << dimension} END"
            for dimension in counted
        )
        params += [p for dimension in counted for p in conditions.facets[dimension].params]
    relevance = ""
    if criteria.order == "pertinence":
        # Of every match, while it is read: to find again those of a page would take longer.
        ranks = enumerate(ranks_of(criteria.query))
        relevance = ", l.sort_name = %s AS exact" + "".join(
            f", {sql} AS rank{n}" for n, sql in ranks
        )
        params.append(search.fold(criteria.query.text))
    nearly = conditions.nearly if counted else list(conditions.facets.values())
    where = every([*conditions.fixed.values(), *nearly])
    source = sample.looked_at(criteria, conditions, where)
    params += source.params

    asked = asked_words(criteria.query)
    if sample.matches and not sampling.holds_the_page(criteria):
        page = _page_of_all(criteria, state, sample.matches)
    else:
        page = _page(criteria, state)
    sorted_by = SORTED_BY.get(criteria.order, "l.position")
    place = ", l.latitude, l.longitude" if criteria.near else ""
    tally = sample.tally if sample else "count(*)"
    return Statement(
        f"""
WITH {asked.sql} matched AS MATERIALIZED (
    SELECT l.enterprise_id, {sorted_by}{place}, l.facets, l.statuses, l.statuses_until,
        l.recognised_on, l.recognised_until, l.confirmed_on, {missed} AS missed{relevance}
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
        SELECT code, {tally} AS n FROM (SELECT missed, unnest(facets) AS code FROM matched) bearing
            WHERE {_still(counted)} GROUP BY code) f),
    'statuses', (SELECT json_object_agg(code, n) FROM (
        SELECT {Dimension.STATUS * STEP} + status AS code, {tally} AS n
            FROM matched, unnest(statuses, statuses_until) s (status, until)
            WHERE statuses <> '{{}}' AND until >= %s AND {_still(counted, Dimension.STATUS)}
            GROUP BY status) s)
) FROM matched""",
        [*asked.params, *params, today, today, today, *page.params, today],
    )


def _page_of_all(criteria: Criteria, state: State, sample: Sample | None) -> Statement:
    """The rows of the page, in an order that an index follows: what matches is frequent, so that
    a page is soon full. For the nearest, a sample tells how far one needs to look."""
    conditions = [conditions_of(criteria, state).all_but(None)]
    # Where so few match that an index in the order of the page would be followed for long, they are
    # gathered, then put in order.
    fence = "" if not sample or sample.soon_meets(criteria, state) else "OFFSET 0"
    distance = distance_to(criteria.near) if criteria.near else Statement("NULL")
    if criteria.near and criteria.order == "proximite" and sample:
        radius = sample.radius(criteria.radius, criteria.up_to)
        conditions.append(within(criteria.near, radius))
    where = every(conditions)
    order = ordered(criteria.order, state)
    row = ROW.format(distance=", 'distance', l.distance" if criteria.near else "")
    return Statement(
        f"""
    SELECT json_agg({row} ORDER BY l.place) FROM (
        SELECT *, row_number() OVER () AS place FROM (
            SELECT l.*, {distance.sql} AS distance
            FROM (SELECT * FROM directory_listing l WHERE {where.sql} {fence}) l
            ORDER BY {order.sql} LIMIT %s OFFSET %s) ordered
    ) l""",
        [
            *distance.params,
            *where.params,
            *order.params,
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
    order = ordered(criteria.order, state)
    distance = Statement("")
    if criteria.near:
        place = distance_to(criteria.near)
        distance = Statement(f", {place.sql} AS distance", place.params)
    relevance = ""
    if criteria.order == "pertinence":
        ranks = range(len(ranks_of(criteria.query)))
        relevance = "exact DESC, " + "".join(f"rank{n} DESC, " for n in ranks)
    row = ROW.format(distance=", 'distance', shown.distance" if criteria.near else "")
    return Statement(
        f"""
    SELECT json_agg({row} ORDER BY shown.place) FROM (
        SELECT *, row_number() OVER () AS place FROM (
            SELECT l.enterprise_id{distance.sql} FROM matched l WHERE missed = 0
            ORDER BY {relevance}{order.sql} LIMIT %s OFFSET %s) ordered
    ) shown JOIN directory_listing l USING (enterprise_id)""",
        [*distance.params, *order.params, *limits],
    )
