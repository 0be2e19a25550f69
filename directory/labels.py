"""Names of places and vocabularies, held in memory: results are joined to them when shown.

The database gives them whole (`public.directory_labels()`), again only when one has changed.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from django.conf import settings

from directory.facets import Dimension, code
from directory.models import Enterprise
from directory.search import fold, synonym_key

#: « St-Bruno », « Ste Julie », as people type them.
ABBREVIATED_SAINT = re.compile(r"\bst(e?)\.?-")


def place_key(text: str) -> str:
    """The name of a place as a search compares it: folded, with hyphens, its saint whole."""
    return ABBREVIATED_SAINT.sub(r"saint\1-", fold(text).replace(" ", "-"))


@dataclass(frozen=True)
class Label:
    """One row of a vocabulary, or a place. `key` is what stands for it in an address."""

    code: int
    key: str
    name: str
    retired: bool = False
    official: str = ""  # the code of a place


@dataclass(frozen=True)
class CityLabel(Label):
    county: int = 0  # facet codes
    region: int = 0
    latitude: float = 0
    longitude: float = 0
    county_name: str = ""
    shared: bool = False  # whether another municipality has the same name

    @property
    def full_name(self) -> str:
        return f"{self.name} ({self.county_name})" if self.shared else self.name


@dataclass
class Labels:
    #: Facet code → label.
    by_code: dict[int, Label] = field(default_factory=dict)
    #: Dimension → what may stand in an address (slug or official code) → label; of a word merged
    #: into another, the label of the other.
    by_key: dict[Dimension, dict[str, Label]] = field(default_factory=dict)
    #: Dimension → its labels, in the order staff gave.
    ordered: dict[Dimension, list[Label]] = field(default_factory=dict)
    cities_by_name: dict[str, CityLabel] = field(default_factory=dict)
    #: The site's own cities, by the folded words of their name, and by the first ones, two at
    #: least, where those are of no other: « saint-bruno ».
    own_cities: dict[str, CityLabel] = field(default_factory=dict)
    cities_by_borough: dict[str, CityLabel] = field(default_factory=dict)
    boroughs: dict[int, str] = field(default_factory=dict)
    #: Row of a borough → row of its city.
    borough_cities: dict[int, int] = field(default_factory=dict)
    postal_areas: dict[str, tuple[float, float]] = field(default_factory=dict)
    synonyms: dict[str, list[str]] = field(default_factory=dict)

    def of(self, dimension: Dimension) -> list[Label]:
        return self.ordered.get(dimension, [])

    def city(self, row_id: int) -> CityLabel:
        return self.by_code[code(Dimension.CITY, row_id)]  # type: ignore[return-value]

    def name(self, dimension: Dimension, row_id: int) -> str:
        return self.by_code[code(dimension, row_id)].name


def read(rows: dict) -> Labels:
    """Labels from what `public.directory_labels()` gave."""
    labels = Labels(by_key={dimension: {} for dimension in Dimension})

    def add(dimension: Dimension, label: Label) -> None:
        labels.by_code[label.code] = label
        labels.ordered.setdefault(dimension, []).append(label)
        labels.by_key[dimension][label.key] = label
        if label.official:
            labels.by_key[dimension][label.official] = label

    for dimension, name in (
        (Dimension.SECTOR, "sectors"),
        (Dimension.BENEFIT, "benefits"),
        (Dimension.STATUS, "statuses"),
        (Dimension.CATEGORY, "categories"),
    ):
        merged = {}
        for row_id, key, text, retired, replaced_by in rows[name] or ():
            add(dimension, Label(code(dimension, row_id), key, text, retired))
            if replaced_by:
                merged[key] = code(dimension, replaced_by)
        for key, other in merged.items():
            labels.by_key[dimension][key] = labels.by_code[other]
    for number, (key, text) in enumerate(Enterprise.LegalForm.choices, start=1):
        # Not lazy: a label is shown thousands of times.
        add(Dimension.FORM, Label(code(Dimension.FORM, number), key, str(text)))
    for row_id, slug, text, official in rows["regions"] or ():
        region = code(Dimension.REGION, row_id)
        add(Dimension.REGION, Label(region, slug, text, official=official))
    county_regions = {}
    county_names = {}
    for row_id, slug, text, title, official, region_id in rows["counties"] or ():
        county = code(Dimension.COUNTY, row_id)
        county_regions[county] = code(Dimension.REGION, region_id)
        county_names[county] = text
        add(Dimension.COUNTY, Label(county, slug, title, official=official))
    homonyms: dict[str, int] = defaultdict(int)
    for row in rows["cities"] or ():
        homonyms[row[2]] += 1
    for row_id, slug, text, official, county_id, latitude, longitude in rows["cities"] or ():
        county = code(Dimension.COUNTY, county_id)
        city = CityLabel(
            code(Dimension.CITY, row_id),
            slug,
            text,
            official=official,
            county=county,
            region=county_regions[county],
            latitude=latitude,
            longitude=longitude,
            county_name=county_names[county],
            # Its own cities a site may name without saying which.
            shared=homonyms[text] > 1 and official not in settings.SITE_CITIES,
        )
        add(Dimension.CITY, city)
        # The most populous of those that share a name comes first.
        labels.cities_by_name.setdefault(place_key(text), city)
    for row_id, text, city_id in rows["boroughs"] or ():
        labels.boroughs[row_id] = text
        labels.borough_cities[row_id] = city_id
        labels.cities_by_borough[place_key(text)] = labels.city(city_id)
    labels.own_cities = _own_cities(labels)
    labels.postal_areas = {key: (lat, lng) for key, (lat, lng) in (rows["postal"] or {}).items()}
    labels.synonyms = _synonyms(rows["synonyms"] or [])
    return labels


def _own_cities(labels: Labels) -> dict[str, CityLabel]:
    known = (labels.by_key[Dimension.CITY].get(code) for code in settings.SITE_CITIES)
    begun: dict[str, list[CityLabel]] = defaultdict(list)
    whole: dict[str, CityLabel] = {}
    for city in known:
        if isinstance(city, CityLabel):
            words = place_key(city.name).split("-")
            whole["-".join(words)] = city
            for size in range(2, len(words)):
                begun["-".join(words[:size])].append(city)
    return {name: cities[0] for name, cities in begun.items() if len(cities) == 1} | whole


def _synonyms(groups: list[list[str]]) -> dict[str, list[str]]:
    """Normalised term → the other terms of its groups, one of each spelling."""
    others: dict[str, dict[str, str]] = defaultdict(dict)
    for terms in groups:
        keyed: dict[str, str] = {}
        for term in terms:
            keyed.setdefault(synonym_key(term), term)
        for key in keyed:
            others[key] |= {other: term for other, term in keyed.items() if other != key}
    return {key: list(terms.values()) for key, terms in others.items()}
