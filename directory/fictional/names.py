"""Names of enterprises, each given once."""

import re
from collections.abc import Mapping
from typing import Any

from directory.fictional.content import Archetype, says_coop
from directory.fictional.dice import Dice
from directory.fictional.places import Place
from directory.fictional.texts import (
    Voice,
    domain_label,
    fold,
    lowered_article,
    with_preposition,
    without_article,
)


class Names:
    def __init__(self, dice: Dice, common: Mapping[str, Any]):
        self.dice = dice
        self.common = common
        self.taken: set[str] = set()
        self.left: dict[tuple[str, bool], list[str]] = {}

    def give(self, archetype: Archetype, form: str, place: Place, borough: str) -> tuple[str, str]:
        """A name not given yet, and its domain label; a co-operative says so in its name."""
        coop = form.startswith("coop_")
        name = label = ""
        for attempt in range(60):
            name = self.candidate(archetype, place, borough, coop=coop, written=attempt == 0)
            if coop and not says_coop(name):
                name = self.cooperative(name, form)
            if attempt >= 3 and place.name not in name:
                name = f"{name} {place.slots['de_ville']}"
            if attempt >= 8:
                name = f"{name}, secteur {self.slots(place, borough)['de_evo']}"
            label = domain_label(name)
            if label not in self.taken:
                break
        else:
            name = f"{name} {len(self.taken)}"
            label = f"{label[:50]}-{len(self.taken)}"
        self.taken.add(label)
        return name, label

    def candidate(
        self, archetype: Archetype, place: Place, borough: str, *, coop: bool, written: bool
    ) -> str:
        """A name as it is written by hand if there are some left, else made from a pattern."""
        names, patterns = archetype.names, archetype.patterns
        # A co-operative may be named as another enterprise is: its form is then added.
        says = coop and bool(names[True] or patterns[True]) and not self.dice.chance(0.4)
        if not (names[says] or patterns[says]):
            says = not says
        if written:
            left = self.left.get((archetype.slug, says))
            if left is None:
                left = self.left[archetype.slug, says] = list(names[says])
                self.dice.random.shuffle(left)
            if left:
                return left.pop()
        if not patterns[says]:
            return self.dice.pick(names[says])
        pattern = self.dice.pick(patterns[says])
        return Voice(self.dice.draw, self.slots(place, borough)).says(pattern)

    def cooperative(self, name: str, form: str) -> str:
        """*La Ruche* may become *Coop La Ruche*; *Atelier Boréal, menuiserie* has its form last."""
        patterns = self.common["coop_names"][form]
        bare, _, _ = name.partition(",")
        if not re.match(r"(Le |La |Les |L’|[^ ]+$)", bare):
            patterns = [pattern for pattern in patterns if pattern.startswith("*")] or patterns
        return self.dice.pick(patterns).replace("*", bare)

    def slots(self, place: Place, borough: str) -> dict[str, str]:
        evocation = self.dice.pick(self.common["evocations"])
        quarters = self.common["quarters"]
        quarter = self.dice.pick(quarters.get(borough) or quarters.get(place.code) or [place.name])
        return {
            **place.slots,
            "evo": evocation,
            "de_evo": with_preposition("de", lowered_article(evocation)),
            "mot": self.dice.pick(self.common["words"]),
            "lieu": without_article(quarter),
            "de_lieu": with_preposition("de", quarter),
        }

    def others(self, name: str) -> list[str]:
        if re.search(r"[A-Z]{2}", name):
            return []
        words = [word for word in re.split(r"[ ’,–-]+", name) if word[:1].isupper()]
        if len(words) >= 4 and self.dice.chance(0.35):
            return ["".join(fold(word[0]).upper() for word in words)]
        return []
