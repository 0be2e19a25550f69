"""One enterprise after the other."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from directory.fictional.agreement import agree
from directory.fictional.content import Archetype, content
from directory.fictional.dice import Dice, Wheel
from directory.fictional.names import Names
from directory.fictional.numbers import NEQ_SPACE, Numbers
from directory.fictional.people import People
from directory.fictional.places import Place, location, territory
from directory.fictional.texts import Voice
from directory.fictional.trade import Trade

# How many enterprises in a row respect the proportions between archetypes exactly.
DECK = 420
FOREIGN_LANGUAGES = ["es", "es", "ar", "zh", "ht", "pt", "vi", "ro"]
RECOGNITION_POINTS = [
    "besoins",
    "independance",
    "democratie",
    "viabilite",
    "excedents",
    "devolution",
]


def enterprises(
    count: int,
    *,
    seed: int | str,
    today: date,
    cities: Sequence[Mapping[str, Any]],
    sectors_of: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield `count` fictional enterprises as plain dicts, the same for the same arguments.

    `cities`: dicts {code, name, population, lat, lng, county_code, region_code,
    fsas: [{code, lat, lng}], boroughs: [names]}; the population decides how many enterprises
    a city has. `sectors_of` gives, for a sector slug of the seed, the slugs to write instead,
    for when staff have renamed or merged the eleven. Amounts are in dollars, delays in days;
    `replaced_by` is the rank of an enterprise already yielded. Asking for more enterprises
    leaves the first ones unchanged. Raises ValueError beyond the four million fictional NEQ
    or without a city.
    """
    if count > NEQ_SPACE:
        raise ValueError(f"at most {NEQ_SPACE} enterprises")
    if not cities:
        raise ValueError("no city")
    draft = Draft(seed=seed, today=today, cities=cities, sectors_of=sectors_of or {})
    for rank in range(count):
        yield draft.enterprise(rank)


