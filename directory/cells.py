"""How one kind of value is written in a cell, and read from it.

A value is kept in its plain form: text, int, float, bool, date, or a tuple (of texts, or of keys
of rows). `clean` gives that form, None for an empty cell, or raises ValueError with what to do, in
words; `render` gives text, a number or a date. What one writes the other reads back.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.utils.translation import gettext as _
from import_export.widgets import Widget
from rapidfuzz import fuzz, process

from directory.facets import STEP, Dimension
from directory.gazetteer import Gazetteer, Unfit, key
from directory.labels import Labels
from directory.models import Enterprise, Offering
from directory.models.enterprises import PHONE, POSTAL_CODE
from directory.models.fields import NeqField, PhoneField, PostalCodeField

#: What a reader cannot see: controls but tab and line break, zero widths, direction marks.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
#: What could part the items of a list.
PARTING = re.compile(r"[\\|;\r\n]")


# --- Lists in a cell

#: As many as there are municipalities, and then some.
MOST_ITEMS = 2_000


def join(items: Iterable[str]) -> str:
    """Items in one cell, parted by « | »; what could part them is escaped."""
    items = list(items)
    if PARTING.search("".join(items)):
        items = [PARTING.sub(r"\\\g<0>", item) for item in items]
    return joined(items)


def joined(pieces: Iterable[str]) -> str:
    """Items as they are written, already escaped, in one cell."""
    return " | ".join(pieces)


def split(text: str) -> list[str]:
    """The items of a cell, parted by « | », « ; » or a line break, without blanks around."""
    return [item for item in map(unescape, pieces(text)) if item]


def pieces(text: str) -> list[str]:
    """The items as they are written, still escaped."""
    items = re.findall(r"(?:\\.|[^\\|;\n]|\\$)+", text, re.DOTALL)
    if len(items) > MOST_ITEMS:
        raise Unfit(
            _("%(count)d éléments dans une case, %(most)d au plus\xa0: abrégez.")
            % {"count": len(items), "most": MOST_ITEMS}
        )
    return items


def unescape(item: str) -> str:
    return re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL).strip()


# --- Texts and numbers

#: How numbers written in several ways are put in one.
NEQ, PHONE_NUMBER, POSTAL = NeqField(), PhoneField(), PostalCodeField()


def plain(value: Any) -> str:
    """The text of a cell, whatever type a spreadsheet gave it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if not value.time().second else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if text.isprintable():  # nothing unseen, nor any break
        return unicodedata.normalize("NFC", text).strip()
    text = LINE_BREAK.sub("\n", text)
    return unicodedata.normalize("NFC", UNSEEN.sub("", text)).strip()


