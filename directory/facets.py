"""The dimensions a search narrows by, and how a value of one is numbered in `Listing.facets`."""

from enum import IntEnum

STEP = 1_000_000


class Dimension(IntEnum):
    """The same numbers as in sql/listing.sql."""

    SECTOR = 1
    REGION = 2
    COUNTY = 3
    CITY = 4
    FORM = 5
    BENEFIT = 6
    CATEGORY = 7
    STATUS = 8
    RECOGNISED = 9
    CONFIRMED = 10


#: The whole province, in `Listing.territory`.
PROVINCE = 0
#: The counts of the two yes-or-no filters.
RECOGNISED = 9 * STEP + 1
CONFIRMED = 9 * STEP + 2


def code(dimension: Dimension, row_id: int) -> int:
    """The number of a facet's value, from that of its row."""
    return dimension * STEP + row_id