class Draft:
    """What one run remembers."""

    def __init__(
        self,
        *,
        seed: int | str,
        today: date,
        cities: Sequence[Mapping[str, Any]],
        sectors_of: Mapping[str, Sequence[str]],
    ):
        self.common, self.archetypes = content()
        self.today = today
        self.sectors_of = sectors_of
        self.dice = Dice(seed, today)
        self.names = Names(self.dice, self.common)
        self.numbers = Numbers(self.dice)
        self.people = People(self.dice, self.common)
        self.trade = Trade(self.dice, self.common)
        self.places = [Place(city, self.common) for city in cities]
        self.place_wheel = Wheel([(place, place.weight) for place in self.places])
        self.deck: deque[Archetype] = deque()
        self.last_published: dict[str, int] = {}

    def enterprise(self, rank: int) -> dict[str, Any]:
        if not self.deck:
            self.deck.extend(self.shuffled_deck())
        dice, archetype = self.dice, self.deck.popleft()
        place = dice.turn(self.place_wheel)
        form = dice.turn(archetype.forms)
        voice = Voice(dice.draw, place.slots)
        size = dice.turn(archetype.sizes)
        where = location(dice, place, self.common)
        name, label = self.names.give(archetype, form, place, where["borough"])
        published_on, confirmed_on, state = self.dates()
        founded = dice.between(*archetype.data["founded"])
        founded = min(founded, (published_on or self.today).year - 1)
        phone, extension = self.numbers.phone(place)
        akcelos = f"https://akcelos.example/marchands/{label}"
        row = {
            "name": name,
            "other_names": self.names.others(name),
            "neq": self.numbers.neq(rank),
            "legal_form": form,
            "founded_year": founded,
            "mission": self.mission(archetype, form, voice),
            "description": self.description(archetype, form, voice),
            "sectors": self.sectors(archetype),
            "statuses": self.trade.statuses(archetype, founded),
            "benefits": self.trade.benefits(archetype, form, voice),
            **where,
            "phone": phone,
            "phone_extension": extension,
            "email": self.email(label),
            "website": f"https://www.{label}.example" if dice.chance(0.86) else "",
            "languages": self.languages(),
            "size": size,
            "external_ids": {"akcelos": akcelos} if dice.chance(0.3 * archetype.sells) else {},
            "territory": self.territory(dice.turn(archetype.territory), place),
            **self.trade.capacity(archetype),
            "state": state,
            "archive_reason": "",
            "closing": "",
            "replaced_by": None,
            "published_on": published_on,
            "confirmed_on": confirmed_on,
            "recognition": self.recognition(published_on),
            "offerings": self.offerings(archetype, place, voice),
            "contacts": self.people.contacts(archetype, label, size, phone),
            "references": self.trade.references(archetype, founded, voice),
            "logo": {"seed": dice.random.getrandbits(32), "wanted": dice.chance(0.8)},
        }
        if state == "archived":
            row |= self.closing(archetype)
        elif state == "published":
            self.last_published[archetype.slug] = rank
        return agree(row, self.today)

    def shuffled_deck(self) -> list[Archetype]:
        """One deck: each archetype as often as its weight says, by largest remainders."""
        total = sum(archetype.weight for archetype in self.archetypes)
        exact = [archetype.weight / total * DECK for archetype in self.archetypes]
        numbers = [int(value) for value in exact]
        order = sorted(range(len(exact)), key=lambda i: numbers[i] - exact[i])
        for position in order[: DECK - sum(numbers)]:
            numbers[position] += 1
        deck = [
            archetype
            for archetype, number in zip(self.archetypes, numbers, strict=True)
            for _ in range(number)
        ]
        self.dice.random.shuffle(deck)
        return deck

    def mission(self, archetype: Archetype, form: str, voice: Voice) -> str:
        texts = archetype.missions[form.startswith("coop_")]
        return voice.says(self.dice.deal(("mission", archetype.slug, form), texts))

    def description(self, archetype: Archetype, form: str, voice: Voice) -> str:
        texts = archetype.descriptions[form.startswith("coop_")]
        said = [self.dice.deal(("description", archetype.slug, form), texts)]
        if archetype.sells >= 0.4 and self.dice.chance(0.4):
            said.append(self.dice.pick(self.common["closings"]))
        return " ".join(map(voice.says, said))

    def sectors(self, archetype: Archetype) -> list[str]:
        slugs = [archetype.sector]
        for slug, share in archetype.data["sectors"].items():
            if self.dice.chance(share):
                slugs.append(slug)
        return list(dict.fromkeys(s for slug in slugs for s in self.sectors_of.get(slug, [slug])))

    def email(self, label: str) -> str:
        mailbox = self.dice.pick(self.common["mailboxes"])
        return f"{mailbox}@{label}.example" if self.dice.chance(0.95) else ""

    def languages(self) -> list[str]:
        dice, languages = self.dice, ["fr"]
        if dice.chance(0.45):
            languages.append("en")
            if dice.chance(0.25):
                languages.append(dice.pick(FOREIGN_LANGUAGES))
        return languages

    def territory(self, reach: str, place: Place) -> dict[str, Any]:
        return territory(self.dice, reach, place, self.places, self.common)

    def offerings(self, archetype: Archetype, place: Place, voice: Voice) -> list[dict[str, Any]]:
        """Those of the trade; what can be shipped is sometimes sold farther than the rest."""
        rows = self.trade.offerings(archetype, voice)
        for row in rows:
            farther = row.pop("ships") and self.dice.chance(0.35)
            reach = self.dice.pick(["province", "province", "region"])
            row["territory"] = self.territory(reach, place) if farther else None
        return rows

    def dates(self) -> tuple[date | None, date | None, str]:
        """Published over four years, confirmed at any time since, or never; and the state."""
        dice = self.dice
        chance = dice.draw()
        if chance < 0.05:
            return None, None, "draft"
        state = "archived" if chance < 0.09 else "published"
        age = dice.between(1, 30) if dice.chance(0.04) else dice.between(31, 1460)
        if state == "archived":
            age = max(age, 200)
        since = dice.draw()
        if since < 0.1:
            confirmed = None
        elif since < 0.6:
            confirmed = dice.between(2, min(age, 360)) if age > 2 else 1
        else:
            confirmed = dice.between(min(2, age), age)
        published_on = self.today - timedelta(days=age)
        confirmed_on = self.today - timedelta(days=confirmed) if confirmed else None
        return published_on, confirmed_on, state

    def recognition(self, published_on: date | None) -> dict[str, Any] | None:
        if published_on is None or not self.dice.chance(0.63):
            return None
        age = min((self.today - published_on).days + 20, self.dice.between(10, 1700))
        recognised_on = self.today - timedelta(days=age)
        return {
            "recognised_on": recognised_on,
            "expires_on": recognised_on + timedelta(days=3 * 365),
            "reviewer": self.dice.pick(self.common["reviewers"]),
            "points": list(RECOGNITION_POINTS),
        }

    def closing(self, archetype: Archetype) -> dict[str, Any]:
        other = self.last_published.get(archetype.slug)
        closing = self.dice.pick(["closed", "closed", "replaced", "other"])
        if closing == "replaced" and other is None:
            closing = "closed"
        return {
            "closing": closing,
            "replaced_by": other if closing == "replaced" else None,
            "archive_reason": self.dice.pick(self.common["archive_reasons"][closing]),
        }
