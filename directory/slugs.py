"""The address of a listing: made of its name, never that of a page, never given twice."""

import re

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.text import slugify

from directory.models import Enterprise
from directory.models.enterprises import RESERVED_SLUGS
from directory.search import fold

#: Addresses of pages, and « nouvelle », which in a file means that no listing is meant.
RESERVED = frozenset({*RESERVED_SLUGS, "nouvelle"})


class Slugs:
    """Gives addresses that are not among those `taken`, which it adds to."""

    def __init__(self, taken: set[str]):
        self.taken = taken

    @classmethod
    def of_the_site(cls) -> "Slugs":
        """Taken are those that listings have, and those that they had, which lead to them."""
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT slug FROM directory_enterprise UNION
                SELECT c.slug FROM directory_change c
                    JOIN directory_enterprise e ON e.id = c.enterprise_id"""
            )
            return cls({slug for (slug,) in cursor.fetchall()})

    def new(self, name: str, city_slug: str) -> str:
        words = slugify(re.sub(r"['_]", "-", fold(name)))
        plain, number = short(words, 80) or "entreprise", 1
        slug = plain
        while slug in self.taken or slug in RESERVED:
            slug = f"{short(plain, 50)}-{short(city_slug, 40)}"
            slug += f"-{number}" if number > 1 else ""
            number += 1
        self.taken.add(slug)
        return slug


#: The enterprise that last stood, published, at an address.
LAST_AT = "SELECT enterprise_id FROM directory_change WHERE slug = %s"


def stood_at(slug: str, among: QuerySet[Enterprise]) -> Enterprise | None:
    """The one `among` these to which this address leads, that it had; or that it has."""
    return among.filter(pk=RawSQL(LAST_AT, [slug])).first()


def short(slug: str, most: int) -> str:
    """Its first characters, with no hyphen twice, first or last."""
    return re.sub(r"-{2,}", "-", slug)[:most].strip("-")
