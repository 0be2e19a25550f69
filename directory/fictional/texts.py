"""Hand-written French texts, with alternatives, `{un|deux}`, and slots, `{de_ville}`."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

# A text without braces stays a str; another is a tuple of fixed parts, Slot and Alternatives.
Text = str | tuple

# Names in h that elide; the other places of Québec in h keep « de ».
SILENT_H = ("heb", "hen", "her", "hub")


class Slot(NamedTuple):
    name: str


class Alternatives(NamedTuple):
    choices: tuple[str, ...]


def compiled(text: str) -> Text:
    parts = re.split(r"\{([^{}]*)\}", text)
    if len(parts) == 1:
        return text
    out: list[Any] = []
    for position, part in enumerate(parts):
        if position % 2 == 0:
            if part:
                out.append(part)
        elif "|" in part:
            out.append(Alternatives(tuple(part.split("|"))))
        else:
            out.append(Slot(part))
    return tuple(out)


def rendered(text: Text, draw: Callable[[], float], slots: Mapping[str, str]) -> str:
    if isinstance(text, str):
        return text
    out = []
    for part in text:
        if isinstance(part, Slot):
            out.append(slots[part.name])
        elif isinstance(part, Alternatives):
            out.append(part.choices[int(draw() * len(part.choices))])
        else:
            out.append(part)
    return "".join(out)


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
