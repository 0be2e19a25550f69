"""The parameters of a search, as they stand in an address.

Values are slugs and official codes, never primary keys. One that means nothing is left out, and
said: a search never answers with an error page.
"""

import re

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters import Filter, FilterSet
from rapidfuzz import process
from rapidfuzz.distance import OSA

from directory import search
from directory.criteria import CLOSEST, LAST_PAGE, RADII, SORTS, Box, Criteria, Place
from directory.facets import PROVINCE, Dimension
from directory.labels import CityLabel, Labels, place_key
from directory.models import Listing
from directory.resources import PRESETS, EnterpriseResource
from directory.search import fold

LARGEST_SIZE = 100
#: Values of one parameter beyond which the rest is left out.
MOST_VALUES = 20
POSTAL_CODE = re.compile(r"([GHJK][0-9][A-Z])(?: ?[0-9][A-Z][0-9])?", re.ASCII)
#: West, south, east and north, in degrees.
BOX = re.compile(
    r"(-?[0-9]{1,3}(?:\.[0-9]{1,9})?)" + r",(-?[0-9]{1,3}(?:\.[0-9]{1,9})?)" * 3, re.ASCII
)
#: The facets that a page may be asked to show whole.
WHOLE = ("secteur", "region", "mrc", "ville", "forme", "statut", "bienfait", "categorie")

#: Letters from which the beginning of a name, or a name with a slip, is taken for that city.
SHORTEST_NAME = 4


class ParameterFilter(Filter):
    """A parameter that narrows the criteria of the set; what it cannot read goes to its notices."""

    def filter(self, asked, values):
        if len(values) > MOST_VALUES:
            asked.notices.append(
                gettext("« %(label)s » : seules les %(most)d premières valeurs comptent.")
                % {"label": self.label, "most": MOST_VALUES}
            )
        self.narrow(asked, values[:MOST_VALUES])
        return asked

    def first(self, asked, values):
        """The value of a parameter that takes one; that there were others is said."""
        if len(values) > 1:
            asked.notices.append(
                gettext("« %(label)s » : seule la première valeur compte.") % {"label": self.label}
            )
        return values[0]

    def ignore(self, asked, value):
        asked.notices.append(
            gettext("« %(label)s » : « %(value)s » ne correspond à rien, ce filtre est ignoré.")
            % {"label": self.label, "value": value if len(value) <= 60 else value[:60] + "…"}
        )


class TextFilter(ParameterFilter):
    NOTICES = {
        "long": lambda: (
            gettext(
                "La recherche dépasse %(most)d caractères : la fin n’a pas été prise en compte."
            )
            % {"most": search.LONGEST_TEXT}
        ),
        "terms": lambda: (
            gettext(
                "La recherche compte plus de %(most)d termes : les derniers n’ont pas été pris en "
                "compte."
            )
            % {"most": search.MOST_TERMS}
        ),
        "negative": lambda: gettext(
            "La recherche ne contient que des mots à exclure : ajoutez un mot à chercher."
        ),
    }

    def narrow(self, asked, values):
        typed = self.first(asked, values)
        query = understand(typed, asked.labels)
        asked.notices += [self.NOTICES[reason]() for reason in query.ignored]
        if not query and not query.ignored:
            self.ignore(asked, typed)
        asked.criteria.query = query


def understand(text: str, labels: Labels) -> search.Query:
    """`text` as typed in the search box: parsed, the city it names apart, synonyms added."""
    query = search.locate(
        search.parse(text), lambda words, before: named_town(words, before, labels)
    )
    return search.widen(query, labels.synonyms)


class FacetFilter(ParameterFilter):
    """Listings that bear one of the values of a dimension."""

    def __init__(self, dimension, **kwargs):
        self.dimension = dimension
        super().__init__(**kwargs)

    def narrow(self, asked, values):
        known = asked.labels.by_key[self.dimension]
        codes = set()
        for value in values:
            if label := known.get(value):
                codes.add(label.code)
            else:
                self.ignore(asked, value)
        if codes:
            asked.criteria.facets[self.dimension] = frozenset(codes)


class FlagFilter(FacetFilter):
    def narrow(self, asked, values):
        for value in values:
            if value == "1":
                asked.criteria.facets[self.dimension] = frozenset()
            else:
                self.ignore(asked, value)


class WholeFilter(ParameterFilter):
    """The facets whose values are to be shown to the last."""

    def narrow(self, asked, values):
        for value in values:
            if value not in WHOLE:
                self.ignore(asked, value)
        asked.criteria.whole = frozenset(values).intersection(WHOLE)


class OneFilter(ParameterFilter):
    """One value, which `understand(value, labels)` turns into an attribute of the criteria."""

    def __init__(self, attribute, understand, **kwargs):
        self.attribute = attribute
        self.understand = understand
        super().__init__(**kwargs)

    def narrow(self, asked, values):
        value = self.first(asked, values)
        understood = self.understand(value, asked.labels)
        if understood is None:
            self.ignore(asked, value)
        else:
            setattr(asked.criteria, self.attribute, understood)


def among(choices):
    known = {str(choice): choice for choice in choices}
    return lambda value, labels: known.get(value)


def find_city(value: str, labels: Labels) -> CityLabel | None:
    """The city that has this slug or geographic code, else whose name, or borough, is meant: whole
    or begun, the site's own cities first, then the most populous; failing that, one slip away."""
    known = labels.by_key[Dimension.CITY]
    if value in known:
        return known[value]
    name = place_key(value[:80])
    own = [labels.by_key[Dimension.CITY].get(code) for code in settings.SITE_CITIES]
    begun = [city for city in own if city and fold(city.name).startswith(name)]
    if len(name) >= SHORTEST_NAME and begun:
        return begun[0]
    if city := labels.cities_by_name.get(name) or labels.cities_by_borough.get(name):
        return city
    if len(name) < SHORTEST_NAME:
        return None
    names = labels.cities_by_name
    alike = process.extractOne(name, names.keys(), scorer=OSA.distance, score_cutoff=1)
    return names[alike[0]] if alike else None