def line(text: str) -> str:
    """On one line, single spaces; those that must not break stay as they are."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return re.sub(r"[ \t\n\v\f]+", " ", text).strip()


class Cell(Widget):
    """Text on one line."""

    #: Whether what it cannot read is asked once of all the rows that write it, among `options`.
    asked = False
    #: Names of vocabularies and places; the resource gives them to its widgets.
    labels: Labels
    gazetteer: Gazetteer

    def __init__(self, longest: int = 0):
        super().__init__()
        self.longest = longest

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        text = plain(value)
        return self.read(text) if text else None

    @property
    def verbatim(self) -> bool:
        """Whether what is kept is written as it is; a file of all then takes less time."""
        return type(self).write is Cell.write and type(self).render is Cell.render

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else self.write(value)

    def read(self, text: str) -> Any:
        return self.fit(line(text))

    def write(self, value: Any) -> Any:
        return value

    def same(self, kept: Any, given: Any) -> bool:
        """Whether what is kept already says what a file gives."""
        return kept == given or isinstance(kept, str) and line(plain(kept)) == line(given)

    def fit(self, text: str) -> str:
        if self.longest and len(text) > self.longest:
            raise ValueError(
                _("%(count)d caractères, %(most)d au plus\xa0: abrégez.")
                % {"count": len(text), "most": self.longest}
            )
        return text


class Asked(Cell):
    """A cell that says rows of a list: what is not in it, a person says once what it is."""

    asked = True
    #: Whether one cell may say several of them.
    several = False

    def options(self) -> list[tuple[str, str]]:
        """What may be answered: how a cell would write it, and its name."""
        raise NotImplementedError

    def parts(self, text: str) -> list[str]:
        return [line(text)]

    def unread(self, text: str) -> list[str]:
        """What of this text is not in the list."""
        return [part for part in self.parts(text) if not self.reads(part)]

    def reads(self, text: str) -> bool:
        try:
            self.read(text)
        except ValueError:
            return False
        return True

    def same_text(self, one: str, other: str) -> bool:
        """Whether two cells say the same things in the same order, however they are parted."""
        try:
            return self.parts(one) == self.parts(other)
        except ValueError:  # more than a cell may hold
            return one == other

    def answered(self, text: str, answers: Mapping[str, str]) -> str:
        """The text with what was said of each of its parts in its place; "" leaves it out."""
        parts = self.parts(text)
        if not any(key(part) in answers for part in parts):
            return text
        said = [answers.get(key(part), part) for part in parts]
        return join(part for part in said if part) if len(parts) > 1 else said[0]


class Lines(Cell):
    """Text that may have several lines."""

    def read(self, text: str) -> str:
        return self.fit(text)


class Texts(Cell):
    """A list of texts, in their order."""

    def __init__(self, longest: int = 0, aliases: Mapping[str, str] | None = None):
        super().__init__(longest)
        self.aliases = aliases or {}

    def read(self, text: str) -> tuple[str, ...]:
        items = (self.fit(line(item)) for item in split(text))
        return tuple(dict.fromkeys(self.aliases.get(key(item), item) for item in items))

    def write(self, value: Iterable[str]) -> str:
        return join(value)

    def same(self, kept: Iterable[str], given: Iterable[str]) -> bool:
        return [line(plain(item)) for item in kept] == list(given)


class Neq(Cell):
    """Ten digits, also where a spreadsheet made a number of them."""

    def read(self, text: str) -> str:
        digits = NEQ.put(text)
        if re.fullmatch(r"[0-9]+([.,][0-9]+)?(e\+?[0-9]{1,2})?", text.replace(" ", ""), re.I):
            number = Decimal(text.replace(" ", "").replace(",", "."))
            if number != number.to_integral_value():
                number = Decimal(0)
            # Of a number shown as 1,14763E+09 the end is lost.
            elif re.search("e", text, re.I) and len(number.as_tuple().digits) < 8:
                raise ValueError(
                    _(
                        "Le tableur a arrondi ce NEQ\xa0: mettez la colonne au format texte "
                        "et écrivez les 10 chiffres."
                    )
                )
            digits = f"{number:f}".split(".")[0] if number else digits
        if not re.fullmatch(r"[0-9]{10}", digits, re.ASCII):
            raise ValueError(
                _("Un NEQ compte 10 chiffres\xa0: corrigez-le, ou videz la case s’il est inconnu.")
            )
        return digits


class Phone(Cell):
    #: « 450 555-0123 poste 12 »
    EXTENSION = re.compile(r"\b(?:poste|post|ext(?:ension)?|p|x)\b[\s.:#]*(\d{1,10})\)?$", re.I)
    LONGEST = 100  # characters

    def read(self, text: str) -> str:
        found = self.parted(text)
        number = PHONE_NUMBER.put(found[0]) if found else ""
        if not re.fullmatch(PHONE, number, re.ASCII):
            raise ValueError(
                _("Un téléphone compte dix chiffres\xa0: écrivez par exemple 450 555-0123.")
            )
        return number

    def write(self, value: str) -> str:
        return f"{value[2:5]} {value[5:8]}-{value[8:]}" if value else ""

    @classmethod
    def extension(cls, text: str) -> str:
        """The extension that a telephone is written with, if any."""
        found = cls.parted(plain(text))
        return found[1] if found else ""

    @classmethod
    def parted(cls, text: str) -> tuple[str, str] | None:
        """The number and its extension, as written; None where the text is too long for one."""
        text = line(text)
        if len(text) > cls.LONGEST:
            return None
        if found := cls.EXTENSION.search(text):
            return text[: found.start()].rstrip(" \xa0,;("), found[1]
        return text, ""


class PostalCode(Cell):
    def read(self, text: str) -> str:
        code = POSTAL.put(re.sub(r"[\s-]", "", text))
        if not re.fullmatch(POSTAL_CODE, code, re.ASCII):
            raise ValueError(
                _("Ce n’est pas un code postal du Québec\xa0: écrivez par exemple J4K 1A1.")
            )
        return code


class Email(Cell):
    def read(self, text: str) -> str:
        address = self.fit(re.sub(r"^mailto:", "", text, flags=re.I).strip())
        try:
            validate_email(address)
        except ValidationError:
            raise ValueError(_("Écrivez un seul courriel, par exemple nom@organisme.ca.")) from None
        return address


class Website(Cell):
    VALID = URLValidator(schemes=["http", "https"])

    def read(self, text: str) -> str:
        address = self.fit(text if re.match(r"[a-z]+:", text, re.I) else f"https://{text}")
        try:
            self.VALID(address)
        except ValidationError:
            raise ValueError(
                _("Écrivez une seule adresse web, par exemple https://www.organisme.ca.")
            ) from None
        return address

    def same(self, kept: str, given: str) -> bool:
        return self.bare(kept) == self.bare(given)

    def bare(self, address: str) -> str:
        return re.sub(r"^https?://(www\.)?", "", address.strip(), flags=re.I).rstrip("/").lower()


class Whole(Cell):
    """A whole number, an amount in dollars included: « 25 000 $ »."""

    def __init__(self, least: int = 0, most: int = 2_147_483_647):
        super().__init__()
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        digits = re.sub(r"[\s$]|\bans?\b|\bjours?\b", "", text, flags=re.I)
        # A point or comma parts thousands where three digits follow, else decimals.
        digits = re.sub(r"(?<=\d)[.,](?=\d{3}(?:\D|$))", "", digits).replace(",", ".")
        try:
            number = (
                Decimal(digits) if re.fullmatch(r"-?[0-9.]+(e\+?\d\d?)?", digits, re.I) else None
            )
        except InvalidOperation:
            number = None
        if number is None or number != number.to_integral_value():
            raise ValueError(_("Écrivez un nombre entier, par exemple 25000."))
        if not self.least <= number <= self.most:
            raise ValueError(
                _("Écrivez un nombre de %(least)d à %(most)d.")
                % {"least": self.least, "most": self.most}
            )
        return int(number)


class Degrees(Cell):
    """A latitude or a longitude in decimal degrees, within Québec."""

    def __init__(self, least: float, most: float):
        super().__init__()
        self.least, self.most = least, most

    def read(self, text: str) -> float:
        try:
            number = float(text.replace(",", ".").replace("\u2212", "-"))
        except ValueError:
            number = 0.0
        if not self.least <= number <= self.most:
            raise ValueError(
                _("Écrivez des degrés décimaux, de %(least)s à %(most)s au Québec.")
                % {"least": self.least, "most": self.most}
            )
        return number

    def same(self, kept: float | None, given: float) -> bool:
        return kept is not None and abs(kept - given) < 1e-6  # a hand's breadth


class Day(Cell):
    ORDERS = (("%Y-%m-%d", 10), ("%Y/%m/%d", 10), ("%Y%m%d", 8))

    def read(self, text: str) -> date:
        # A spreadsheet adds midnight to a day.
        text = re.sub(r"[ T]00:00(:00(\.0+)?)?$", "", text)
        for order, length in self.ORDERS:
            if len(text) == length:
                try:
                    return datetime.strptime(text, order).date()
                except ValueError:
                    continue
        raise ValueError(_("Écrivez la date ainsi\xa0: 2026-03-31."))


class YesNo(Asked):
    YES = {"oui", "o", "yes", "y", "vrai", "true", "1", "x"}
    NO = {"non", "n", "no", "faux", "false", "0"}

    def read(self, text: str) -> bool:
        word = key(text)
        if word in self.YES | self.NO:
            return word in self.YES
        raise ValueError(_("Écrivez oui ou non."))

    def write(self, value: bool) -> str:
        return _("oui") if value else _("non")

    def options(self) -> list[tuple[str, str]]:
        return [(self.write(value), self.write(value)) for value in (True, False)]


# --- Choices and vocabularies


def nearest(text: str, names: Iterable[str]) -> str:
    """« Peut-être …? » where a name is close to what was written."""
    if len(text) > 200:  # no name is
        return ""
    found = process.extractOne(key(text), names, scorer=fuzz.WRatio, processor=key, score_cutoff=75)
    return _("Peut-être «\xa0%(name)s\xa0»?") % {"name": found[0]} if found else ""


class Choice(Asked):
    """One of a field's choices: its label, its code or another usual name."""

    def __init__(
        self,
        choices: Iterable[tuple[str, Any]],
        aliases: Mapping[str, Iterable[str]] | None = None,
        reduce: Callable[[str], str] = key,
    ):
        super().__init__()
        self.choices = list(choices)
        self.aliases = aliases or {}
        self.reduce = reduce

    @cached_property
    def names(self) -> dict[str, str]:
        return {value: str(label) for value, label in self.choices}

    @cached_property
    def values(self) -> dict[str, str]:
        known = {
            self.reduce(alias): value for value, names in self.aliases.items() for alias in names
        }
        for value, label in self.names.items():
            known |= {self.reduce(value): value, self.reduce(label): value}
        return known

    def read(self, text: str) -> str:
        value = self.values.get(self.reduce(text))
        if value is None:
            raise Unfit(
                _("Écrivez l’un de ces choix\xa0: %(choices)s.")
                % {"choices": ", ".join(self.names.values())},
                nearest(text, self.names.values()),
            )
        return value

    def write(self, value: str) -> str:
        return self.names.get(value, "")

    def options(self) -> list[tuple[str, str]]:
        return list(self.names.items())


