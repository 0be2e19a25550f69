"""Fictional but credible enterprises, for the demonstration and for volume tests.

Pure Python: no database, no model. What the enterprises say is written by hand in
`fixtures/demo/`; this module only draws from it. Nothing here designates a real enterprise:
NEQ have a third digit the Registraire does not give, phones are in the fictional 555-01xx
range, domains end in `.example`.

A text may hold alternatives, `{un|deux}`, and slots, `{de_ville}`.
"""

import json
import math
import re
import unicodedata
from bisect import bisect
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

CONTENT = Path(__file__).resolve().parent.parent / "fixtures" / "demo"

# How many enterprises in a row respect the proportions between archetypes exactly.
DECK = 420
# Numbers of the fictional range, per area code.
FICTIONAL_LINES = 100
NEQ_SPACE = 4_000_000
POSTAL_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"
FORMS_WITH_COOP = ("coop_consumer", "coop_producer", "coop_worker", "coop_solidarity")
RECOGNITION_POINTS = [
    "besoins",
    "independance",
    "democratie",
    "viabilite",
    "excedents",
    "devolution",
]

type_of_text = str | tuple


class Slot(NamedTuple):
    name: str


# --- Texts


def compiled(text: str) -> type_of_text:
    """Split a text into fixed parts, alternatives (tuples) and slots; a plain text stays a str."""
    parts = re.split(r"\{([^{}]*)\}", text)
    if len(parts) == 1:
        return text
    out: list[Any] = []
    for position, part in enumerate(parts):
        if position % 2 == 0:
            if part:
                out.append(part)
        elif "|" in part:
            out.append(("alternatives", tuple(part.split("|"))))
        else:
            out.append(Slot(part))
    return tuple(out)


def rendered(text: type_of_text, draw, slots: Mapping[str, str]) -> str:
    if type(text) is str:
        return text
    out = []
    for part in text:
        if type(part) is str:
            out.append(part)
        elif type(part) is Slot:
            out.append(slots[part.name])
        else:
            choices = part[1]
            out.append(choices[int(draw() * len(choices))])
    return "".join(out)


def with_preposition(preposition: str, place: str) -> str:
    """« de » or « à » before a place or a name with its article: *du Tilleul*, *aux Escoumins*."""
    contracted = {
        ("de", "le"): "du ",
        ("de", "les"): "des ",
        ("à", "le"): "au ",
        ("à", "les"): "aux ",
    }
    article, _, rest = place.partition(" ")
    if rest and (joined := contracted.get((preposition, article.lower()))):
        return joined + rest
    if article.lower() == "la" or place[:2].lower() == "l’":
        # A city keeps its capital: « à La Prairie »; a common name is written without it by the caller.
        return f"{preposition} {place}"
    if preposition == "de" and fold(place[:1]) in "aeiouh":
        return f"d’{place}"
    return f"{preposition} {place}"


def without_article(name: str) -> str:
    return re.sub(r"^(le |la |les |l’)", "", name, flags=re.IGNORECASE)


def lowered_article(name: str) -> str:
    """« La Clairière » → « la Clairière »."""
    return name[:1].lower() + name[1:] if re.match(r"(Le |La |Les |L’)", name) else name


@cache
def fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_EMPTY_WORDS = frozenset(
    [
        "de",
        "la",
        "le",
        "les",
        "du",
        "des",
        "d",
        "l",
        "et",
        "a",
        "au",
        "aux",
        "en",
        "pour",
        "un",
        "une",
    ]
)


def domain_label(name: str) -> str:
    words = _NOT_A_LETTER.sub(" ", fold.__wrapped__(name)).split()
    return "-".join(word for word in words if word not in _EMPTY_WORDS)[:60].strip("-")


def neq(index: int, *, valid: bool = True) -> str:
    """The index-th fictional NEQ: prefix 11, third digit 0 to 3, Luhn on the last eight digits."""
    body = f"{index % NEQ_SPACE:07d}"
    total = 0
    for position, character in enumerate(reversed(body)):
        digit = int(character)
        if position % 2 == 0:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    check = -total % 10
    return f"11{body}{check if valid else (check + 5) % 10}"


