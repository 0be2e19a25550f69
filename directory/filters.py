"""The parameters of a search, as they stand in an address.

Values are slugs and official codes, never primary keys. One that means nothing is left out, and
said: a search never answers with an error page.
"""

import re

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters import Filter, FilterSet

from directory import search
from directory.facets import Dimension
from directory.labels import CityLabel, Labels
from directory.models import Listing
from directory.results import LAST_PAGE, RADII, SORTS, Criteria, Place
from directory.search import fold

LARGEST_SIZE = 100
#: Values of one parameter beyond which the rest is left out.
MOST_VALUES = 20
POSTAL_CODE = re.compile(r"([GHJK][0-9][A-Z])(?: ?[0-9][A-Z][0-9])?", re.ASCII)

#: « St-Bruno », « Ste Julie », as people type them.
ABBREVIATED_SAINT = re.compile(r"\bst(e?)\.?-")


class ValuesField(forms.Field):
    """All the values of a parameter, blanks apart; each filter says which it understands."""

    widget = forms.MultipleHiddenInput

    def clean(self, value):
        values = [text.strip() for text in value or () if text.strip()]
        return list(dict.fromkeys(values))


class ParameterFilter(Filter):
    """A parameter that narrows `Criteria`; unknown values go to the set's notices."""

    field_class = ValuesField

    def filter(self, criteria, values):
        if not values:
            return criteria
        if len(values) > MOST_VALUES:
            self.parent.notices.append(
                gettext("« %(label)s » : seules les %(most)d premières valeurs comptent.")
                % {"label": self.label, "most": MOST_VALUES}
            )
        return self.narrow(criteria, values[:MOST_VALUES])

    def first(self, values):
        """The value of a parameter that takes one; that there were others is said."""
        if len(values) > 1:
            self.parent.notices.append(
                gettext("« %(label)s » : seule la première valeur compte.") % {"label": self.label}
            )
        return values[0]

    def ignore(self, value):
        self.parent.notices.append(
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

    def narrow(self, criteria, values):
        typed = self.first(values)
        query = search.parse(typed)
        self.parent.notices += [self.NOTICES[reason]() for reason in query.ignored]
        if not query and not query.ignored:
            self.ignore(typed)
        criteria.query = search.widen(query, self.parent.labels.synonyms)
        return criteria


class FacetFilter(ParameterFilter):
    """Listings that bear one of the values of a dimension."""

    def __init__(self, dimension, **kwargs):
        self.dimension = dimension
        super().__init__(**kwargs)

    def narrow(self, criteria, values):
        known = self.parent.labels.by_key[self.dimension]
        codes = set()
        for value in values:
            if label := known.get(value):
                codes.add(label.code)
            else:
                self.ignore(value)
        if codes:
            criteria.facets[self.dimension] = frozenset(codes)
        return criteria


class FlagFilter(FacetFilter):
    def narrow(self, criteria, values):
        for value in values:
            if value == "1":
                criteria.facets[self.dimension] = frozenset()
            else:
                self.ignore(value)
        return criteria


class OneFilter(ParameterFilter):
    """One value, which `understand(value, labels)` turns into an attribute of the criteria."""

    def __init__(self, attribute, understand, **kwargs):
        self.attribute = attribute
        self.understand = understand
        super().__init__(**kwargs)

    def narrow(self, criteria, values):
        value = self.first(values)
        understood = self.understand(value, self.parent.labels)
        if understood is None:
            self.ignore(value)
        else:
            setattr(criteria, self.attribute, understood)
        return criteria


def among(choices):
    known = {str(choice): choice for choice in choices}
    return lambda value, labels: known.get(value)


def find_city(value: str, labels: Labels) -> CityLabel | None:
    """The city that has this slug, geographic code or name (the most populous of that name)."""
    known = labels.by_key[Dimension.CITY]
    name = ABBREVIATED_SAINT.sub(r"saint\1-", fold(value).replace(" ", "-"))
    return known.get(value) or labels.cities_by_name.get(name)


def find_place(value: str, labels: Labels) -> Place | None:
    """The city of this slug, code or name, or the area of this postal code."""
    if city := find_city(value, labels):
        return Place(city.full_name, city.latitude, city.longitude)
    code = POSTAL_CODE.fullmatch(value.upper())
    position = code and labels.postal_areas.get(code[1])
    return Place(value.upper(), *position) if position else None


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
    dessert = OneFilter("served", find_city, label=_("Dessert"))
    pres = OneFilter("near", find_place, label=_("Près de"))
    rayon = OneFilter("radius", among(RADII), label=_("Rayon"))
    tri = OneFilter("sort", among(SORTS), label=_("Tri"))
    page = OneFilter("page", among(range(1, LAST_PAGE + 1)), label=_("Page"))

    class Meta:
        model = Listing
        fields = []

    def __init__(self, data, labels: Labels):
        super().__init__(data, queryset=Listing.objects.none())
        self.labels = labels
        self.notices: list[str] = []
        self.form.full_clean()
        self.criteria = Criteria()
        for name, filter_ in self.filters.items():
            self.criteria = filter_.filter(self.criteria, self.form.cleaned_data[name])


class FileFilter(EnterpriseFilter):
    """The same search for a program: it chooses the size of its pages."""

    taille = OneFilter("size", among(range(1, LARGEST_SIZE + 1)), label=_("Taille"))