def legal_form_key(text: str) -> str:
    """« Coop. de solidarité » and « coopérative solidarité » are one."""
    text = text.replace(".", "")  # « O.B.N.L. »
    words = [
        "cooperative" if word in {"coop", "cooperatives"} else word for word in key(text).split()
    ]
    return " ".join(word for word in words if word not in {"de", "d", "des", "du", "la", "le", "l"})


LEGAL_FORM_ALIASES: dict[str, tuple[str, ...]] = {
    Enterprise.LegalForm.NPO: (
        *("OBNL", "OSBL", "OBNL (organisme à but non lucratif)", "organisme à but non lucratif"),
        *("organisme sans but lucratif", "organisation à but non lucratif", "association"),
        *("personne morale sans but lucratif", "association personnifiée"),
        *("société sans but lucratif", "corporation sans but lucratif", "OBNL/OSBL", "OSBL/OBNL"),
        *("non-profit", "sans but lucratif", "but non lucratif"),
    ),
    Enterprise.LegalForm.COOP_CONSUMER: ("coopérative de consommation", "coop de consommateur"),
    Enterprise.LegalForm.COOP_PRODUCER: ("coopérative de production", "coopérative producteur"),
    Enterprise.LegalForm.COOP_WORKER: (
        *("coopérative de travailleurs", "coopérative de travailleuses", "coopérative travailleur"),
    ),
    Enterprise.LegalForm.COOP_SOLIDARITY: ("coopérative solidaire", "coopérative multisociétaire"),
    Enterprise.LegalForm.COOP_WORKER_SHAREHOLDER: (
        *("coopérative de travailleurs actionnaires", "CTA"),
    ),
    Enterprise.LegalForm.COOP_FEDERATION: ("fédération de coopératives", "fédération"),
    Enterprise.LegalForm.MUTUAL: ("mutuelle d’assurance", "société mutuelle", "mutuelles"),
    Enterprise.LegalForm.COOP_FINANCIAL: ("coopérative de services financiers", "caisse"),
}


