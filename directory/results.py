"""One search, one statement: the page, the total and the counts of every facet.

`Criteria` says what is asked, whatever asked it (a page, a saved search, an export); `find` asks.
"""

import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import Any

from django.db import connection, transaction

from directory import sampling, search
from directory.facets import CONFIRMED, PROVINCE, RECOGNISED, STEP, Dimension
from directory.labels import CityLabel
from directory.sampling import Sample
from directory.search import Statement
from directory.state import State, keep_words, words

PAGE_SIZE = 20
LAST_PAGE = 50
#: In a large directory, what would be found otherwise is counted up to so many.
MANY = 1_000
#: Relevance is computed, and can be paged through, for so many listings at most.
RANKED = 1_000
EARTH_RADIUS = 6_371.0  # km, mean
DEGREE = 111.2  # km of a degree of latitude
#: D, C, B, A: what is only described counts for nothing, labels, what is offered, names.
WEIGHTS = "'{0, 0.15, 0.45, 1.0}'"

RADII = (5, 10, 25, 50, 100)  # km
RADIUS = 25
PROVINCE_LIMITS = (-80.5, 44.5, -56.5, 63.0)
#: The closest that a map is looked at, as web maps count it.
CLOSEST = 18
SORTS = ("pertinence", "rotation", "nom", "proximite", "recent")