#: Also that of the province: « aliments du Québec » means no city, « à Québec » does.
CAPITAL = "quebec"
ARTICLE = re.compile(r"(?:la|le|les|l'|aux?)(?:-|(?<='))")


def named_town(words: str, before: str, labels: Labels) -> search.Town | None:
    """The city that these words of a search name by its whole name, or that of its borough.

    The site's own cities however they are typed, and by the first words of their name
    (« Saint-Bruno »); the others where nothing but a name is meant: a single word, or hyphens, or
    a capital. Otherwise « bois franc » and « la conception » would be municipalities."""
    name = place_key(words)
    city = labels.own_cities.get(name)
    if not city and (" " not in words or words[0].isupper() or name.startswith("saint")):
        city = labels.cities_by_name.get(name) or labels.cities_by_borough.get(name)
        if city and ARTICLE.match(name) and not words[0].isupper():
            return None
        if name == CAPITAL and before != "a":
            return None
    if not city:
        return None
    return search.Town(
        words=words,
        name=city.full_name,
        key=city.key,
        code=city.code,
        territories=(PROVINCE, city.region, city.county, city.code),
    )


def find_place(value: str, labels: Labels) -> Place | None:
    """The city of this slug, code or name, or the area of this postal code."""
    if city := find_city(value, labels):
        return Place(city.full_name, city.latitude, city.longitude)
    code = POSTAL_CODE.fullmatch(value.upper())
    position = code and labels.postal_areas.get(code[1])
    return Place(value.upper(), *position) if position else None


def find_box(value: str, labels: Labels) -> Box | None:
    """The part of the map that « -73.6,45.4,-73.3,45.6 » means, None where it means none."""
    if not (read := BOX.fullmatch(value)):
        return None
    west, south, east, north = map(float, read.groups())
    real = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return Box(west, south, east, north) if real else None


class EnterpriseFilter(FilterSet):
    """The search contract. `criteria` is what the address asks; `notices`, what it asks in vain."""

    q = TextFilter(label=_("Recherche"))
    secteur = FacetFilter(Dimension.SECTOR, label=_("Secteur d’activité"))
    region = FacetFilter(Dimension.REGION, label=_("Région"))
    mrc = FacetFilter(Dimension.COUNTY, label=_("MRC"))
    ville = FacetFilter(Dimension.CITY, label=_("Ville"))
    forme = FacetFilter(Dimension.FORM, label=_("Forme juridique"))
    statut = FacetFilter(Dimension.STATUS, label=_("Statut"))
    bienfait = FacetFilter(Dimension.BENEFIT, label=_("Bienfait"))
    categorie = FacetFilter(Dimension.CATEGORY, label=_("Catégorie d’achat"))
    reconnue = FlagFilter(Dimension.RECOGNISED, label=_("Reconnue par le Pôle"))
    confirmee = FlagFilter(Dimension.CONFIRMED, label=_("Coordonnées confirmées"))
    dessert = OneFilter("served", find_city, label=_("Territoire desservi"))
    pres = OneFilter("near", find_place, label=_("Près de"))
    rayon = OneFilter("radius", among(RADII), label=_("Rayon"))
    boite = OneFilter("box", find_box, label=_("Zone de la carte"))
    tri = OneFilter("sort", among(SORTS), label=_("Tri"))
    page = OneFilter("page", among(range(1, LAST_PAGE + 1)), label=_("Page"))
    tout = WholeFilter(label=_("Toutes les valeurs"))

    class Meta:
        model = Listing
        fields = []

    def __init__(self, data, labels: Labels):
        # The declarations are read as they stand. A set's own way, copying each and building a
        # form around them, takes longer than the search, to strip spaces from seventeen texts.
        self.filters = self.base_filters
        self.labels = labels
        self.notices: list[str] = []
        self.criteria = Criteria()
        for name, filter_ in self.filters.items():
            if values := given(data, name):
                filter_.filter(self, values)


def given(data, name):
    """The values of a parameter, once each, blanks apart."""
    values = (text.strip() for text in data.getlist(name))
    return list(dict.fromkeys(value for value in values if value))


class FileFilter(EnterpriseFilter):
    """The same search for a program: it chooses the size of its pages."""

    taille = OneFilter("size", among(range(1, LARGEST_SIZE + 1)), label=_("Taille"))


class MapFilter(EnterpriseFilter):
    """The same search for a map: how closely it is looked at."""

    zoom = OneFilter("zoom", among(range(CLOSEST + 1)), label=_("Zoom"))


class ColumnsFilter(ParameterFilter):
    """The columns of a file: the name of a choice, code names, or several parted by commas."""

    def filter(self, asked, values):
        given = dict.fromkeys(part.strip() for value in values for part in value.split(","))
        names, unknown = [], []
        for name in filter(None, given):
            if name in PRESETS:
                names += PRESETS[name]
            elif name in EnterpriseResource.fields:
                names.append(name)
            else:
                unknown.append(name)
        for name in unknown[:MOST_VALUES]:
            self.ignore(asked, name)
        if names:
            asked.columns = tuple(dict.fromkeys(names))
        return asked


class ExportFilter(FileFilter):
    """The same search as a file of columns: all of it, whatever page is asked for."""

    colonnes = ColumnsFilter(label=_("Colonnes"))

    def __init__(self, data, labels: Labels):
        self.columns = PRESETS["tout"]
        super().__init__(data, labels)