class HeadCount(Choice):
    """A range of employees, or their number."""

    STEPS = (("0", 0), ("1-4", 4), ("5-19", 19), ("20-49", 49), ("50-99", 99))

    def read(self, text: str) -> str:
        if re.fullmatch(r"\d{1,6}", text):
            return self.of(int(text))
        # « 5 à 10 », where both are of one range.
        if found := re.fullmatch(r"(\d{1,6}) ?(?:à|-|–) ?(\d{1,6})", text):
            least, most = (self.of(int(number)) for number in found.groups())
            if least == most:
                return least
        return super().read(text)

    def of(self, number: int) -> str:
        return next((size for size, most in self.STEPS if number <= most), "100+")


class Words(Asked):
    """Rows of a vocabulary or places: names, slugs or codes, parted as a list; keys of rows."""

    several = True

    def __init__(self, dimension: Dimension):
        super().__init__()
        self.dimension = dimension

    @cached_property
    def rows(self) -> dict[str, int]:
        known: dict[str, int] = {}
        # A name wins over a slug or a code, and the first of two alike over the second.
        for label in self.labels.of(self.dimension):
            known.setdefault(key(label.name), label.code % STEP)
        for label in self.labels.of(self.dimension):
            for name in (label.key, label.official):
                known.setdefault(key(name), label.code % STEP)
        return known

    def options(self) -> list[tuple[str, str]]:
        listed = self.labels.of(self.dimension)
        return [(label.key, label.name) for label in listed if not label.retired]

    def parts(self, text: str) -> list[str]:
        return split(text)

    def read(self, text: str) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.row(item) for item in split(text)))

    def row(self, item: str) -> int:
        row = self.rows.get(key(item)) if key(item) else None
        if row is None:
            raise self.unknown(item)
        return row

    def unknown(self, item: str) -> Unfit:
        names = [label.name for label in self.labels.of(self.dimension) if not label.retired]
        hint = nearest(item, names)
        if not hint and len(names) <= 20:
            hint = _("La liste\xa0: %(names)s.") % {"names": ", ".join(names)}
        return Unfit(
            _("«\xa0%(name)s\xa0» n’est pas dans la liste du répertoire\xa0: corrigez-le.")
            % {"name": item[:80]},
            hint,
        )

    def write(self, value: Iterable[int]) -> str:
        return join(self.labels.name(self.dimension, row) for row in value)

    def same(self, kept: Iterable[int], given: Iterable[int]) -> bool:
        return set(kept) == set(given)