@dataclass(frozen=True)
class Place:
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Box:
    """A part of the map, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def whole(self) -> bool:
        """Whether no listing can be outside: a position is within these limits (models)."""
        west, south, east, north = PROVINCE_LIMITS
        across = self.west <= west and east <= self.east
        return across and self.south <= south and north <= self.north


@dataclass
class Criteria:
    query: search.Query = search.Query()
    #: Dimension → codes of which a listing must bear one.
    facets: dict[Dimension, frozenset[int]] = field(default_factory=dict)
    served: CityLabel | None = None
    near: Place | None = None
    radius: int = RADIUS  # km
    box: Box | None = None
    #: How closely a map is looked at, 0 from afar; None where it is not said.
    zoom: int | None = None
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    #: The parameters whose values are to be shown to the last.
    whole: frozenset[str] = frozenset()

    @property
    def order(self) -> str:
        """The order asked for where it makes sense here, else the one that does."""
        unsorted = "proximite" if self.near else "rotation"
        usual = "pertinence" if self.query else unsorted
        senseless = {"pertinence": not self.query, "proximite": not self.near}
        return usual if senseless.get(self.sort, not self.sort) else self.sort

    @property
    def reach(self) -> int:
        """How many of the listings found can be paged through."""
        ranked = self.order == "pertinence" and not self.query.neq
        return min(RANKED, LAST_PAGE * self.size) if ranked else LAST_PAGE * self.size

    @property
    def narrowed(self) -> bool:
        inside = self.box and not self.box.whole
        return bool(self.query or self.facets or self.served or self.near or inside)


def wider(radius: int) -> int | None:
    """The next radius offered, None beyond the last."""
    return next((larger for larger in RADII if larger > radius), None)


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


@dataclass
class Help:
    """What may be said where nothing was found."""

    #: Criterion (a dimension, "q", "dessert", "pres", "boite") → listings found without it.
    without: dict[object, int] = field(default_factory=dict)
    #: Listings found within the next radius, or that serve the city they are not in.
    wider: int = 0
    serving: int = 0
    #: Place of a group of the query → listings found without it; "town", without the city named.
    without_words: dict[object, int] = field(default_factory=dict)
    #: Groups of the query that no listing matches, by their place.
    unknown: list[int] = field(default_factory=list)
    #: The listing no longer published that was asked for by its name or NEQ.
    archived: dict | None = None
    #: Folded word → word as the directory writes it.
    words: dict[str, str] = field(default_factory=dict)


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
    conditions, start = _conditions(criteria, state), starting_point(state.today)
    if criteria.near:
        # The planner would take a third of the box to be in the circle, for want of knowing better.
        conditions.fixed["pres"] = _box(criteria.near, criteria.radius)
    matches = sampling.draw(conditions.all_but(None), start)
    near_misses = None
    if conditions.facets and not _counted_by_snapshot(criteria):
        near_misses = sampling.draw(_every([*conditions.fixed.values(), *conditions.nearly]), start)
    if matches and near_misses:
        # The smaller is part of the larger.
        near_misses = replace(near_misses, share=min(near_misses.share, matches.share))
    return Sampling(matches, near_misses)


def ask(statement: Statement, state: State) -> Any:
    with transaction.atomic() if state.large else nullcontext(), connection.cursor() as cursor:
        if state.large:
            # For the first match of a rare word the planner would read the whole directory, in the
            # hope of meeting it soon.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(statement.sql, statement.params)
        (answer,) = cursor.fetchone()
    return answer


def _belongs(code: int, dimension: Dimension) -> bool:
    if dimension in (Dimension.RECOGNISED, Dimension.CONFIRMED):
        return code == {Dimension.RECOGNISED: RECOGNISED, Dimension.CONFIRMED: CONFIRMED}[dimension]
    return code // STEP == dimension


def _counted_by_snapshot(criteria: Criteria) -> Dimension | None:
    alone = len(criteria.facets) == 1 and not replace(criteria, facets={}).narrowed
    return next(iter(criteria.facets)) if alone else None


def starting_point(day: date) -> float:
    """Where the neutral order begins on a day: in [0, 1), the same for everyone."""
    return int.from_bytes(hashlib.sha256(day.isoformat().encode()).digest()[:6]) / 2**48


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


@dataclass
class _Conditions:
    """The criteria as SQL conditions on `directory_listing l`, each with its parameters."""

    #: Conditions that no facet counts without: text, territory, distance.
    fixed: dict[str, Statement] = field(default_factory=dict)
    facets: dict[Dimension, Statement] = field(default_factory=dict)

    def all_but(self, name: object) -> Statement:
        conditions = [s for key, s in (self.fixed | self.facets).items() if key != name]
        return _every(conditions)

    @property
    def nearly(self) -> list[Statement]:
        """The facets, but for one at most; no condition where there is but one."""
        if len(self.facets) < 2:
            return []
        facets = list(self.facets.values())
        return [_some(_every(some) for some in combinations(facets, len(facets) - 1))]


def _every(conditions: Iterable[Statement]) -> Statement:
    kept = list(conditions)
    if not kept:
        return Statement("true")
    return Statement(
        "(" + " AND ".join(s.sql for s in kept) + ")", [p for s in kept for p in s.params]
    )


def _some(conditions: Iterable[Statement]) -> Statement:
    kept = list(conditions)
    return Statement(
        "(" + " OR ".join(s.sql for s in kept) + ")", [p for s in kept for p in s.params]
    )


def _conditions(criteria: Criteria, state: State) -> _Conditions:
    conditions, today = _Conditions(), state.today
    if criteria.query.neq:
        conditions.fixed["q"] = Statement("l.neq = %s", [criteria.query.neq])
    elif criteria.query:
        words = Statement("l.search @@ (SELECT q FROM asked)")
        if state.large:
            # Written out, so that the planner sees how frequent the words are.
            words = _saying(criteria.query)
        conditions.fixed["q"] = _every([words, *_in_town(criteria.query.town)])
    if criteria.served:
        conditions.fixed["dessert"] = _serving(criteria.served)
    if criteria.near:
        conditions.fixed["pres"] = _within(criteria.near, criteria.radius)
    if criteria.box and not criteria.box.whole:
        conditions.fixed["boite"] = _inside(criteria.box)
    for dimension, codes in criteria.facets.items():
        conditions.facets[dimension] = _facet(dimension, codes, today)
    return conditions


def _facet(dimension: Dimension, codes: frozenset[int], today: date) -> Statement:
    if dimension is Dimension.RECOGNISED:
        return Statement("(l.recognised_on <= %s AND l.recognised_until >= %s)", [today, today])
    if dimension is Dimension.CONFIRMED:
        return Statement("l.confirmed_on >= %s::date - interval '12 months'", [today])
    if dimension is Dimension.STATUS:
        ids = sorted(code % STEP for code in codes)
        return Statement(
            # The first part is what an index answers.
            "(l.statuses && %s::integer[] AND EXISTS ("
            "SELECT FROM unnest(l.statuses, l.statuses_until) s (status, until)"
            " WHERE status = ANY (%s) AND until >= %s))",
            [ids, ids, today],
        )
    return Statement("l.facets && %s::integer[]", [sorted(codes)])


def _serving(city: CityLabel) -> Statement:
    codes = [PROVINCE, city.region, city.county, city.code]
    return Statement("l.territory && %s::integer[]", [codes])


def _saying(query: search.Query) -> Statement:
    asked = search.tsquery(query)
    return Statement(f"l.search @@ ({asked.sql})", asked.params)


def _in_town(town: search.Town | None) -> list[Statement]:
    """Says the name of the city that the query names, is there or serves it."""
    if not town:
        return []
    there = Statement("l.facets && %s::integer[]", [[town.code]])
    serving = Statement("l.territory && %s::integer[]", [list(town.territories)])
    return [_some([_saying(search.parse(town.words)), there, serving])]


def _distance(place: Place) -> Statement:
    """Kilometres on the sphere (haversine)."""
    return Statement(
        f"""({2 * EARTH_RADIUS} * asin(sqrt(least(1,
            power(sin(radians(l.latitude - %s) / 2), 2) + cos(radians(%s))
            * cos(radians(l.latitude)) * power(sin(radians(l.longitude - %s) / 2), 2)))))""",
        [place.latitude, place.latitude, place.longitude],
    )


def _box(place: Place, radius: float) -> Statement:
    """A box around the circle, which the index on positions answers."""
    # The province ends at 63° north, where a degree of longitude is at its shortest.
    width = radius / (DEGREE * 0.45)
    return Statement(
        "(l.latitude BETWEEN %s AND %s AND l.longitude BETWEEN %s AND %s)",
        [
            place.latitude - radius / DEGREE,
            place.latitude + radius / DEGREE,
            place.longitude - width,
            place.longitude + width,
        ],
    )


def _within(place: Place, radius: float) -> Statement:
    box, distance = _box(place, radius), _distance(place)
    return Statement(
        f"({box.sql} AND {distance.sql} <= %s)", [*box.params, *distance.params, radius]
    )


def _inside(box: Box) -> Statement:
    return Statement(
        "(l.latitude BETWEEN %s AND %s AND l.longitude BETWEEN %s AND %s)",
        [box.south, box.north, box.west, box.east],
    )


def matching(criteria: Criteria, state: State) -> tuple[Statement, Statement]:
    """What another statement needs to read the listings `l` that these criteria find: the start of
    its WITH, empty or ending with a comma, and its WHERE."""
    return _asked(criteria.query), _conditions(criteria, state).all_but(None)


def _narrowed(criteria: Criteria, state: State, sample: Sampling) -> Statement:
    today = state.today
    conditions = _conditions(criteria, state)
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
    where = _every([*conditions.fixed.values(), *nearly])
    if sample:
        where = _looked_at(criteria, conditions, where, sample)
    params += where.params

    asked = _asked(criteria.query)
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
    FROM directory_listing l WHERE {where.sql}
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
    criteria: Criteria, conditions: _Conditions, where: Statement, sample: Sampling
) -> Statement:
    """What is looked at of what meets `where`: all matches or a sample of them, and all that
    misses one facet or a sample of that."""
    matches = conditions.all_but(None)
    if sample.matches:
        kept = sample.matches.where
        if criteria.query and not criteria.query.neq:
            # An enterprise of just the name that was typed is among them.
            named = Statement("l.sort_name = %s", [search.fold(criteria.query.text)])
            kept = _some([kept, named])
        matches = _every([matches, kept])
    if sample.near_misses:
        return _some([matches, _every([where, sample.near_misses.where])])
    return matches if sample.matches else where


def _page_of_all(criteria: Criteria, state: State, sample: Sample | None) -> Statement:
    """The rows of the page, in an order that an index follows: what matches is frequent, so that
    a page is soon full. For the nearest, a sample tells how far one needs to look."""
    conditions = [_conditions(criteria, state).all_but(None)]
    distance = _distance(criteria.near) if criteria.near else Statement("NULL")
    if criteria.near and criteria.order == "proximite" and sample:
        radius = sample.radius(criteria.radius, criteria.page * criteria.size)
        conditions.append(_within(criteria.near, radius))
    where = _every(conditions)
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


def _asked(query: search.Query) -> Statement:
    """The query as a tsquery, and as it was typed where synonyms widen it; computed once."""
    if not query or query.neq:
        return Statement("")
    asked, typed = search.tsquery(query), Statement("NULL")
    if any(group.widened for group in query.groups):
        typed = search.tsquery(search.as_typed(query))
    town = Statement("NULL")
    if query.town:
        town = search.tsquery(search.parse(query.town.words))
    return Statement(
        f"asked AS MATERIALIZED"
        f" (SELECT {asked.sql} AS q, {typed.sql} AS typed, {town.sql} AS town),",
        [*asked.params, *typed.params, *town.params],
    )


def _page(criteria: Criteria, state: State) -> Statement:
    """The rows of the page, as a JSON array in their order."""
    limits = [criteria.size, (criteria.page - 1) * criteria.size]
    start = starting_point(state.today)
    distance = Statement("")
    if criteria.near:
        place = _distance(criteria.near)
        distance = Statement(f", {place.sql} AS distance", place.params)
    row = ROW.format(distance=", 'distance', l.distance" if criteria.near else "")
    if criteria.order == "pertinence":
        ranks = _ranks(criteria.query)
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


def _ranks(query: search.Query) -> list[str]:
    """The relevance of a listing `l`, most weighty first: what was typed, then its synonyms. To
    bear the name of the city, by being there or being called so, counts double."""
    if query.neq:
        return []
    widened = any(group.widened for group in query.groups)
    vectors = ["asked.typed", "asked.q"] if widened else ["asked.q"]
    double = " * (1 + (l.keywords @@ asked.town)::integer)" if query.town else ""
    return [f"ts_rank({WEIGHTS}, l.keywords, {vector}, 1){double}" for vector in vectors]


def every_id(criteria: Criteria, state: State) -> "array[int]":
    """The enterprises that the criteria find, to the last, in the order of the page: their keys,
    eight bytes each, read in one statement. Where more match than relevance ranks, by name."""
    asked, where = matching(criteria, state)
    start = starting_point(state.today)
    source = Statement(f"directory_listing l WHERE {where.sql}", where.params)
    if criteria.order == "pertinence":
        ranks = _ranks(criteria.query)
        source = Statement(
            f"""(SELECT l.enterprise_id, l.sort_name = %s AS exact,
                    count(*) OVER () <= {RANKED} AS few
                FROM {source.sql}) matched
            JOIN directory_listing l USING (enterprise_id) {"CROSS JOIN asked" if ranks else ""}""",
            [search.fold(criteria.query.text), *where.params],
        )
        keys = ["NOT exact", *(f"-{rank}" for rank in ranks), "l.position < %s", "l.position"]
        relevant = ", ".join(f"CASE WHEN few THEN {key} END" for key in keys)
        order = Statement(f"{relevant}, CASE WHEN NOT few THEN l.sort_name END", [start])
    elif criteria.order == "proximite" and criteria.near:
        order = _distance(criteria.near)
    else:
        order = {
            "rotation": Statement("l.position < %s, l.position", [start]),
            "nom": Statement("l.sort_name"),
            "recent": Statement("l.published_on DESC, l.enterprise_id DESC"),
        }[criteria.order]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH {asked.sql} nothing AS (SELECT)
            SELECT string_agg(int8send(l.enterprise_id), '' ORDER BY {order.sql}, l.enterprise_id)
            FROM {source.sql}""",
            [*asked.params, *order.params, *source.params],
        )
        (keys_in_order,) = cursor.fetchone()
    ids = array("q", keys_in_order or b"")
    if sys.byteorder == "little":
        ids.byteswap()
    return ids


