"""Labels renamed on more listings than a request may refresh: their queue, and its work."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from directory.transactions import long_transaction

BATCH = 500


def settle() -> Iterator[int]:
    """Put the new name of each queued label in the search text of its listings.

    In batches, each its own transaction, so that no writer waits long; gives the number of
    listings refreshed by each. A renaming leaves the queue when its last batch is done: stopped
    half-way, or the label renamed once more meanwhile, it is begun again."""
    while renaming := _next():
        dimension, row_id, _ = renaming
        with long_transaction(), connection.cursor() as cursor:
            # Whoever wrote with the old name has committed once this is granted.
            cursor.execute("SELECT public.directory_change_labels()")
        last = 0
        while True:
            with long_transaction(), connection.cursor() as cursor:
                cursor.execute(
                    """SELECT array_agg(bearer ORDER BY bearer) FROM (
                           SELECT DISTINCT bearer FROM public.directory_bearers(%s, %s) bearer
                           WHERE bearer > %s ORDER BY bearer LIMIT %s) batch""",
                    [dimension, row_id, last, BATCH],
                )
                (ids,) = cursor.fetchone()
                if not ids:
                    cursor.execute(
                        "DELETE FROM directory_renaming"
                        " WHERE (dimension, row_id, asked_at) = (%s, %s, %s)",
                        renaming,
                    )
                    break
                cursor.execute("SELECT public.directory_refresh_listings(%s)", [ids])
                last = ids[-1]
            yield len(ids)


def _next() -> tuple[int, int, datetime] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dimension, row_id, asked_at FROM directory_renaming ORDER BY id LIMIT 1"
        )
        return cursor.fetchone()