# --- Content


class Wheel:
    """Weighted draw among values."""

    def __init__(self, weights: Mapping[Any, float] | Sequence[tuple[Any, float]]):
        pairs = list(weights.items() if isinstance(weights, Mapping) else weights)
        self.values = [value for value, _ in pairs]
        self.steps = list(accumulate(weight for _, weight in pairs))

    def turn(self, draw) -> Any:
        return self.values[bisect(self.steps, draw() * self.steps[-1])]


class Archetype:
    """One kind of enterprise, its texts compiled."""

    def __init__(self, sector: str, data: Mapping[str, Any]):
        self.sector = sector
        self.slug: str = data["slug"]
        self.weight: float = data["weight"]
        self.data = data
        self.forms = Wheel(data["forms"])
        self.sizes = Wheel(data["sizes"])
        self.territory = Wheel(data["territory"])
        self.missions = [compiled(text) for text in data["missions"]]
        self.descriptions = [compiled(text) for text in data["descriptions"]]
        self.offerings = [
            (offering, compiled(offering["name"]), compiled(offering["description"]))
            for offering in data["offerings"]
        ]
        self.references = [(row, compiled(row["work"])) for row in data["references"]]
        self.benefits = [(row["benefit"], compiled(row["evidence"])) for row in data["benefits"]]
        named = [name for name in data["names"] if "{" not in name]
        patterns = [name for name in data["names"] if "{" in name]
        self.plain_names = {
            coop: [n for n in named if says_coop(n) == coop] for coop in (True, False)
        }
        self.patterns = {
            coop: [compiled(n) for n in patterns if says_coop(n) == coop] for coop in (True, False)
        }


def says_coop(name: str) -> bool:
    return "coop" in fold(name)


@cache
def content() -> tuple[dict[str, Any], list[Archetype]]:
    """The hand-written content: what is common, and the archetypes in the order of their files."""
    common = json.loads((CONTENT / "common.json").read_text(encoding="utf-8"))
    common["closings"] = [compiled(text) for text in common["closings"]]
    common["benefits"] = {
        benefit: [compiled(text) for text in texts] for benefit, texts in common["benefits"].items()
    }
    archetypes = []
    for path in sorted((CONTENT / "archetypes").glob("*.json")):
        sector = json.loads(path.read_text(encoding="utf-8"))
        total = sum(row["weight"] for row in sector["archetypes"])
        for row in sector["archetypes"]:
            archetype = Archetype(sector["sector"], row)
            archetype.weight = sector["share"] * row["weight"] / total
            archetypes.append(archetype)
    return common, archetypes


# --- Places


class Place:
    """A city as the caller describes it, with what is computed once."""

    def __init__(self, city: Mapping[str, Any], common: Mapping[str, Any]):
        self.city = city
        self.code: str = city["code"]
        self.name: str = city["name"]
        self.region: str = city.get("region_code") or ""
        self.county: str = city.get("county_code") or ""
        self.fsas = list(city.get("fsas") or ())
        self.boroughs = list(city.get("boroughs") or ())
        self.slots = {
            "ville": self.name,
            "à_ville": with_preposition("à", self.name),
            "de_ville": with_preposition("de", self.name),
        }
        self.area_codes = common["area_codes"].get(self.region) or common["area_codes"]["*"]
        self.neighbours: list[str] | None = None


def neighbours(place: Place, places: Sequence[Place]) -> list[str]:
    """Codes of the cities of the same county (or, without a county, within 15 km), itself first."""
    if place.neighbours is None:
        scale = math.cos(math.radians(place.city["lat"]))
        near = []
        for other in places:
            north = (other.city["lat"] - place.city["lat"]) * 111.2
            east = (other.city["lng"] - place.city["lng"]) * 111.2 * scale
            distance = math.hypot(north, east)
            same = other.county == place.county if place.county else distance <= 15
            if same and other is not place:
                near.append((distance, other.code))
        place.neighbours = [place.code, *(code for _, code in sorted(near)[:8])]
    return place.neighbours


