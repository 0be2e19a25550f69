"""All that a search finds, to the last: its keys, then its rows."""

import sys
from array import array
from collections.abc import Sequence

from django.db import connection

from directory import search
from directory.conditions import distance_to, matching, ordered, ranks_of
from directory.criteria import RANKED, Criteria, Place
from directory.results import ROW
from directory.search import Statement
from directory.state import State


def comes_by_name(criteria: Criteria, found: int) -> bool:
    """Whether a file of so many comes by name, though the page came by relevance."""
    return criteria.order == "pertinence" and found > RANKED


def every_id(criteria: Criteria, state: State) -> "array[int]":
    """The enterprises that the criteria find, to the last: their keys, eight bytes each, read in
    one statement. They come in the order of the page; by name where more match than relevance
    ranks."""
    asked, where = matching(criteria, state)
    source = Statement(f"directory_listing l WHERE {where.sql}", where.params)
    if criteria.order == "pertinence":
        ranks = ranks_of(criteria.query)
        source = Statement(
            f"""(SELECT l.enterprise_id, l.sort_name = %s AS exact,
                    count(*) OVER () <= {RANKED} AS few
                FROM {source.sql}) matched
            JOIN directory_listing l USING (enterprise_id)""",
            [search.fold(criteria.query.text), *where.params],
        )
        keys = ["NOT exact", *(f"-{rank}" for rank in ranks)]
        relevant = ", ".join(f"CASE WHEN few THEN {key} END" for key in keys)
        equal = ordered(criteria.order, state)
        order = Statement(
            f"{relevant}, CASE WHEN NOT few THEN l.sort_name END, {equal.sql}", equal.params
        )
    else:
        distance = distance_to(criteria.near) if criteria.near else Statement("NULL")
        order = ordered(criteria.order, state, distance)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH {asked.sql} nothing AS (SELECT)
            SELECT string_agg(int8send(l.enterprise_id), '' ORDER BY {order.sql})
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
    place = distance_to(near) if near else Statement("NULL")
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
