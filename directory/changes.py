"""What became of the public addresses since a version of the data, or a day."""

from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.db import connection
from django.utils import timezone

#: Addresses in one answer.
BATCH = 1_000

SQL = """
SELECT v.version, coalesce((
    SELECT json_agg(row) FROM (
        SELECT json_build_object(
            'slug', c.slug, 'version', k.version, 'at', k.committed_at,
            'withdrawn', c.withdrawn, 'new', p.version > since.version,
            'state', e.state, 'closing', e.closing, 'slug_now', e.slug, 'successor', r.slug) AS row
        FROM directory_commit k
        JOIN directory_change c ON c.transaction = k.transaction
        JOIN directory_commit p ON p.transaction = c.published
        LEFT JOIN directory_enterprise e ON e.id = c.enterprise_id
        LEFT JOIN directory_enterprise r ON r.id = e.replaced_by_id AND r.state = 'published'
        WHERE k.version > since.version AND (k.version, c.slug) > (%(from)s, %(after)s)
        ORDER BY k.version, c.slug LIMIT %(most)s
    ) found), '[]')
FROM directory_version v, (
    SELECT CASE WHEN %(at)s::timestamptz IS NULL THEN %(version)s ELSE coalesce((
        SELECT max(version) FROM directory_commit WHERE committed_at < %(at)s), -1) END AS version
) since
"""


@dataclass(frozen=True)
class Since:
    """Where a reader stands: `version` or the beginning of `day`, and in a list that is given in
    several parts, the last address it was given."""

    version: int = -1
    day: date | None = None
    from_version: int = -1
    after: str = ""


@dataclass
class Changes:
    #: The version to ask from next time.
    version: int
    published: list[dict] = field(default_factory=list)
    changed: list[dict] = field(default_factory=list)
    withdrawn: list[dict] = field(default_factory=list)
    #: (version, slug) of the last one, where there are more.
    last: tuple[int, str] | None = None


def since(asked: Since) -> Changes:
    """The addresses published, changed and withdrawn since, each once, in the state they are in
    now; in one statement. Of one withdrawn nothing is given but its slug and what the public is
    told. A draft that never was public has no address here."""
    at = asked.day and timezone.make_aware(datetime.combine(asked.day, time.min))
    with connection.cursor() as cursor:
        cursor.execute(
            SQL,
            {
                "at": at,
                "version": asked.version,
                "from": asked.from_version,
                "after": asked.after,
                "most": BATCH + 1,
            },
        )
        version, rows = cursor.fetchone()
    changes = Changes(version)
    for row in rows[:BATCH]:
        entry = {"slug": row["slug"], "at": row["at"]}
        if row["withdrawn"]:
            changes.withdrawn.append(entry | _told(row))
        else:
            (changes.published if row["new"] else changes.changed).append(entry)
    if len(rows) > BATCH:
        last = rows[BATCH - 1]
        changes.last = last["version"], last["slug"]
    return changes


def _told(row: dict) -> dict:
    """Why an address is withdrawn, as `closed`, `replaced`, `moved`, `unreachable` (its page is
    still there) or `unpublished`, and the address that stands for it now, if any."""
    if row["state"] == "published" and row["slug_now"] == row["slug"]:
        return {"reason": "unreachable", "successor": None}
    if row["state"] == "published":
        return {"reason": "moved", "successor": row["slug_now"]}
    if row["closing"] == "replaced" and row["successor"]:
        return {"reason": "replaced", "successor": row["successor"]}
    reason = "closed" if row["closing"] == "closed" else "unpublished"
    return {"reason": reason, "successor": None}


def forget() -> int:
    """Erase the versions that no address remembers any more, but the last; how many there were.

    A version since which nothing is remembered tells the same as the one before it: whoever asks
    from it, or from its day, is told what they would have been. So what is kept grows with the
    directory and not with its use."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM directory_commit k
               WHERE version < (SELECT max(version) FROM directory_commit)
                   AND NOT EXISTS (SELECT FROM directory_change WHERE transaction = k.transaction)
                   AND NOT EXISTS (SELECT FROM directory_change WHERE published = k.transaction)"""
        )
        return cursor.rowcount


def last_day() -> date | None:
    """The day of the last change, where one is known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT committed_at FROM directory_commit ORDER BY version DESC LIMIT 1")
        row = cursor.fetchone()
    return timezone.localdate(row[0]) if row else None
