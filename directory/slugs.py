"""The address of a listing: made of its name, never that of a page, never given twice."""

from django.utils.text import slugify

from directory.models.enterprises import RESERVED_SLUGS
from directory.search import fold

#: Addresses of pages, and « nouvelle », which in a file means that no listing is meant.
RESERVED = frozenset({*RESERVED_SLUGS, "nouvelle"})


class Slugs:
    """Gives addresses that are not among those `taken`, which it adds to."""

    def __init__(self, taken: set[str]):
        self.taken = taken

    def new(self, name: str, city_slug: str) -> str:
        plain = slugify(fold(name).replace("'", "-"))[:80].strip("-") or "entreprise"
        slug, number = plain, 1
        while slug in self.taken or slug in RESERVED:
            slug = f"{plain[:50]}-{city_slug[:40]}" + (f"-{number}" if number > 1 else "")
            number += 1
        self.taken.add(slug)
        return slug
