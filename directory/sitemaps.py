"""The map of the site for search engines: every page that anyone may open, and no other.

Enterprises are cut by their numbers in the database: whatever is published or withdrawn, a page
stays in its section, and the last is read as fast as the first.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.urls import reverse

from directory.facets import Dimension
from directory.models import Enterprise
from directory.state import State

#: Enterprises of a section at most: a tenth of a second of drawing. The protocol allows 50,000.
SECTION = 2_000
ENTERPRISES = "entreprises"

PAGES = (
    "home",
    "list",
    "map",
    "regions",
    "news",
    "open_data",
    "suggest",
    "about",
    "accessibility",
    "privacy",
)
LANDINGS = {
    "secteurs": ("directory:sector", Dimension.SECTOR),
    "regions": ("directory:region", Dimension.REGION),
    "villes": ("directory:city", Dimension.CITY),
}

# From one section that holds something to the next: as many steps as sections.
SECTIONS_SQL = f"""
WITH RECURSIVE section AS (
    SELECT min(enterprise_id) / {SECTION} AS number FROM directory_listing
    UNION ALL
    SELECT (SELECT min(enterprise_id) / {SECTION} FROM directory_listing
            WHERE enterprise_id >= (section.number + 1) * {SECTION})
    FROM section WHERE section.number IS NOT NULL
)
SELECT number FROM section WHERE number IS NOT NULL
"""


def sections(state: State) -> list[str]:
    """The names of the sections; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(SECTIONS_SQL)
        numbers = [number for (number,) in cursor.fetchall()]
    names = [name for name in LANDINGS if any(_landings(name, state))]
    return ["pages", *names, *(f"{ENTERPRISES}-{number + 1}" for number in numbers)]


def paths(name: str, state: State) -> list[tuple[str, datetime | None]] | None:
    """The paths of a section, and when each page changed where that is known; None where there is
    no such section. At most one statement."""
    if name == "pages":
        return [(reverse(f"directory:{page}"), None) for page in PAGES]
    if name in LANDINGS:
        return [(path, None) for path in _landings(name, state)]
    kind, _, number = name.rpartition("-")
    # Seven digits: no number of the database goes further, and its own type is not exceeded.
    if kind != ENTERPRISES or not (number.isascii() and number.isdigit()) or len(number) > 7:
        return None
    first = (int(number) - 1) * SECTION
    rows = (
        Enterprise.objects.listed()
        .filter(pk__gte=first, pk__lt=first + SECTION)
        .order_by("pk")
        .values_list("slug", "updated_at")
    )
    base = reverse("directory:list")
    return [(f"{base}{slug}/", updated_at) for slug, updated_at in rows] or None


def _landings(name: str, state: State) -> Iterator[str]:
    """The pages that have something to show."""
    view, dimension = LANDINGS[name]
    for label in state.labels.of(dimension):
        if label.code in state.whole.counts and not label.retired:
            yield reverse(view, args=[label.key])