class Counties(Words):
    """MRCs, « MRC » in front or not; two are named as their city is, which is no trouble here."""

    @cached_property
    def rows(self) -> dict[str, int]:
        known: dict[str, int] = {}
        for city in self.gazetteer.cities.values():
            known.setdefault(key(city.county_name), city.county % STEP)
        for label in self.labels.of(self.dimension):
            for name in (label.name, label.key, label.official):
                known.setdefault(key(name), label.code % STEP)
        return known

    def row(self, item: str) -> int:
        if key(item) in self.rows:
            return super().row(item)
        return super().row(re.sub(r"^mrc (de la |des |du |de l |de |d )?", "", key(item)))


class Cities(Cell):
    """Municipalities, by name or code."""

    def read(self, text: str) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.row(item) for item in split(text)))

    def row(self, item: str) -> int:
        code = item if re.fullmatch(r"\d{4,5}", item) else ""
        try:
            return self.gazetteer.find(item, code=code).city
        except ValueError as error:
            raise ValueError(f"«\xa0{item[:80]}\xa0»\xa0: {error}") from None

    def write(self, value: Iterable[int]) -> str:
        return join(self.gazetteer.written(city) for city in value)

    def same(self, kept: Iterable[int], given: Iterable[int]) -> bool:
        return set(kept) == set(given)


# --- What an enterprise offers and holds

KINDS = {"produit": Offering.Kind.PRODUCT, "service": Offering.Kind.SERVICE}
PREFIX = re.compile(r"\s*(produit|service)\s*:\s*(.*)", re.I | re.DOTALL)


class Offerings(Cell):
    """(kind, name) of each; the kind is "" where a file says nothing of it."""

    def read(self, text: str) -> tuple[tuple[str, str], ...]:
        return tuple(self.offering(item) for item in split(text))

    def offering(self, item: str) -> tuple[str, str]:
        found = PREFIX.fullmatch(item)
        kind, name = (KINDS[found[1].lower()], found[2]) if found else ("", item)
        if not line(name):
            raise ValueError(_("Un produit ou un service a un nom\xa0: écrivez-le."))
        return kind, self.fit(line(name))

    def write(self, value: Iterable[tuple[str, str]]) -> str:
        offerings = list(value)
        products = {key(name) for kind, name in offerings if kind == Offering.Kind.PRODUCT}
        return join(self.item(kind, name, products) for kind, name in offerings)

    def same(self, kept: Sequence[tuple[str, str]], given: Sequence[tuple[str, str]]) -> bool:
        pairs, added = pair(kept, given)
        return len(pairs) == len(kept) and not added

    def item(self, kind: str, name: str, products: set[str]) -> str:
        if kind == Offering.Kind.PRODUCT:
            return f"Produit\xa0: {name}"
        # Said only where its name alone would be read otherwise.
        said = PREFIX.fullmatch(name) or (products and key(name) in products)
        return f"Service\xa0: {name}" if said else name


