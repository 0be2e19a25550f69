"""What the texts of an enterprise say, its facts say too.

Texts are written by hand and facts drawn, so that one may contradict the other: a buyer who reads
« livré en 48 heures » beside a delay of nine days trusts neither. The text has the last word.
Nothing is drawn here, so that an enterprise set right changes nothing of the next.
"""

import math
import re
from datetime import date, timedelta
from typing import Any

UNITS = """
zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize
dix-sept dix-huit dix-neuf
""".split()  # noqa: SIM905 a list of words, not of strings
TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante"}
NUMBERS = {word: number for number, word in enumerate(UNITS)} | {
    f"{tens}-{UNITS[unit]}" if unit else tens: ten + unit
    for ten, tens in TENS.items()
    for unit in (0, *range(2, 10))
}
NUMBER = r"(\d+|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + ")"

DAYS = {"heures": 1 / 24, "jours": 1, "semaines": 7, "mois": 30}
DURATION = rf"{NUMBER}(?: à {NUMBER})? (heures|jours|semaines|mois)"
PROMISED = (
    "livr[ée]e?s?|livraison|prêtes?|remise|petites séries|mise en ligne|portes|mots"
    "|pondération et rapport"
)
#: When what is ordered comes, in the words of the first offering.
DELAYS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:commande|délai de|préavis de|rendez-vous en moins de|visite en) {DURATION}",
        rf"\b(?:{PROMISED})\b[^.;]*? en {DURATION}",
        rf"\b{DURATION} (?:à l’avance|d’avance|de préparation)",
    )
]
NEXT_DAY = re.compile(r"\b(?:la veille|le jour même)\b")

#: How many work there, when all of them are counted, and when some are.
WORKFORCE = re.compile(
    rf"\b{NUMBER} (?:personnes salariées|personnes (?:y )?travaillent)"
    rf"|\béquipe (?:permanente )?(?:de|compte) {NUMBER} (?:personnes|profs)"
    rf"|\bemploie {NUMBER} ",
    re.IGNORECASE,
)
SOME = re.compile(
    rf"\b{NUMBER} (?:employées|travailleuses|membres travailleurs|techniciennes"
    r"|animateurs permanents|membres, )",
    re.IGNORECASE,
)
SIZES = {"0": 0, "1-4": 4, "5-19": 19, "20-49": 49, "50-99": 99, "100+": math.inf}

#: A name that says of which kind the co-operative is, and the forms of that kind.
KINDS = {
    re.compile(r" de solidarité\b", re.IGNORECASE): {"coop_solidarity"},
    re.compile(r" de travail\b", re.IGNORECASE): {"coop_worker"},
}
CALLED_COOP = re.compile(r"\bcoop(?:érative)? de (?:solidarité|travail)\b", re.IGNORECASE)
ACCREDITED = re.compile(r"\bEÉSAD accréditée\b")


def agree(row: dict[str, Any], today: date) -> dict[str, Any]:
    """The enterprise with its delay, its size, its name and its accreditation as its texts, its
    legal form and today have them."""
    said = f"{row['mission']} {row['description']}"
    if row["lead_time_days"] is not None:
        first = row["offerings"][0]["description"] if row["offerings"] else ""
        row["lead_time_days"] = delay(first) or delay(said) or row["lead_time_days"]
    row["size"] = size(said, row["size"])
    row["name"] = name(row["name"], row["legal_form"])
    if any(ACCREDITED.search(offering["description"]) for offering in row["offerings"]):
        for status in row["statuses"]:
            if status["status"] == "aide-a-domicile" and status["expires_on"]:
                status["expires_on"] = max(status["expires_on"], today + timedelta(days=180))
    return row


def delay(text: str) -> int | None:
    """Days after which what is ordered comes, as `text` says, the longest where it says a range."""
    for pattern in DELAYS:
        if found := pattern.search(text):
            least, most, unit = found.groups()
            return math.ceil(number(most or least) * DAYS[unit])
    return 1 if NEXT_DAY.search(text) else None


def size(text: str, drawn: str) -> str:
    """The range of sizes that holds the number of people whom `text` counts, else the one drawn."""
    if found := WORKFORCE.search(text):
        return range_of(number(next(filter(None, found.groups()))))
    if found := SOME.search(text):
        return max(drawn, range_of(number(found[1])), key=SIZES.__getitem__)
    return drawn


def range_of(people: int) -> str:
    return next(name for name, most in SIZES.items() if people <= most)


def name(written: str, form: str) -> str:
    """A name without the kind of co-operative that its legal form is not."""
    for kind, forms in KINDS.items():
        if CALLED_COOP.search(written) and kind.search(written) and form not in forms:
            return kind.sub("", written, count=1)
    return written


def number(written: str) -> int:
    return int(written) if written.isdigit() else NUMBERS[written.lower()]
