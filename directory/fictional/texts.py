"""Hand-written French texts, with alternatives, `{un|deux}`, and slots, `{de_ville}`."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

# A text without braces stays a str; another is a tuple of fixed parts, Slot and Alternatives.
Text = str | tuple

# Names in h that elide; the other places of Québec in h keep « de ».
SILENT_H = ("heb", "hen", "her", "hub")


class Slot(NamedTuple):
    name: str


class Alternatives(NamedTuple):
    choices: tuple[Text, ...]
    quantity: bool


TOKEN = re.compile(r"[{}|]|[^{}|]+")
QUANTITY = re.compile(
    r"\d|(deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize"
    r"|vingt|trente|quarante|cinquante|soixante|cent|mille|la moitié|le tiers|le quart)\b",
    re.IGNORECASE,
)


def compiled(text: str) -> Text:
    return read(iter(TOKEN.findall(text)))[0]


def read(tokens: Iterator[str]) -> list[Text]:
    """What is before the end or the closing brace: one text, or several parted by bars."""
    choices: list[list[Any]] = [[]]
    for token in tokens:
        if token == "{":
            inner = read(tokens)
            if len(inner) == 1 and isinstance(inner[0], str):
                choices[-1].append(Slot(inner[0]))
            else:
                quantity = all(isinstance(text, str) and QUANTITY.match(text) for text in inner)
                choices[-1].append(Alternatives(tuple(inner), quantity))
        elif token == "}":
            break
        elif token == "|":
            choices.append([])
        else:
            choices[-1].append(token)
    return ["".join(c) if all(type(part) is str for part in c) else tuple(c) for c in choices]


class Voice:
    """How one enterprise says the texts, its quantities agreeing from one to the other."""

    def __init__(self, draw: Callable[[], float], slots: Mapping[str, str]):
        self.draw = draw
        self.slots = slots
        # By number of alternatives: « Trente|Quarante » here and « 30|40 » there go together.
        self.ranks: dict[int, int] = {}

    def says(self, text: Text) -> str:
        if isinstance(text, str):
            return text
        out = []
        for part in text:
            if isinstance(part, Slot):
                out.append(self.slots[part.name])
            elif isinstance(part, Alternatives):
                out.append(self.says(self.chosen(part)))
            else:
                out.append(part)
        return "".join(out)

    def chosen(self, alternatives: Alternatives) -> Text:
        number = len(alternatives.choices)
        if not alternatives.quantity:
            return alternatives.choices[int(self.draw() * number)]
        if number not in self.ranks:
            self.ranks[number] = int(self.draw() * number)
        return alternatives.choices[self.ranks[number]]


CONTRACTED = {
    ("de", "le"): "du ",
    ("de", "les"): "des ",
    ("à", "le"): "au ",
    ("à", "les"): "aux ",
}


def with_preposition(preposition: str, place: str) -> str:
    """« de » or « à » before a place or a name with its article: *du Tilleul*, *aux Escoumins*."""
    article, _, rest = place.partition(" ")
    if rest and (joined := CONTRACTED.get((preposition, article.lower()))):
        return joined + rest
    if preposition == "de" and not place.lower().startswith(("la ", "l’")):
        start = fold(place[:3])
        if start.startswith(tuple("aeiou")) or start in SILENT_H:
            return f"d’{place}"
    return f"{preposition} {place}"


def without_article(name: str) -> str:
    return re.sub(r"^(le |la |les |l’)", "", name, flags=re.IGNORECASE)


def lowered_article(name: str) -> str:
    """« La Clairière » → « la Clairière »."""
    return name[:1].lower() + name[1:] if re.match(r"(Le |La |Les |L’)", name) else name


PLAIN = str.maketrans({"œ": "oe", "Œ": "oe", "’": "'"})


def fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.translate(PLAIN))
    return plain.encode("ascii", "ignore").decode().lower()


NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
EMPTY_WORDS = frozenset(re.findall(r"\w+", "de la le les du des d l et a au aux en pour un une"))


def address_label(name: str, *, empty: frozenset[str] = frozenset()) -> str:
    """A name as it is written in an e-mail address: *Marie-Ève* gives *marie-eve*."""
    words = NOT_A_LETTER.sub(" ", fold(name)).split()
    return "-".join(word for word in words if word not in empty)


def domain_label(name: str) -> str:
    return address_label(name, empty=EMPTY_WORDS)[:60].strip("-")
