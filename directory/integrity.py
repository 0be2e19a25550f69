"""Whether what is stored for speed still says what the sources say."""

import json
from dataclasses import dataclass, field
from datetime import date

from django.db import connection

#: Columns of `Listing` that the database computes; its neutral position is drawn, not computed.
COLUMNS = """
    neq sort_name search keywords facets territory statuses statuses_until recognised_on
    recognised_until confirmed_on published_on latitude longitude card
""".split()  # noqa: SIM905 a list of words, not of strings
MOST_SHOWN = 20

COMPARISON = f"""
WITH awaited AS (
    SELECT DISTINCT bearer FROM directory_renaming r,
        public.directory_bearers(r.dimension, r.row_id) bearer
), compared AS (
    SELECT coalesce(t.enterprise_id, l.enterprise_id) AS id,
        CASE WHEN l.enterprise_id IS NULL THEN 'missing'
             WHEN t.enterprise_id IS NULL THEN 'left over'
             ELSE concat_ws(', ', {
    ", ".join(
        f"CASE WHEN t.{column} IS DISTINCT FROM l.{column} THEN '{column}' END"
        for column in COLUMNS
    )
}) END AS difference
    FROM directory_listing_truth t FULL JOIN directory_listing l USING (enterprise_id)
)
SELECT id, difference,
    difference IN ('search', 'search, keywords') AND id IN (SELECT bearer FROM awaited)
FROM compared WHERE difference <> '' ORDER BY id
"""


#: Tables that a listing is made of, and those that name what it bears (sql/listing.sql).
SOURCES = """
    enterprise enterprise_sectors enterprise_served_regions enterprise_served_counties
    enterprise_served_cities enterprisebenefit certification recognition offering
    offering_served_regions offering_served_counties offering_served_cities
""".split()  # noqa: SIM905
DETAILS = ("contact", "permit", "reference")
LABELS = """
    sector city benefit purchasingcategory status borough region regionalcounty synonymgroup
    synonym postalarea
""".split()  # noqa: SIM905


#: Tables whose rows an address shows; what changes in them is remembered (sql/changes.sql).
SHOWN = ("offering", "certification", "enterprisebenefit", *DETAILS)

# Within a transaction that writes, what it touched is settled at its end.
CHANGES = """
SELECT slug FROM (SELECT * FROM directory_change WHERE NOT withdrawn) c
FULL JOIN (
    SELECT id, slug FROM directory_enterprise
    WHERE public.directory_listed(state, unreachable_since, confirmed_on)) e USING (slug)
WHERE (c.enterprise_id IS NULL OR e.id IS NULL) AND NOT EXISTS (
    SELECT FROM directory_changing g
    WHERE g.transaction = pg_current_xact_id_if_assigned()
        AND g.enterprise_id IN (c.enterprise_id, e.id))
ORDER BY 1
"""


def triggers() -> list[tuple[str, str]]:
    """Table and name of each trigger without which listings or the version would drift."""
    when = ("before", "insert", "update", "delete", "truncate")
    return [
        ("directory_touch", "directory_touch_committed"),
        *((f"directory_{table}", f"listing_{moment}") for table in SOURCES for moment in when),
        *((f"directory_{table}", "listing_detail") for table in DETAILS),
        *((f"directory_{table}", f"label_{m}") for table in LABELS for m in ("update", "others")),
        *((f"directory_{table}", "place_moved") for table in ("city", "regionalcounty")),
        ("directory_touch", "directory_touch_changes"),
        ("directory_touch", "directory_touch_recorded"),
        ("directory_enterprise", "change_enterprise"),
        ("directory_listing", "change_listing"),
        ("directory_listing", "change_truncate"),
        *((f"directory_{table}", "change_update") for table in SHOWN),
        *(
            (f"directory_{table}", f"change_{m}")
            for table in DETAILS
            for m in ("others", "truncate")
        ),
    ]


@dataclass
class Report:
    listings: int = 0
    #: One line a difference: what, which row, in what.
    wrong: list[str] = field(default_factory=list)
    #: Listings whose search text waits for a queued renaming.
    pending: int = 0


def check(today: date) -> Report:
    """Compare listings, whole-directory counts, the map's cells and triggers with the truth, in one
    pass each.

    Reads only; at a million listings it takes minutes, and no lock that a writer waits for."""
    report = Report()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM directory_listing")
        (report.listings,) = cursor.fetchone()

        cursor.execute(COMPARISON)
        for enterprise_id, difference, awaited in cursor:
            if awaited:
                report.pending += 1
            else:
                report.wrong.append(f"listing {enterprise_id}: {difference}")

        cursor.execute(CHANGES)
        report.wrong += [f"change {slug}: not as its enterprise" for (slug,) in cursor]

        cursor.execute(
            """SELECT s.counts, public.directory_count_facets(s.day), s.total,
                   (SELECT count(*) FROM directory_listing)
               FROM directory_snapshot s JOIN directory_version v ON v.version = s.version
               WHERE s.day = %s""",
            [today],
        )
        if row := cursor.fetchone():
            stored, true, total, listings = row
            if total != listings:
                report.wrong.append(f"snapshot total: {total} stored, {listings} counted")
            stored, true = json.loads(stored), json.loads(true)
            report.wrong += [
                f"snapshot count {code}: {stored.get(code, 0)} stored, {true.get(code, 0)} counted"
                for code in sorted(stored.keys() | true.keys())
                if stored.get(code) != true.get(code)
            ]

        # Cells of the map, where they are said to be those of now: the deepest level one by one,
        # the others by what they hold together.
        cursor.execute(
            """SELECT coalesce(t.level, c.level), count(*)
               FROM public.directory_cell_truth t
               FULL JOIN (SELECT * FROM directory_cell WHERE level = 14) c USING (x, y)
               WHERE (t.listings, t.first_id) IS DISTINCT FROM (c.listings, c.first_id)
                   AND EXISTS (SELECT FROM directory_cells_taken JOIN directory_version
                               USING (version))
               GROUP BY 1
               UNION ALL
               SELECT level, 1 FROM directory_cell
               WHERE EXISTS (SELECT FROM directory_cells_taken JOIN directory_version
                             USING (version))
               GROUP BY level
               HAVING level < 14 AND sum(listings) <> (SELECT count(*) FROM directory_listing)"""
        )
        report.wrong += [f"map level {level}: {cells} cells differ" for level, cells in cursor]

        cursor.execute(
            """SELECT tgrelid::regclass::text, tgname, tgenabled = 'O' FROM pg_trigger
               WHERE NOT tgisinternal ORDER BY 1, 2"""
        )
        enabled = {(table, name): on for table, name, on in cursor}
        report.wrong += [
            f"trigger {name} of {table} is {'disabled' if (table, name) in enabled else 'missing'}"
            for table, name in triggers()
            if not enabled.get((table, name))
        ]
    return report
