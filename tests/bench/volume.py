"""A directory of the size asked for.

Up to Québec's size the generator writes every enterprise. A million would take it the better part
of an hour: beyond, the rows of the first ones are copied, each with another name, at another place
of the neutral order and a few kilometres off. Words, sectors, cities and statuses keep their
frequencies, which is what response times depend on. The copies have no children, so their profiles
are bare; what is measured on writes is measured on the originals.
"""

import io

from django.core.management import call_command
from django.db import connection

GENERATED = 12_000
#: Added to a key once a copy: more than all keys of the originals.
STRIDE = 100_000_000

COPY_ENTERPRISES = """
INSERT INTO directory_enterprise ({columns})
SELECT {values} FROM directory_enterprise e, generate_series(%s, %s) k
WHERE e.state = 'published' AND e.id < {stride}
"""
COPY_LISTINGS = """
INSERT INTO directory_listing ({columns})
SELECT {values} FROM directory_listing l, generate_series(%s, %s) k
WHERE l.enterprise_id < {stride}
"""


def generate(rows):
    call_command(
        "generate_enterprises", str(min(rows, GENERATED)), seed="bench", stdout=io.StringIO()
    )
    settle()


def multiply(rows):
    """Copy what is there until there are so many listings, or somewhat more."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
        cursor.execute("SELECT count(*) FROM directory_listing")
        (published,) = cursor.fetchone()
        copies = -(-rows // published) - 1
        cursor.execute("ALTER TABLE directory_enterprise DISABLE TRIGGER USER")
        _copy(
            cursor,
            COPY_ENTERPRISES,
            "directory_enterprise",
            {
                "id": f"e.id + k * {STRIDE}::bigint",
                "neq": "NULL",
                "slug": "left(e.slug, 90) || '-' || k",
                "name": "left(e.name, 190) || ' ' || k",
                "replaced_by_id": "NULL",
            },
            copies,
        )
        cursor.execute("ALTER TABLE directory_enterprise ENABLE TRIGGER USER")
        dropped = _drop_indexes(cursor)
        _copy(
            cursor,
            COPY_LISTINGS,
            "directory_listing",
            {
                "enterprise_id": f"l.enterprise_id + k * {STRIDE}::bigint",
                "neq": "NULL",
                "sort_name": "l.sort_name || ' ' || k",
                "position": "random()",
                "latitude": "l.latitude + (random() - 0.5) / 20",
                "longitude": "l.longitude + (random() - 0.5) / 20",
                "card": "l.card || jsonb_build_object('neq', NULL,"
                " 'slug', left(l.card->>'slug', 90) || '-' || k,"
                " 'name', left(l.card->>'name', 190) || ' ' || k)",
            },
            copies,
        )
        for definition in dropped:
            cursor.execute(definition)
        cursor.execute("UPDATE directory_version SET version = version + 1")
    settle()


def _copy(cursor, statement, table, changed, copies):
    cursor.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    alias = "e" if table == "directory_enterprise" else "l"
    columns = [name for (name,) in cursor.fetchall()]
    values = [changed.get(name, f'{alias}."{name}"') for name in columns]
    cursor.execute(
        statement.format(
            columns=", ".join(f'"{name}"' for name in columns),
            values=", ".join(values).replace("%", "%%"),
            stride=STRIDE,
        ),
        [1, copies],
    )


def _drop_indexes(cursor):
    """Indexes are made anew once the rows are there, ten times faster; gives how."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename = 'directory_listing' AND indexname NOT LIKE '%%_pkey'"
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in indexes]


def settle():
    """What a server does in its idle time."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
