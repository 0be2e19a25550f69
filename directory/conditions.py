"""Criteria as SQL: conditions on `directory_listing l`, each with its parameters."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any

from django.db import connection

from directory import search
from directory.criteria import Box, Criteria, Place
from directory.facets import PROVINCE, STEP, Dimension
from directory.labels import CityLabel
from directory.search import Statement
from directory.state import State

EARTH_RADIUS = 6_371.0  # km, mean
#: D, C, B, A: what is only described counts for nothing, labels, what is offered, names.
WEIGHTS = "'{0, 0.15, 0.45, 1.0}'"


#: For the first match of a rare word the planner would read a large directory whole, in the hope of
#: meeting it soon.
PLANNED = "SET LOCAL enable_seqscan = off;"


def ask(statement: Statement, state: State) -> Any:
    """The one value that a statement gives, planned as the size of the directory asks."""
    # Sent at once, the two are a transaction, and one exchange with the server.
    told = PLANNED if state.large else ""
    with connection.cursor() as cursor:
        cursor.execute(told + statement.sql, statement.params)
        if told:
            cursor.nextset()
        (answer,) = cursor.fetchone()
    return answer


def starting_point(day: date) -> float:
    """Where the neutral order begins on a day: in [0, 1), the same for everyone."""
    return int.from_bytes(hashlib.sha256(day.isoformat().encode()).digest()[:6]) / 2**48


#: The column that an order reads.
SORTED_BY = {"nom": "l.sort_name", "recent": "l.published_on"}


#: How far listings are, in a statement that computes it for each.
DISTANCE = Statement("distance")


def ordered(order: str, state: State, distance: Statement = DISTANCE) -> Statement:
    """What listings `l` are sorted by in an order of `criteria.SORTS`, down to what tells any two
    apart; where relevance decides, what comes after it."""
    if order == "nom":
        return Statement("l.sort_name, l.enterprise_id")
    if order == "recent":
        return Statement("l.published_on DESC, l.enterprise_id DESC")
    if order == "proximite":
        return Statement(f"{distance.sql}, l.enterprise_id", distance.params)
    start = starting_point(state.today)
    return Statement("l.position < %s, l.position, l.enterprise_id", [start])


@dataclass
class Conditions:
    """The criteria as SQL conditions on `directory_listing l`, each with its parameters."""

    #: Conditions that no facet counts without: text, territory, distance.
    fixed: dict[str, Statement] = field(default_factory=dict)
    facets: dict[Dimension, Statement] = field(default_factory=dict)

    def all_but(self, name: object) -> Statement:
        conditions = [s for key, s in (self.fixed | self.facets).items() if key != name]
        return every(conditions)

    @property
    def nearly(self) -> list[Statement]:
        """The facets, but for one at most; no condition where there is but one."""
        if len(self.facets) < 2:
            return []
        facets = list(self.facets.values())
        return [some(every(kept) for kept in combinations(facets, len(facets) - 1))]


def every(conditions: Iterable[Statement]) -> Statement:
    """What meets all of these; anything where there are none."""
    kept = list(conditions)
    if not kept:
        return Statement("true")
    return Statement(
        "(" + " AND ".join(s.sql for s in kept) + ")", [p for s in kept for p in s.params]
    )


def some(conditions: Iterable[Statement]) -> Statement:
    """What meets one of these at least."""
    kept = list(conditions)
    return Statement(
        "(" + " OR ".join(s.sql for s in kept) + ")", [p for s in kept for p in s.params]
    )


def conditions_of(criteria: Criteria, state: State) -> Conditions:
    """Every condition that the criteria set; the words are `asked.q`, but in a large directory."""
    conditions, today = Conditions(), state.today
    if criteria.query.neq:
        conditions.fixed["q"] = Statement("l.neq = %s", [criteria.query.neq])
    elif criteria.query:
        words = Statement("l.search @@ (SELECT q FROM asked)")
        if state.large:
            # Written out, so that the planner sees how frequent the words are.
            words = saying(criteria.query)
        conditions.fixed["q"] = every([words, *in_town(criteria.query.town)])
    if criteria.served:
        conditions.fixed["dessert"] = serving(criteria.served)
    if criteria.near:
        conditions.fixed["pres"] = within(criteria.near, criteria.radius)
    if criteria.box and not criteria.box.whole:
        conditions.fixed["boite"] = inside(criteria.box)
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
        borne = bearing(codes)  # what an index answers
        return Statement(
            f"({borne.sql} AND EXISTS ("
            "SELECT FROM unnest(l.statuses, l.statuses_until) s (status, until)"
            " WHERE status = ANY (%s) AND until >= %s))",
            [*borne.params, ids, today],
        )
    return Statement("l.facets && %s::integer[]", [sorted(codes)])


def bearing(statuses: frozenset[int]) -> Statement:
    """Was once certified for one of these, whether or not it still is."""
    return Statement("l.statuses && %s::integer[]", [sorted(status % STEP for status in statuses)])


def serving(city: CityLabel) -> Statement:
    """Whose territory holds this city, by its name or as part of something larger."""
    codes = [PROVINCE, city.region, city.county, city.code]
    return Statement("l.territory && %s::integer[]", [codes])


def saying(query: search.Query) -> Statement:
    """Holds the words of the query, written out in the condition."""
    asked = search.tsquery(query)
    return Statement(f"l.search @@ ({asked.sql})", asked.params)


def in_town(town: search.Town | None) -> list[Statement]:
    """Says the name of the city that the query names, is there or serves it."""
    if not town:
        return []
    there = Statement("l.facets && %s::integer[]", [[town.code]])
    served = Statement("l.territory && %s::integer[]", [list(town.territories)])
    return [some([saying(search.parse(town.words)), there, served])]


def distance_to(place: Place) -> Statement:
    """Kilometres on the sphere (haversine)."""
    return Statement(
        f"""({2 * EARTH_RADIUS} * asin(sqrt(least(1,
            power(sin(radians(l.latitude - %s) / 2), 2) + cos(radians(%s))
            * cos(radians(l.latitude)) * power(sin(radians(l.longitude - %s) / 2), 2)))))""",
        [place.latitude, place.latitude, place.longitude],
    )


def within(place: Place, radius: float) -> Statement:
    """At most `radius` kilometres from there."""
    # The index on positions answers the box.
    box, distance = inside(place.around(radius)), distance_to(place)
    return Statement(
        f"({box.sql} AND {distance.sql} <= %s)", [*box.params, *distance.params, radius]
    )


def inside(box: Box) -> Statement:
    """On this part of the map, its edges included."""
    return Statement(
        "(l.latitude BETWEEN %s AND %s AND l.longitude BETWEEN %s AND %s)",
        [box.south, box.north, box.west, box.east],
    )


def matching(criteria: Criteria, state: State) -> tuple[Statement, Statement]:
    """What another statement needs to read the listings `l` that these criteria find: the start of
    its WITH, empty or ending with a comma, and its WHERE."""
    return asked_words(criteria.query), conditions_of(criteria, state).all_but(None)


def asked_words(query: search.Query) -> Statement:
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


def ranks_of(query: search.Query) -> list[str]:
    """The relevance of a listing `l`, most weighty first: what was typed, then its synonyms. To
    bear the name of the city, by being there or being called so, counts double."""
    if query.neq:
        return []
    widened = any(group.widened for group in query.groups)
    columns = ["typed", "q"] if widened else ["q"]
    double = " * (1 + (l.keywords @@ (SELECT town FROM asked))::integer)" if query.town else ""
    return [
        f"ts_rank({WEIGHTS}, l.keywords, (SELECT {column} FROM asked), 1){double}"
        for column in columns
    ]