def pair(
    kept: Sequence[tuple[str, str]], given: Sequence[tuple[str, str]]
) -> tuple[dict[int, int], list[int]]:
    """Offerings kept → offerings given, by name and, where it is said, kind; and those added."""
    pairs: dict[int, int] = {}
    left = {place: (kind, key(name)) for place, (kind, name) in enumerate(kept)}
    added, seen = [], set()
    # Those that say their kind choose first.
    for place, (kind, name) in sorted(enumerate(given), key=lambda item: not item[1][0]):
        wanted = key(name)
        for mine, (its_kind, its_name) in left.items():
            if its_name == wanted and kind in ("", its_kind):
                pairs[mine] = place
                del left[mine]
                break
        else:
            if wanted not in seen and all(key(kept[mine][1]) != wanted for mine in pairs):
                added.append(place)
        seen.add(wanted)
    return pairs, sorted(added)


class Permits(Cell):
    """« RBQ : 1234-5678-90 : 2027-03-31 », the number and the expiry optional."""

    RBQ = r"[0-9]{4}-[0-9]{4}-[0-9]{2}"

    def read(self, text: str) -> tuple[tuple[str, str, date | None], ...]:
        items = (item for item in pieces(text) if unescape(item))
        return tuple(dict.fromkeys(self.permit(item) for item in items))

    def permit(self, item: str) -> tuple[str, str, date | None]:
        if found := re.fullmatch(rf"\s*RBQ\s+({self.RBQ})\s*", item, re.I):
            return "RBQ", found[1], None
        parts = [line(unescape(part)) for part in re.findall(r"(?:^|:)((?:\\.|[^\\:])*)", item)]
        kind, number, until, *others = [*parts, "", ""]
        if not kind or any(others):
            raise ValueError(
                _("Écrivez un permis ainsi\xa0: RBQ\xa0: 1234-5678-90\xa0: 2027-03-31.")
            )
        if len(kind) > 60 or len(number) > 40:
            raise ValueError(
                _("Un permis se nomme en 60 caractères, son numéro en 40\xa0: abrégez.")
            )
        if kind == "RBQ" and not re.fullmatch(self.RBQ, number, re.ASCII):
            raise ValueError(_("Une licence RBQ s’écrit ainsi\xa0: 1234-5678-90."))
        return kind, number, Day().read(until) if until else None

    def write(self, value: Iterable[tuple[str, str, date | None]]) -> str:
        return joined(
            "\xa0: ".join(re.sub(r"[\\|;:\r\n]", r"\\\g<0>", part) for part in self.parts(*permit))
            for permit in value
        )

    def same(self, kept: Iterable[tuple], given: Iterable[tuple]) -> bool:
        return set(kept) == set(given)

    def parts(self, kind: str, number: str, until: date | None) -> list[str]:
        if until:
            return [kind, number, until.isoformat()]
        return [kind, number] if number else [kind]


# --- Where


class CityName(Cell):
    """A row says its city in several cells, which `Gazetteer.find` reads together: here as typed.
    Of a city's key, `part` is what this cell says."""

    def __init__(self, part: str):
        super().__init__()
        self.part = part

    def write(self, value: int) -> str:
        if self.part == "code":
            return self.gazetteer.cities[value].official
        return getattr(self.gazetteer, self.part)(value)


class BoroughName(Cell):
    def write(self, value: int) -> str:
        return self.labels.boroughs[value]


class Derived(Cell):
    """Written for readers, never read back."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> None:
        return None


class Codes(Derived):
    def write(self, value: Iterable[str]) -> str:
        return join(value)