def listed(ids: Sequence[int], near: Place | None = None) -> list[dict]:
    """The rows of these listings, as those of a page and in this order, each with its latitude,
    longitude and precision; who is published no more is left out. One statement."""
    place = _distance(near) if near else Statement("NULL")
    distance = f", 'distance', {place.sql}" if near else ""
    row = ROW.format(
        distance=f"""{distance}, 'latitude', l.latitude, 'longitude', l.longitude,
            'precision', CASE e.geo_precision WHEN '' THEN 'city' ELSE e.geo_precision END"""
    )
    statement = Statement(
        f"""SELECT json_agg({row} ORDER BY asked.place)
        FROM unnest(%s::bigint[]) WITH ORDINALITY asked (id, place)
        JOIN directory_listing l ON l.enterprise_id = asked.id
        JOIN directory_enterprise e ON e.id = asked.id""",
        [*place.params, list(ids)],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        (rows,) = cursor.fetchone()
    return rows or []


def help_for(criteria: Criteria, state: State) -> Help:
    """Where to go from criteria that nothing matches; one statement."""
    conditions = _conditions(criteria, state)
    counts: dict[str, Statement] = {}
    criteria_names = (*conditions.fixed, *conditions.facets)
    if len(criteria_names) > 1:
        counts |= {f"without {name}": conditions.all_but(name) for name in criteria_names}
    if criteria.near and (radius := wider(criteria.radius)):
        further = _within(criteria.near, radius)
        counts["wider"] = _every([further, conditions.all_but("pres")])
    cities = criteria.facets.get(Dimension.CITY, frozenset())
    if len(cities) == 1 and not criteria.served:
        serving = _serving(state.labels.city(next(iter(cities)) % STEP))
        counts["serving"] = _every([serving, conditions.all_but(Dimension.CITY)])

    shorter = _shorter(criteria.query)
    for name, query in shorter.items():
        counts[f"shorter {name}"] = _every(
            [_saying(query), *_in_town(query.town), conditions.all_but("q")]
        )

    pairs = [
        Statement(
            f"'{name}', (SELECT count(*) FROM ("
            f"SELECT FROM directory_listing l WHERE {where.sql} LIMIT %s) counted)",
            [*where.params, MANY + 1 if state.large else None],
        )
        for name, where in counts.items()
    ]
    asked = _asked(criteria.query)
    groups = range(0 if criteria.query.neq else len(criteria.query.groups))
    for number in groups:
        group = _saying(search.Query(groups=(criteria.query.groups[number],)))
        unknown = f"NOT EXISTS (SELECT FROM directory_listing l WHERE {group.sql})"
        pairs.append(Statement(f"'unknown {number}', {unknown}", group.params))
    if criteria.query:
        pairs.append(_archived(criteria.query))
    if groups:
        pairs.append(_words(state))
    answer = ask(
        Statement(
            f"WITH {asked.sql} nothing AS (SELECT) SELECT json_build_object("
            + ", ".join(pair.sql for pair in pairs)
            + ")",
            [*asked.params, *(p for pair in pairs for p in pair.params)],
        ),
        state,
    )
    known_words = answer.get("words")
    return Help(
        without={name: answer[f"without {name}"] for name in criteria_names}
        if len(criteria_names) > 1
        else {},
        without_words={name: answer[f"shorter {name}"] for name in shorter},
        wider=answer.get("wider", 0),
        serving=answer.get("serving", 0),
        unknown=[number for number in groups if answer[f"unknown {number}"]],
        archived=answer.get("archived"),
        words=keep_words(state.version, known_words)
        if known_words is not None
        else words(state) or {},
    )


def _shorter(query: search.Query) -> dict[object, search.Query]:
    """The query without one of its groups, by their place, and without the city that it names."""
    if query.neq:
        return {}
    groups = query.groups
    shorter: dict[object, search.Query] = {}
    if len(groups) > 1:
        for place in range(len(groups)):
            shorter[place] = replace(query, groups=groups[:place] + groups[place + 1 :])
    if query.town:
        shorter["town"] = replace(query, town=None)
    return shorter


def _archived(query: search.Query) -> Statement:
    return Statement(
        """'archived', (SELECT json_build_object('slug', e.slug, 'name', e.name,
                'closing', e.closing, 'successor', r.name, 'successor_slug', r.slug)
            FROM directory_enterprise e
            LEFT JOIN directory_enterprise r ON r.id = e.replaced_by_id AND r.state = 'published'
            WHERE e.state = 'archived'
                AND (public.fold(e.name) = %s OR e.neq = %s) LIMIT 1)""",
        [search.fold(query.text), query.neq or None],
    )


def _words(state: State) -> Statement:
    if words(state) is not None:
        return Statement("'words', NULL")
    if state.words_version == state.version or state.large:
        return Statement("'words', (SELECT words FROM directory_snapshot)")
    return Statement("'words', public.directory_take_words()")
