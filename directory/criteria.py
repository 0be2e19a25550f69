"""What a search asks, whatever asked it: a page, a map, a file."""

import math
from dataclasses import dataclass, field, replace

from directory import search
from directory.facets import Dimension
from directory.labels import CityLabel

PAGE_SIZE = 20
LAST_PAGE = 50
#: By relevance, so many can be paged through: a sample of a large directory holds as many. A file
#: of more comes by name: to rank a hundred thousand takes four times as long as to find them.
RANKED = 1_000
RADII = (5, 10, 25, 50, 100)  # km
RADIUS = 25
#: The closest that a map is looked at, as web maps count it.
CLOSEST = 18
SORTS = ("pertinence", "rotation", "nom", "proximite", "recent")


#: Kilometres of a degree of latitude, a little less than on the sphere of `conditions`.
DEGREE = 111.19


@dataclass(frozen=True)
class Place:
    name: str
    latitude: float
    longitude: float

    def around(self, radius: float) -> "Box":
        """A box that holds all that is within `radius` kilometres."""
        height = radius / DEGREE
        # Degrees of longitude are shortest on the side of the pole.
        width = height / math.cos(math.radians(min(abs(self.latitude) + height, 85)))
        return Box(
            self.longitude - width,
            self.latitude - height,
            self.longitude + width,
            self.latitude + height,
        )


@dataclass(frozen=True)
class Box:
    """A part of the map, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def whole(self) -> bool:
        """Whether no listing can be outside."""
        across = self.west <= PROVINCE.west and PROVINCE.east <= self.east
        return across and self.south <= PROVINCE.south and PROVINCE.north <= self.north


#: Where a position may be, as the database has it.
PROVINCE = Box(-80.5, 44.5, -56.5, 63.0)


@dataclass
class Criteria:
    query: search.Query = search.Query()
    #: Dimension → codes of which a listing must bear one.
    facets: dict[Dimension, frozenset[int]] = field(default_factory=dict)
    served: CityLabel | None = None
    near: Place | None = None
    radius: int = RADIUS  # km
    box: Box | None = None
    #: How closely a map is looked at, 0 from afar; None where it is not said.
    zoom: int | None = None
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    #: The parameters whose values are to be shown to the last.
    whole: frozenset[str] = frozenset()

    @property
    def order(self) -> str:
        """The order asked for where it makes sense here, else the one that does."""
        unsorted = "proximite" if self.near else "rotation"
        usual = "pertinence" if self.query else unsorted
        senseless = {"pertinence": not self.query, "proximite": not self.near}
        return usual if senseless.get(self.sort, not self.sort) else self.sort

    @property
    def up_to(self) -> int:
        """How many listings the page asked for ends with."""
        return self.page * self.size

    @property
    def reach(self) -> int:
        """How many of the listings found can be paged through."""
        ranked = self.order == "pertinence" and not self.query.neq
        return min(RANKED, LAST_PAGE * self.size) if ranked else LAST_PAGE * self.size

    @property
    def only_facet(self) -> Dimension | None:
        """The facet chosen in, where nothing else narrows: what it leaves is known from the counts
        of the whole directory."""
        alone = len(self.facets) == 1 and not replace(self, facets={}).narrowed
        return next(iter(self.facets)) if alone else None

    @property
    def narrowed(self) -> bool:
        inside = self.box and not self.box.whole
        return bool(self.query or self.facets or self.served or self.near or inside)


def wider(radius: int) -> int | None:
    """The next radius offered, None beyond the last."""
    return next((larger for larger in RADII if larger > radius), None)
