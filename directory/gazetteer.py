"""A municipality, from what a file says of it; strict, since a wrong city is worse than a question.

Nothing is guessed: a name that belongs to two places, or to none, is a ValueError whose message
says what to write.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from directory.facets import STEP, Dimension
from directory.labels import CityLabel, Labels
from directory.search import fold

SEPARATORS = re.compile(r"[\W_]+")
SAINT = re.compile(r"\b(s)t(e?)\b")
ARTICLE = re.compile(r"^(?:l|la|le|les) ")
#: « Ville de Longueuil », « Municipalité du Canton de… »
DESIGNATION = re.compile(
    r"^(?:ville|municipalite|paroisse|village|canton) (?:de la |des |du |de |d )?(?=.)"
)
#: « Laval Qc »
PROVINCE_AFTER = re.compile(r" (?:qc|q c|pq|p q|que|quebec)(?: canada)?$")
POST_BOX = re.compile(r"^(?:c ?p|case postale|boite postale|b ?p|po box|p o box) ?\d")
#: « Longueuil (Saint-Hubert) », « Ottawa, ON »; no two parts may take the same sign, or a text
#: of many blanks would be tried in every way.
QUALIFIED = re.compile(r"^(?P<name>[^(,]+)(?:\((?P<in>[^)]*)\)\.?|,(?P<after>[^,]+))$")
#: Names that begin as written, from which none is proposed.
MOST_BEGUN = 3
#: Characters of a municipality's name, with what qualifies it.
LONGEST = 120

QUEBEC = {"qc", "que", "quebec", "pq", "p q", "q c", "ca qc", "province de quebec", "qc canada"}
QUEBEC |= {"quebec canada", "canada qc", "canada quebec"}
CANADA = {"ca", "can", "canada"}
#: Elsewhere in Canada, as addresses write it.
PROVINCES = {
    *("on", "ont", "ontario", "nb", "n b", "nouveau brunswick", "new brunswick"),
    *("ns", "nouvelle ecosse", "nova scotia", "pe", "pei", "ipe", "ile du prince edouard"),
    *("nl", "nf", "terre neuve", "terre neuve et labrador", "mb", "manitoba"),
    *("sk", "saskatchewan", "ab", "alberta", "bc", "cb", "colombie britannique"),
    *("british columbia", "yt", "yukon", "nt", "nu", "nunavut"),
}


class Unfit(ValueError):
    """A value that is not taken: `reason` is the same for all alike, `hint` is for this one."""

    def __init__(
        self,
        reason: str,
        hint: str = "",
        *,
        several: bool = False,
        cities: Sequence[int] = (),
        alike: Sequence[int] = (),
    ):
        super().__init__(f"{reason} {hint}".strip())
        self.reason = reason
        self.hint = hint
        #: Whether what was written means too much rather than nothing.
        self.several = several
        #: Cities that bear what was written as their name, or as its beginning.
        self.cities = cities
        #: Those whose name is spelt nearly so, the nearest first.
        self.alike = alike


@lru_cache(maxsize=100_000)
def key(text: str) -> str:
    """A name as it is compared: « ST-BRUNO », « Saint Bruno » and « saint-bruno » are one."""
    words = SEPARATORS.sub(" ", fold(text)).strip()
    return SAINT.sub(r"\1aint\2", words)


def bare(text: str) -> str:
    """A key without the article that may be left out of a name."""
    return ARTICLE.sub("", text)


@dataclass(frozen=True)
class Place:
    """A city and, where one was named, its borough: keys of their rows."""

    city: int
    borough: int | None = None
    #: What was understood otherwise than it was written, in words.
    notice: str = ""


class Gazetteer:
    """Every name of the territory, indexed as files write them."""

    def __init__(self, labels: Labels):
        self.labels = labels
        self.cities: dict[int, CityLabel] = {}
        self.by_code: dict[str, int] = {}
        self.by_name: dict[str, list[int]] = defaultdict(list)
        self.by_bare_name: dict[str, list[int]] = defaultdict(list)
        self.by_borough: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for label in labels.of(Dimension.CITY):
            city = label.code % STEP
            self.cities[city] = label  # type: ignore[assignment]
            self.by_code[label.official] = city
            self.by_name[key(label.name)].append(city)
            self.by_bare_name[bare(key(label.name))].append(city)
        #: Those of the site.
        self.own = {self.by_code[code] for code in settings.SITE_CITIES if code in self.by_code}
        for borough, name in labels.boroughs.items():
            self.by_borough[key(name)].append((borough, labels.borough_cities[borough]))

    def name(self, city: int) -> str:
        return self.cities[city].name

    def written(self, city: int) -> str:
        """A name that no other city has: the MRC beside one that is shared, else its code."""
        label = self.cities[city]
        alike = self.by_name[key(label.name)]
        if len(alike) == 1:
            return label.name
        same_county = [other for other in alike if self.cities[other].county == label.county]
        return f"{label.name} ({label.county_name if len(same_county) == 1 else label.official})"

    def county(self, city: int) -> str:
        return self.cities[city].county_name

    def region(self, city: int) -> str:
        return self.labels.by_code[self.cities[city].region].name

    # --- Reading

    def find(
        self,
        name: str,
        *,
        code: str = "",
        county: str = "",
        borough: str = "",
        province: str = "",
        country: str = "",
    ) -> Place:
        """The one municipality that a row means, by its code, else its name and what tells it
        from its homonyms. Raises ValueError, saying what to write, where there is not just one."""
        if max(map(len, (name, code, county, borough, province, country))) > LONGEST:
            raise Unfit(
                _(
                    "C’est trop long pour un lieu, %(most)d caractères au plus\xa0: écrivez le "
                    "seul nom de la municipalité."
                )
                % {"most": LONGEST}
            )
        if key(province) not in QUEBEC | CANADA | {""} or key(country) not in CANADA | QUEBEC | {
            ""
        }:
            raise Unfit(self.elsewhere())
        if code:
            return self.with_borough(self.of_code(code), borough)
        if not key(name):
            if borough:
                return self.of_borough(borough)
            raise Unfit(_("La municipalité manque\xa0: écrivez-la."))
        if POST_BOX.match(key(name)):
            raise Unfit(
                _("C’est une case postale, pas une municipalité\xa0: écrivez le nom de celle-ci.")
            )
        if found := self.named(name):
            return self.with_borough(self.the_one(found, county), borough)
        if qualified := QUALIFIED.match(name.strip()):
            within = (qualified["in"] or qualified["after"] or "").strip(" \xa0.")
            named = qualified["name"].strip()
            if key(within) in PROVINCES:
                raise Unfit(self.elsewhere())
            if key(within) in QUEBEC | CANADA | {""}:
                return self.find(named, county=county, borough=borough)
            return self.within(named, within, borough)
        if key(name) in self.by_borough:
            return self.of_borough(name)
        raise self.unknown(name)

    def elsewhere(self) -> str:
        return _(
            "Cette adresse est hors du Québec\xa0: retirez la ligne, ou corrigez la province "
            "et le pays."
        )

    def of_code(self, code: str) -> int:
        digits = re.sub(r"\D", "", code)
        # A spreadsheet takes 01023 for a number.
        city = self.by_code.get(digits.zfill(5)) if digits else None
        if city is None:
            raise Unfit(
                _(
                    "Aucune municipalité n’a ce code géographique\xa0: "
                    "corrigez-le, ou videz la case et écrivez le nom."
                )
            )
        return city

    def named(self, name: str) -> list[int]:
        """The cities of this name, as it is official, else without what may be left out of it."""
        whole = key(name)
        for text in (whole, PROVINCE_AFTER.sub("", whole)):
            for said in (text, DESIGNATION.sub("", text)):
                if found := self.by_name.get(said) or self.by_bare_name.get(bare(said)):
                    return found
        return []

    def the_one(self, cities: list[int], within: str) -> int:
        """The only one of these, or the only one in this MRC or region (name or code)."""
        wanted = bare(re.sub(r"^mrc ", "", key(within)))
        if len(cities) > 1 and wanted:
            inside = [city for city in cities if wanted in self.surroundings(city)]
            if len(inside) == 1:
                return inside[0]
        if len(cities) == 1:
            return cities[0]
        cities = self.own_first(cities)
        choices = _(" ou ").join(f"«\xa0{self.written(city)}\xa0»" for city in cities)
        raise Unfit(
            _("Plusieurs municipalités ont ce nom\xa0: précisez la MRC, ou donnez le code."),
            _("Écrivez %(choices)s.") % {"choices": choices},
            several=True,
            cities=cities,
        )

    def surroundings(self, city: int) -> set[str]:
        label = self.cities[city]
        county = self.labels.by_code[label.county]
        region = self.labels.by_code[label.region]
        names = [label.county_name, county.name, county.official, county.key, label.official]
        names += [region.name, region.key, label.key]
        return {bare(re.sub(r"^mrc ", "", key(name))) for name in names}

    def within(self, name: str, within: str, borough: str) -> Place:
        """« Longueuil (Saint-Hubert) », « Saint-Hubert (Longueuil) », « Hull, Gatineau »."""
        if found := self.named(name):
            for row, city in self.by_borough.get(key(within), []):
                if city in found:
                    return Place(city, row)
            try:
                chosen = self.the_one(found, within)
            except ValueError:
                raise self.unknown(name, found) from None
            if bare(key(within)) not in {bare(word) for word in self.surroundings(chosen)}:
                raise Unfit(
                    _(
                        "«\xa0%(name)s\xa0» n’est pas dans «\xa0%(within)s\xa0»\xa0: "
                        "corrigez l’un des deux."
                    )
                    % {"name": name, "within": within}
                )
            return self.with_borough(chosen, borough)
        for row, city in self.by_borough.get(key(name), []):
            if city in self.named(within):
                return Place(city, row)
        raise self.unknown(name)

    def of_borough(self, name: str) -> Place:
        found = self.by_borough.get(key(name), [])
        if len(found) != 1:
            raise self.unknown(name)
        row, city = found[0]
        notice = _("«\xa0%(name)s\xa0» est un arrondissement de %(city)s.") % {
            "name": name,
            "city": self.name(city),
        }
        return Place(city, row, notice)

    def with_borough(self, city: int, borough: str) -> Place:
        if not key(borough):
            return Place(city)
        for row, its_city in self.by_borough.get(key(borough), []):
            if its_city == city:
                return Place(city, row)
        notice = _("L’arrondissement «\xa0%(name)s\xa0» n’est pas connu\xa0: laissé de côté.")
        return Place(city, None, notice % {"name": borough})

    def unknown(self, name: str, among: list[int] | None = None) -> Unfit:
        """That no municipality has this name, and those it may be."""
        text = _(
            "Aucune municipalité du Québec n’a ce nom\xa0: corrigez-le, ou donnez son code "
            "géographique."
        )
        begun, close = among or [], list[int]()
        if not among:
            scored = process.extract(
                bare(key(name)),
                self.by_bare_name.keys(),
                scorer=DamerauLevenshtein.normalized_similarity,
                score_cutoff=0.75,
                limit=3,
            )
            close = [city for found, _score, _rank in scored for city in self.by_bare_name[found]]
            # « St-Bruno » is further from « Saint-Bruno-de-Montarville » than misspellings are.
            begun = [
                city
                for found, cities in self.by_bare_name.items()
                if found.startswith(bare(key(name)) + " ")
                for city in cities
            ]
            if len(begun) > MOST_BEGUN:  # « Saint »: too many, but for the site's own
                begun = [city for city in begun if city in self.own]
        likely = list(dict.fromkeys([*self.own_first([*close, *begun])]))
        if not likely:
            return Unfit(text)
        names = ", ".join(f"«\xa0{self.written(city)}\xa0»" for city in likely[:3])
        hint = _("Peut-être %(names)s?") % {"names": names}
        return Unfit(text, hint, cities=self.own_first(begun), alike=close)

    def own_first(self, cities: Iterable[int]) -> list[int]:
        """The same, those of the site before the others."""
        return sorted(cities, key=lambda city: city not in self.own)
