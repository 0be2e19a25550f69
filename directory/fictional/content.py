"""The hand-written content of `fixtures/demo/`, read once."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from directory.fictional.dice import Wheel
from directory.fictional.texts import Text, compiled, fold

CONTENT = Path(__file__).resolve().parents[2] / "fixtures" / "demo"
# How much a word shared by all the trades divides the chances of an offering.
COMMON_IS_RARER = 40

# An enterprise that calls itself a co-operative.
COOP = re.compile(r"\b(?P<article>[Ll]a|[Uu]ne) coop(érative)?\b|^Coopérative de")


class Archetype:
    """One kind of enterprise, its texts compiled."""

    def __init__(self, sector: str, data: Mapping[str, Any]):
        self.sector = sector
        self.slug: str = data["slug"]
        self.weight: float = data["weight"]
        self.sells: float = data["sells"]
        self.data = data
        self.forms = Wheel(data["forms"])
        self.sizes = Wheel(data["sizes"])
        self.territory = Wheel(data["territory"])
        # Each said by a co-operative, or not. Of missions, one or two are said.
        missions = data["missions"]
        pairs = map(" ".join, combinations(missions, 2))
        self.missions = self.by_form([*missions, *pairs])
        self.descriptions = self.by_form(data["descriptions"])
        self.benefits = self.by_form([row["evidence"] for row in data["benefits"]])
        self.offerings = [
            (offering, compiled(offering["name"]), compiled(offering["description"]))
            for offering in data["offerings"]
        ]
        self.odds: list[float] = []
        self.references = [(row, compiled(row["work"])) for row in data["references"]]
        # Names, and patterns of names, by whether they say « coop ».
        self.names: dict[bool, list[Any]] = {True: [], False: []}
        self.patterns: dict[bool, list[Any]] = {True: [], False: []}
        for name in data["names"]:
            kinds = self.patterns if "{" in name else self.names
            kinds[says_coop(name)].append(compiled(name))

    def by_form(self, texts: Sequence[str]) -> dict[bool, list[Text]]:
        """The texts as a co-operative says them, and as another enterprise of the same trade."""
        mixed = any(form.startswith("coop_") for form in self.data["forms"])
        others = [COOP.sub(without_coop, text) if mixed else text for text in texts]
        return {
            True: [compiled(text) for text in texts],
            False: [compiled(text) for text in others],
        }


def without_coop(found: re.Match[str]) -> str:
    """*La coop livre* gives *L’entreprise livre*, of the same gender; *Une coopérative*, *Une
    entreprise*; *Coopérative de profs*, *Équipe de profs*."""
    article = found["article"]
    if not article:
        return "Équipe de"
    return f"{article} entreprise" if article.endswith("ne") else f"{article[0]}’entreprise"


def says_coop(name: str) -> bool:
    return "coop" in fold(name)


@cache
def content() -> tuple[dict[str, Any], list[Archetype]]:
    """What is common to all enterprises, and the archetypes in the order of their files."""
    common = json.loads((CONTENT / "common.json").read_text(encoding="utf-8"))
    common["closings"] = [compiled(text) for text in common["closings"]]
    common["benefits"] = {
        benefit: [compiled(text) for text in texts] for benefit, texts in common["benefits"].items()
    }
    common["clients"] = {
        kind: [compiled(text) for text in texts] for kind, texts in common["clients"].items()
    }
    archetypes = []
    for path in sorted((CONTENT / "archetypes").glob("*.json")):
        sector = json.loads(path.read_text(encoding="utf-8"))
        share = common["sector_shares"][sector["sector"]]
        total = sum(row["weight"] for row in sector["archetypes"])
        for row in sector["archetypes"]:
            archetype = Archetype(sector["sector"], row)
            archetype.weight = share * row["weight"] / total
            archetypes.append(archetype)
    weigh_offerings(archetypes)
    return common, archetypes


def weigh_offerings(archetypes: list[Archetype]) -> None:
    """Make the offerings that many trades have rarer: else one enterprise in four rents something,
    and a search for « location » or « formation » tells nothing."""
    total = sum(archetype.weight for archetype in archetypes)
    shares: defaultdict[str, float] = defaultdict(float)
    for archetype in archetypes:
        for word in set().union(*map(words_of, archetype.offerings)):
            shares[word] += archetype.weight / total
    for archetype in archetypes:
        archetype.odds = [
            1 / (1 + COMMON_IS_RARER * max(map(shares.__getitem__, words_of(offering)), default=0))
            for offering in archetype.offerings
        ]


def words_of(offering: tuple[dict[str, Any], Any, Any]) -> set[str]:
    """The long words of the name of an offering: shorter ones say little."""
    words = re.findall(r"\w{5,}", fold(offering[0]["name"]))
    return {word.removesuffix("s") for word in words}
