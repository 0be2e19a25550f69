"""The listings that a buyer would consider beside one: of the same trade, near it or serving its
city. One statement, whose work is bounded whatever the size of the directory."""

from typing import Any

from django.db import connection

from directory.conditions import starting_point
from directory.criteria import Place
from directory.facets import PROVINCE, STEP, Dimension, code
from directory.labels import CityLabel
from directory.search import STOP_WORDS, Statement
from directory.state import State

SHOWN = 4
#: Rows read at most, and those of them that are compared.
READ, COMPARED = 2_000, 200
NEAR = 25  # km

TRADES = f"({Dimension.SECTOR:d}, {Dimension.CATEGORY:d})"
OFFERED = "ARRAY['b']::\"char\"[]"
COLUMNS = "enterprise_id, position, territory, latitude, longitude"
STOPS = sorted(STOP_WORDS)

# Of the same trade, and with a tenth of the words of what they offer in common: a category holds
# translators and printers, and no buyer takes one for the other. The closest share the most of the
# words of their products and services (weight B of `keywords`), then of their categories and
# sectors: twice what is common over what both have, so that neither a long list nor a short one
# gains. Rounded, because a hundredth means nothing: those as close come in the neutral order of the
# day, which favours nobody. The same order draws those compared, where there are more than can be.
SQL = f"""
WITH own AS MATERIALIZED (
    SELECT ARRAY(SELECT unnest(tsvector_to_array(ts_filter(keywords, {OFFERED}))) EXCEPT
        SELECT unnest(%s::text[])) AS words, %s::text[] AS stops,
        ARRAY(SELECT f FROM unnest(facets) f WHERE f / {STEP} IN {TRADES}) AS trades
    FROM directory_listing WHERE enterprise_id = %s
),
alike AS MATERIALIZED (
    {{alike}}
),
drawn AS MATERIALIZED (
    SELECT enterprise_id, position < %s AS tomorrow, position FROM alike
    WHERE enterprise_id <> %s AND (
        territory && %s::integer[]
        OR (latitude BETWEEN %s AND %s AND longitude BETWEEN %s AND %s))
    ORDER BY tomorrow, position, enterprise_id LIMIT {COMPARED}
),
compared AS (
    SELECT l.card, d.tomorrow, d.position, l.enterprise_id,
        10 * w.common >= greatest(1, (cardinality(own.words) + w.number) / 2) AS said_alike,
        round(4.0 * w.common / greatest(1, cardinality(own.words) + w.number)
            + 2.0 * t.common / greatest(1, cardinality(own.trades) + t.number), 1) AS closeness
    FROM drawn d JOIN directory_listing l USING (enterprise_id) CROSS JOIN own
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, count(*) FILTER (WHERE word = ANY (own.words)) AS common
        FROM unnest(tsvector_to_array(ts_filter(l.keywords, {OFFERED}))) word
        WHERE NOT word = ANY (own.stops)
    ) w
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, count(*) FILTER (WHERE f = ANY (own.trades)) AS common
        FROM unnest(l.facets) f WHERE f / {STEP} IN {TRADES}
    ) t
)
SELECT json_agg(card ORDER BY closeness DESC, tomorrow, position, enterprise_id) FROM (
    SELECT * FROM compared WHERE said_alike
    ORDER BY closeness DESC, tomorrow, position, enterprise_id LIMIT {SHOWN}
) shown"""


def similar(enterprise: Any, state: State) -> list[dict]:
    """The cards (see `Listing.card`) of at most four other published enterprises, the closest
    first; none where nothing says what `enterprise`, as `profile.profiles()` gives it, does."""
    categories = [row["category"] for row in enterprise.offering_list if row["category"]]
    trades = [code(Dimension.CATEGORY, row_id) for row_id in dict.fromkeys(categories)]
    trades = trades or [code(Dimension.SECTOR, row_id) for row_id in enterprise.sector_ids]
    if not trades:
        return []
    city = state.labels.city(enterprise.city_id)
    alike = _alike(trades, city, state)
    latitude = city.latitude if enterprise.latitude is None else enterprise.latitude
    longitude = city.longitude if enterprise.longitude is None else enterprise.longitude
    box = Place("", latitude, longitude).around(NEAR)  # near enough
    with connection.cursor() as cursor:
        cursor.execute(
            SQL.format(alike=alike.sql),
            [
                *(STOPS, STOPS, enterprise.pk),
                *alike.params,
                starting_point(state.today),
                enterprise.pk,
                [PROVINCE, city.region, city.county, city.code],
                *(box.south, box.north, box.west, box.east),
            ],
        )
        (cards,) = cursor.fetchone()
    return cards or []


def _alike(trades: list[int], city: CityLabel, state: State) -> Statement:
    """The rows to look at: those that bear one of the trades, anywhere while they are few enough to
    be all read, else in a place small enough, else the rarest trade alone; and where even those are
    too many, the first of them in the neutral order of the day.

    How many there are is known from the counts of the whole directory, without asking; they may be
    a minute old, or none yet in a database just filled: `READ` holds in any case. The few are found
    by listing_facets; of the many, the first by walking along listing_position."""
    counts, total = state.snapshot.counts, max(state.snapshot.total, 1)
    rarest = min(trades, key=lambda trade: (counts.get(trade, 0), trade))
    steps = [(trades, place) for place in (None, city.region, city.county, city.code)]
    for some, place in [*steps, ([rarest], city.code)]:
        among = min(sum(counts.get(trade, 0) for trade in some), total)
        expected = among * (counts.get(place, 0) / total if place else 1)
        if expected <= READ:
            break
    where, params = "facets && %s::integer[]", [some]
    if place is not None:
        where, params = where + " AND facets @> %s::integer[]", [some, [place]]
    if expected <= READ:
        return Statement(
            f"SELECT {COLUMNS} FROM directory_listing WHERE {where} LIMIT {READ}", params
        )
    start = starting_point(state.today)
    first, second = (
        f"(SELECT {COLUMNS} FROM directory_listing WHERE {where} AND position {side} %s"
        f" ORDER BY position, enterprise_id LIMIT {COMPARED})"
        for side in (">=", "<")
    )
    # An append is read in order: the second branch if the first runs out.
    return Statement(
        f"{first} UNION ALL {second} LIMIT {COMPARED}", [*params, start, *params, start]
    )