# --- The generator


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
    draft = _Draft(seed=seed, today=today, cities=cities, sectors_of=sectors_of or {})
    for rank in range(count):
        yield draft.enterprise(rank)


class _Draft:
    """What one run remembers: names taken, phones given, decks."""

    def __init__(self, *, seed, today, cities, sectors_of):
        self.common, self.archetypes = content()
        self.random = Random(f"fictional {seed}")
        self.draw = self.random.random
        self.today = today
        self.sectors_of = sectors_of
        self.places = [Place(city, self.common) for city in cities]
        self.place_wheel = Wheel(
            [(place, max(place.city.get("population") or 0, 300) ** 0.9) for place in self.places]
        )
        self.deck: deque[Archetype] = deque()
        self.taken: set[str] = set()
        self.queues: dict[tuple[str, bool], list[str]] = {}
        self.lines: dict[str, tuple[list[str], int]] = {}
        self.last_published: dict[str, int] = {}
        self.neq_start = self.random.randrange(NEQ_SPACE)
        self.persons = [Wheel([(group, group["weight"]) for group in self.common["people"]])]

    # Small draws

    def chance(self, probability: float) -> bool:
        return self.draw() < probability

    def pick(self, values: Sequence[Any]) -> Any:
        return values[int(self.draw() * len(values))]

    def between(self, low: int, high: int) -> int:
        return low + int(self.draw() * (high - low + 1))

    def some(self, values: Sequence[Any], number: int) -> list[Any]:
        """`number` distinct values, in their own order."""
        chosen = self.random.sample(range(len(values)), min(number, len(values)))
        return [values[position] for position in sorted(chosen)]

    def text(self, text: type_of_text) -> str:
        return rendered(text, self.draw, self.place.slots)

    def ago(self, low: int, high: int) -> date:
        return self.today - timedelta(days=self.between(low, high))

    def ahead(self, low: int, high: int) -> date:
        return self.today + timedelta(days=self.between(low, high))

    def rounded(self, low: float, high: float) -> int:
        """An amount between the two, on a logarithmic scale, rounded as people round."""
        amount = low * (high / low) ** self.draw()
        step = 10 ** max(int(math.log10(amount)) - 1, 0)
        step = step * 5 if amount >= 100 else 5
        return max(int(amount / step + 0.5) * step, step)

    # Parts of an enterprise

    def enterprise(self, rank: int) -> dict[str, Any]:
        if not self.deck:
            self.deck.extend(self.shuffled_deck())
        archetype = self.deck.popleft()
        data = archetype.data
        self.place = place = self.place_wheel.turn(self.draw)
        form = archetype.forms.turn(self.draw)
        size = archetype.sizes.turn(self.draw)
        where = self.location()
        name, label = self.name(archetype, form, where["borough"])
        published_on, confirmed_on, state = self.dates()
        founded = min(self.between(*data["founded"]), (published_on or self.today).year - 1)
        phone, extension = self.phone()
        site = f"https://www.{label}.example" if self.chance(0.86) else ""
        email = (
            f"{self.pick(self.common['mailboxes'])}@{label}.example" if self.chance(0.95) else ""
        )
        row = {
            "name": name,
            "other_names": self.other_names(name),
            "neq": self.neq(rank),
            "legal_form": form,
            "founded_year": founded,
            "mission": self.text(self.pick(archetype.missions)),
            "description": self.description(archetype),
            "sectors": self.sectors(archetype),
            "statuses": self.statuses(archetype, founded),
            "benefits": self.benefits(archetype, form),
            **where,
            "phone": phone,
            "phone_extension": extension,
            "email": email,
            "website": site,
            "languages": self.languages(),
            "size": size,
            "external_ids": (
                {"akcelos": f"https://akcelos.example/marchands/{label}"}
                if self.chance(0.3 * data["sells"])
                else {}
            ),
            "territory": self.territory(archetype.territory.turn(self.draw)),
            **self.capacity(data),
            "state": state,
            "archive_reason": "",
            "closing": "",
            "replaced_by": None,
            "published_on": published_on,
            "confirmed_on": confirmed_on,
            "recognition": self.recognition(published_on),
            "offerings": self.offerings(archetype),
            "contacts": self.contacts(label, size, phone),
            "references": self.references(archetype, founded),
            "logo": {"seed": self.random.getrandbits(32), "wanted": self.chance(0.8)},
        }
        if state == "archived":
            self.close(row, archetype)
        elif state == "published":
            self.last_published[archetype.slug] = rank
        return row

    def shuffled_deck(self) -> list[Archetype]:
        """One deck: each archetype as often as its weight says, by largest remainders."""
        total = sum(archetype.weight for archetype in self.archetypes)
        exact = [archetype.weight / total * DECK for archetype in self.archetypes]
        numbers = [int(value) for value in exact]
        order = sorted(range(len(exact)), key=lambda i: numbers[i] - exact[i])
        for position in order[: DECK - sum(numbers)]:
            numbers[position] += 1
        deck = [
            a for a, number in zip(self.archetypes, numbers, strict=True) for _ in range(number)
        ]
        self.random.shuffle(deck)
        return deck

    def name(self, archetype: Archetype, form: str, borough: str) -> tuple[str, str]:
        """A name not given yet, and its domain label; a co-operative says so in its name."""
        coop = form.startswith("coop_")
        for attempt in range(60):
            bare = self.candidate(archetype, coop, attempt, borough)
            name = self.cooperative(bare, form) if coop and not says_coop(bare) else bare
            if attempt >= 3 and self.place.name not in name:
                name = f"{name} {self.place.slots['de_ville']}"
            if attempt >= 8:
                around = with_preposition(
                    "de", lowered_article(self.pick(self.common["evocations"]))
                )
                name = f"{name}, secteur {around}"
            label = domain_label(name)
            if label not in self.taken:
                self.taken.add(label)
                return name, label
        name = f"{name} {len(self.taken)}"
        label = f"{domain_label(name)[:50]}-{len(self.taken)}"
        self.taken.add(label)
        return name, label

    def candidate(self, archetype: Archetype, coop: bool, attempt: int, borough: str) -> str:
        kinds = (
            [coop]
            if coop and (archetype.plain_names[True] or archetype.patterns[True])
            else [False]
        )
        if coop and kinds == [True] and self.chance(0.4):
            kinds = [False]
        kind = kinds[0]
        if attempt == 0:
            key = (archetype.slug, kind)
            queue = self.queues.get(key)
            if queue is None:
                queue = self.queues[key] = list(archetype.plain_names[kind])
                self.random.shuffle(queue)
            if queue:
                return queue.pop()
        patterns = archetype.patterns[kind] or archetype.patterns[not kind]
        if not coop and says_coop(str(patterns)):
            patterns = archetype.patterns[False]
        if not patterns:
            return self.pick(archetype.plain_names[kind] or archetype.plain_names[not kind])
        evocation = self.pick(self.common["evocations"])
        quarters = self.common["quarters"]
        around = quarters.get(borough) or quarters.get(self.place.code) or [self.place.name]
        around = self.pick(around)
        slots = {
            **self.place.slots,
            "evo": evocation,
            "de_evo": with_preposition("de", lowered_article(evocation)),
            "mot": self.pick(self.common["words"]),
            "lieu": without_article(around),
            "de_lieu": with_preposition("de", around),
        }
        return rendered(self.pick(patterns), self.draw, slots)

    def cooperative(self, bare: str, form: str) -> str:
        return self.pick(self.common["coop_names"][form]).replace("*", bare)

    def other_names(self, name: str) -> list[str]:
        words = [w for w in re.split(r"[ ’,–-]+", name) if w[:1].isupper()]
        if len(words) >= 4 and self.chance(0.35):
            return ["".join(fold(word[0]).upper() for word in words)]
        return []

    def neq(self, rank: int) -> str:
        missing, wrong = self.chance(0.08), self.chance(0.03)
        # 1,234,567 shares no factor with four million: every rank has its own number.
        index = (self.neq_start + rank * 1_234_567) % NEQ_SPACE
        return "" if missing else neq(index, valid=not wrong)

    def description(self, archetype: Archetype) -> str:
        text = self.text(self.pick(archetype.descriptions))
        if archetype.data["sells"] >= 0.4 and self.chance(0.4):
            text = f"{text} {self.text(self.pick(self.common['closings']))}"
        return text

    def sectors(self, archetype: Archetype) -> list[str]:
        slugs = [archetype.sector]
        slugs += [slug for slug, share in archetype.data["sectors"].items() if self.chance(share)]
        return list(dict.fromkeys(s for slug in slugs for s in self.sectors_of.get(slug, [slug])))

    def statuses(self, archetype: Archetype, founded: int) -> list[dict[str, Any]]:
        rows = []
        for status, share in archetype.data["statuses"].items():
            if not self.chance(share):
                continue
            rule = self.common["statuses"][status]
            expires = None
            if rule["years"]:
                expires = (
                    self.ago(10, 700)
                    if self.chance(0.15)
                    else self.ahead(20, 365 * rule["years"] - 30)
                )
                issued = expires - timedelta(days=365 * rule["years"])
            else:
                issued = self.ago(200, 3000)
            if issued.year <= founded:
                issued = date(founded + 1, issued.month, min(issued.day, 28))
                issued = min(issued, self.today - timedelta(days=15))
            number = "".join(str(self.between(0, 9)) if c == "#" else c for c in rule["number"])
            rows.append(
                {
                    "status": status,
                    "number": number,
                    "issuer": rule["issuer"],
                    "issued_on": issued,
                    "expires_on": expires,
                }
            )
        return rows

    def benefits(self, archetype: Archetype, form: str) -> list[dict[str, str]]:
        rows = {}
        for benefit, evidence in archetype.benefits:
            if benefit not in rows and self.chance(0.85):
                rows[benefit] = self.text(evidence)
        if form.startswith("coop_") and self.chance(0.5):
            rows.setdefault(
                "gouvernance-democratique",
                self.text(self.pick(self.common["benefits"]["gouvernance-democratique"])),
            )
        if self.chance(0.2):
            benefit = self.pick(
                ["gouvernance-democratique", "lien-social", "approvisionnement-local"]
            )
            rows.setdefault(benefit, self.text(self.pick(self.common["benefits"][benefit])))
        return [{"benefit": benefit, "evidence": evidence} for benefit, evidence in rows.items()]

    def location(self) -> dict[str, Any]:
        place, common = self.place, self.common
        fsa = self.pick(place.fsas) if place.fsas else None
        borough = ""
        if place.boroughs:
            borough = common["borough_of_fsa"].get(fsa["code"]) if fsa else None
            if borough not in place.boroughs:
                borough = self.pick(place.boroughs)
        streets = (
            common["streets"].get(borough)
            or common["streets"].get(place.code)
            or common["streets"]["*"]
        )
        street = self.pick(streets)
        address = f"{self.between(*street[1:])}, {street[0]}"
        if self.chance(0.28):
            address += f", {self.pick(['bureau', 'bureau', 'local', 'suite'])} {self.between(1, 4)}{self.between(0, 2)}{self.between(0, 9)}"
        postal = ""
        if fsa:
            postal = (
                f"{fsa['code']} {self.between(1, 9)}{self.pick(POSTAL_LETTERS)}{self.between(0, 9)}"
            )
        precision, chance = "city", self.draw()
        latitude, longitude = place.city["lat"], place.city["lng"]
        if fsa and chance < 0.95:
            precision = "exact" if chance < 0.82 else "fsa"
            latitude, longitude = fsa["lat"], fsa["lng"]
            if precision == "exact":
                # Urban areas are small: a kilometre keeps the point on its own side of the river.
                distance, angle = 1.1 * math.sqrt(self.draw()), self.draw() * math.tau
                latitude += distance * math.sin(angle) / 111.2
                longitude += distance * math.cos(angle) / (111.2 * math.cos(math.radians(latitude)))
        return {
            "address": address,
            "borough": borough,
            "city_code": place.code,
            "postal_code": postal,
            "latitude": round(latitude, 5),
            "longitude": round(longitude, 5),
            "geo_precision": precision,
        }

    def phone(self) -> tuple[str, str]:
        """A number of the fictional range; shared numbers have distinct extensions."""
        if self.chance(0.05):
            return "", ""
        codes = self.place.area_codes
        key = codes[0]
        lines, given = self.lines.get(key, (None, 0))
        if lines is None:
            lines = [
                f"+1{code}55501{line:02d}" for code in codes for line in range(FICTIONAL_LINES)
            ]
            self.random.shuffle(lines)
        self.lines[key] = (lines, given + 1)
        turn, position = divmod(given, len(lines))
        extension = (
            str(200 + turn) if turn else str(self.between(100, 189)) if self.chance(0.2) else ""
        )
        return lines[position], extension

    def languages(self) -> list[str]:
        languages = ["fr"]
        if self.chance(0.45):
            languages.append("en")
            if self.chance(0.25):
                languages.append(self.pick(["es", "es", "ar", "zh", "ht", "pt", "vi", "ro"]))
        return languages

    def territory(self, reach: str) -> dict[str, Any]:
        place = self.place
        territory: dict[str, Any] = {"province": False, "regions": [], "counties": [], "cities": []}
        if reach == "province":
            territory["province"] = True
        elif reach == "region" and place.region:
            around = self.common["region_neighbours"].get(place.region, [])
            territory["regions"] = [place.region]
            if around and self.chance(0.45):
                territory["regions"].append(self.pick(around))
        elif reach == "county" and place.county:
            territory["counties"] = [place.county]
        elif reach in ("county", "region"):
            territory["cities"] = list(neighbours(place, self.places))
        elif reach == "cities":
            around = neighbours(place, self.places)
            territory["cities"] = [place.code, *self.some(around[1:], self.between(1, 3))]
        else:
            territory["cities"] = [place.code]
        return territory

    def capacity(self, data: Mapping[str, Any]) -> dict[str, Any]:
        sells = data["sells"]
        informed = self.chance(0.35 + 0.6 * sells) if sells >= 0.3 else False
        smallest = largest = lead = insured = None
        if informed and data["orders"]:
            low, high = data["orders"]
            smallest = self.rounded(low, low * 3) if self.chance(0.8) else None
            largest = self.rounded(max(high / 3, low * 4), high) if self.chance(0.85) else None
        if informed and data["lead"]:
            lead = self.between(*data["lead"])
        if informed and data["insured"]:
            insured = self.pick(data["insured"]) * 1_000_000
        permits = []
        for kind, share in data["permits"].items():
            if self.chance(share):
                expired = self.chance(0.08)
                digits = [self.between(0, 9) for _ in range(9)]
                tail = "".join(map(str, digits))
                number = f"9{tail[:3]}-{tail[3:7]}-0{tail[8]}" if kind == "RBQ" else f"1{tail[:6]}"
                expires = self.ago(5, 200) if expired else self.ahead(15, 365)
                permits.append({"kind": kind, "number": number, "expires_on": expires})
        return {
            "permits": permits,
            "insured_amount": insured,
            "smallest_order": smallest,
            "largest_order": largest,
            "lead_time_days": lead,
            "busy_until": self.ahead(8, 120) if sells >= 0.4 and self.chance(0.08) else None,
            "accepts_cobidding": sells >= 0.3 and self.chance(0.3 + 0.4 * sells),
            "on_seao": self.chance(0.55 * sells**1.5),
        }

    def dates(self) -> tuple[date | None, date | None, str]:
        """Published over four years, confirmed at any time since, or never."""
        chance = self.draw()
        if chance < 0.05:
            return None, None, "draft"
        state = "archived" if chance < 0.09 else "published"
        age = self.between(1, 30) if self.chance(0.04) else self.between(31, 1460)
        if state == "archived":
            age = max(age, 200)
        since = self.draw()
        if since < 0.1:
            confirmed = None
        elif since < 0.6:
            confirmed = self.between(2, min(age, 360)) if age > 2 else 1
        else:
            confirmed = self.between(min(2, age), age)
        published_on = self.today - timedelta(days=age)
        return published_on, self.today - timedelta(days=confirmed) if confirmed else None, state

    def recognition(self, published_on: date | None) -> dict[str, Any] | None:
        if published_on is None or not self.chance(0.63):
            return None
        age = min((self.today - published_on).days + 20, self.between(10, 1700))
        recognised_on = self.today - timedelta(days=age)
        return {
            "recognised_on": recognised_on,
            "expires_on": recognised_on + timedelta(days=3 * 365),
            "reviewer": self.pick(self.common["reviewers"]),
            "points": list(RECOGNITION_POINTS),
        }

    def close(self, row: dict[str, Any], archetype: Archetype) -> None:
        other = self.last_published.get(archetype.slug)
        closing = self.pick(["closed", "closed", "replaced", "other"])
        if closing == "replaced" and other is None:
            closing = "closed"
        row["closing"] = closing
        row["replaced_by"] = other if closing == "replaced" else None
        row["archive_reason"] = self.pick(self.common["archive_reasons"][closing])

    def offerings(self, archetype: Archetype) -> list[dict[str, Any]]:
        most = len(archetype.offerings)
        number = self.between(3, 8) if most > 5 else self.between(2, most)
        chosen = [archetype.offerings[0], *self.some(archetype.offerings[1:], number - 1)]
        rows = []
        for offering, name, description in chosen:
            territory = None
            if offering.get("ships") and self.chance(0.35):
                territory = self.territory(self.pick(["province", "province", "region"]))
            rows.append(
                {
                    "kind": offering["kind"],
                    "name": self.text(name),
                    "description": self.text(description),
                    "category": offering["category"],
                    "unspsc": offering.get("unspsc", ""),
                    "territory": territory,
                }
            )
        return rows

    def person(self) -> tuple[str, str, bool]:
        """First name, last name, and whether the function is written in the feminine."""
        group = self.persons[0].turn(self.draw)
        feminine = self.chance(0.56)
        first = self.pick(group["feminine" if feminine else "masculine"])
        if self.chance(0.12):
            group = self.persons[0].turn(self.draw)
        return first, self.pick(group["last"]), feminine

    def contacts(self, label: str, size: str, phone: str) -> list[dict[str, str]]:
        small = size in ("0", "1-4")
        roles = ["board" if size == "0" else "director"]
        if not small or self.chance(0.3):
            roles += self.some(["sales", "bids", "operations", "admin"], self.between(0, 2))
        if size == "0" and self.chance(0.3):
            roles.append("volunteer")
        rows = []
        for role in roles:
            first, last, feminine = self.person()
            functions = self.pick(self.common["functions"][role])
            local = f"{domain_label(first)}.{domain_label(last)}" if self.chance(0.7) else None
            if local is None:
                local = domain_label(first)[:1] + domain_label(last)
            extension = str(self.between(200, 489)) if phone and self.chance(0.7) else ""
            direct = phone if extension else ""
            rows.append(
                {
                    "name": f"{first} {last}",
                    "function": functions[0] if feminine else functions[-1],
                    "email": f"{local}@{label}.example" if self.chance(0.9) else "",
                    "phone": direct,
                    "extension": extension,
                    "name_visibility": "public" if self.chance(0.85) else "buyers",
                    "email_visibility": self.pick(["buyers"] * 7 + ["public"] * 2 + ["staff"]),
                    "phone_visibility": self.pick(["buyers"] * 7 + ["public", "staff", "staff"]),
                }
            )
        return rows

    def references(self, archetype: Archetype, founded: int) -> list[dict[str, Any]]:
        rows = []
        sells = archetype.data["sells"]
        if not archetype.references or not self.chance(0.15 + 0.75 * sells):
            return rows
        for row, work in self.some(archetype.references, self.between(1, 3)):
            amount = self.rounded(*row["amounts"]) if row["amounts"] and self.chance(0.75) else None
            rows.append(
                {
                    "client": self.text(compiled(self.pick(self.common["clients"][row["client"]]))),
                    "work": self.text(work),
                    "year": max(
                        min(self.today.year - self.between(0, 5), self.today.year), founded
                    ),
                    "amount": amount,
                    "url": "",
                }
            )
        return rows
