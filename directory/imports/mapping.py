"""Which column of a file is which of ours: guessed from the headers, shown, and kept as a file.

A mapping file is JSON:

    {
      "columns": {"Nom de l’organisme": "name", "Remarques": null},
      "constants": {"legal_form": "npo"},
      "places": {"Chicoutimi": "Saguenay", "Saint-Lambert": "58012"}
    }

`columns`: header → code name of the column, null to leave it out; headers not named are guessed.
`constants`: what a new listing gets where its cell is empty or the file has no such column.
`places`: municipality as the file writes it → its name or its geographic code, for names that mean
none or several.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rapidfuzz import fuzz, process

from directory.cells import plain
from directory.gazetteer import key
from directory.imports.bounds import Refused
from directory.imports.entries import Heading
from directory.resources import EnterpriseResource

#: Columns that tell places apart, and are kept nowhere.
HELPERS = {
    "province": (gettext_lazy("Province"), ("province", "prov", "état ou province")),
    "country": (gettext_lazy("Pays"), ("pays", "country")),
}
#: What `slug` may hold instead of an address: a listing to be made, however like another.
NEW = "nouvelle"
#: In the answers on a column, of whatever it cannot read: "" leaves the cell empty; of a
#: municipality, HERE takes, of several that it may be, the only one that is of the site.
ANY, HERE = "*", "ici"
LARGEST = 1_000_000  # bytes


@dataclass
class Answers:
    """What a person says of a file, before it is read."""

    columns: dict[str, str | None] = field(default_factory=dict)  # key of a header → code name
    constants: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)  # key of a name → its code, or name
    #: Column → key of what cells say, or ANY → what it is, "" for nothing.
    cells: dict[str, dict[str, str]] = field(default_factory=dict)


def read(path: Path, resource: EnterpriseResource) -> Answers:
    """The answers kept in a mapping file. Raises Refused, saying which line to correct."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        parts = {name: content.pop(name, {}) for name in ("columns", "constants", "places")}
        if content or not all(isinstance(part, dict) for part in parts.values()):
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Refused(
            _(
                "Le fichier de correspondance n’est pas lisible\xa0: c’est un objet JSON à trois "
                "clés, «\xa0columns\xa0», «\xa0constants\xa0» et «\xa0places\xa0»."
            )
        ) from None
    columns = {}
    for header, name in parts["columns"].items():
        if name is not None and name not in writable(resource):
            raise Refused(no_column(name, resource))
        columns[key(header)] = name
    constants = {name: plain(value) for name, value in parts["constants"].items()}
    for name in constants:
        check_constant(name, resource)
    # Left null in a file that was written for a person to fill.
    places = {key(name): plain(code) for name, code in parts["places"].items() if code}
    return Answers(columns, constants, places)


def check_constant(name: str, resource: EnterpriseResource) -> None:
    if name not in writable(resource) or name in {"slug", "name", "neq", *HELPERS}:
        raise Refused(no_column(name, resource))


def no_column(name: Any, resource: EnterpriseResource) -> str:
    return _("«\xa0%(name)s\xa0» n’est pas une colonne. Les colonnes\xa0: %(names)s.") % {
        "name": name,
        "names": ", ".join(writable(resource)),
    }


def writable(resource: EnterpriseResource) -> list[str]:
    """Code names of the columns that a file may fill."""
    names = [name for name, column in resource.columns.items() if not column.derived]
    return [*names, *HELPERS]


def label(name: str, resource: EnterpriseResource) -> str:
    return str(HELPERS[name][0]) if name in HELPERS else resource.columns[name].label


#: What a header says beside its name, « NEQ (si connu) ».
ASIDE = re.compile(r"\(.*?\)")


class Headers:
    """The headers by which columns are known: code name, label, usual other names."""

    def __init__(self, resource: EnterpriseResource):
        self.by_key: dict[str, str] = {}
        self.derived: set[str] = set()
        for name, column in resource.columns.items():
            for text in (column.label, name, *column.aliases):
                self.by_key.setdefault(key(text), name)
            if column.derived:
                self.derived.add(name)
        for name, (helper, aliases) in HELPERS.items():
            for other in (str(helper), name, *aliases):
                self.by_key.setdefault(key(other), name)

    def guess(self, header: str) -> str | None:
        """The column that bears this header, plural or slightly misspelt included."""
        written = key(header.replace(".", ""))  # « N.E.Q. »
        if found := self.by_key.get(written) or self.by_key.get(key(ASIDE.sub("", header))):
            return found
        if len(written) < 5:
            return None
        close = process.extractOne(written, self.by_key.keys(), scorer=fuzz.ratio, score_cutoff=90)
        return self.by_key[close[0]] if close else None

    def known(self, answers: Answers) -> Any:
        """Whether a cell is a header: for `files.open_table`."""
        said = {header for header, name in answers.columns.items() if name}
        return lambda cell: bool(cell) and (key(cell) in said or key(cell) in self.by_key)


def guessed(
    header: Iterable[str],
    resource: EnterpriseResource,
    examples: Sequence[Sequence[str]] = (),
) -> dict[str, str | None]:
    """Heading → the column that it seems to be, by its words, else by what the first cells under it
    say, `examples`; of two for one column, the first."""
    headers, taken = Headers(resource), set[str]()
    found: dict[str, str | None] = {}
    for text in header:
        name = headers.guess(text)
        found[text] = None if name in taken or name in headers.derived else name
        taken.add(name or "")
    looks = Looks(resource)
    for (text, name), values in zip(list(found.items()), examples, strict=False):
        if name is None and headers.guess(text) not in headers.derived:
            found[text] = looks.guess(text, values, taken)
            taken.add(found[text] or "")
    return found


#: What the registrar's numbers begin with.
NEQ_BEGINS = {"11", "22", "33", "88"}
#: Columns of which a cell of digits alone may be.
NUMBERS = {"phone"}


class Looks:
    """What a column seems to be from what its cells say, for a person to look at."""

    #: The most telling first: a telephone is no NEQ, a number of employees may be anything.
    COLUMNS = (
        *("neq", "email", "postal_code", "phone", "website", "legal_form", "city"),
        *("sectors", "statuses", "served_regions"),
    )
    #: Headings that lists use of several things: which, unless the cells look like another.
    VAGUE = {
        key(text): name
        for name, texts in {
            "offerings": ("activités", "activité", "activités principales", "activité principale"),
            "contact_name": ("nom du répondant", "répondant", "répondante", "direction générale"),
        }.items()
        for text in texts
    }
    #: How many of the cells must look so.
    ENOUGH = 0.6

    def __init__(self, resource: EnterpriseResource):
        self.resource = resource

    def guess(self, heading: str, values: Sequence[str], taken: Collection[str]) -> str | None:
        said = [value for value in values if value]
        for name in self.COLUMNS:
            if name in taken or not said:
                continue
            if sum(self.reads(name, value) for value in said) >= self.ENOUGH * len(said):
                return name
        vague = self.VAGUE.get(key(heading))
        return vague if vague and vague not in taken else None

    def reads(self, name: str, text: str) -> bool:
        try:
            if name == "city":
                self.resource.gazetteer.find(text)
                return True
            value = self.resource.columns[name].widget.clean(text)
        except ValueError as error:
            # « St-Lambert », of which there are two, is a municipality none the less.
            return name == "city" and bool(getattr(error, "several", False))
        if name == "website":
            return "." in text and " " not in text
        if name == "neq":  # a telephone has as many digits
            return value[:2] in NEQ_BEGINS
        return bool(value) and (name in NUMBERS or not text.isdigit())


@dataclass
class Layout:
    """Where each column is in a file, and what stands for those that are not there."""

    positions: dict[str, int] = field(default_factory=dict)  # code name → place in a row
    headers: dict[str, str] = field(default_factory=dict)  # code name → header, as in the file
    #: Headers that are not read, with the reason.
    unread: list[tuple[str, str]] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)

    def where(self, name: str, resource: EnterpriseResource) -> Heading:
        """The column as the file calls it, or as we do where the file has none."""
        return Heading(name, self.headers.get(name) or label(name, resource))


def layout(header: Sequence[str], answers: Answers, resource: EnterpriseResource) -> Layout:
    """Read each header; of two for one column, the one that the mapping names, else the first.

    Raises Refused where nothing tells one enterprise from another, or a mapping says one column
    twice."""
    headers = Headers(resource)
    found = Layout(constants=answers.constants, places=answers.places, answers=answers.cells)
    said = {place for place, text in enumerate(header) if key(text) in answers.columns}
    for place, text in sorted(enumerate(header), key=lambda pair: pair[0] not in said):
        if not text:
            continue
        name = answers.columns[key(text)] if place in said else headers.guess(text)
        if name is None:
            reason = _("laissée de côté") if place in said else _("inconnue")
        elif name in headers.derived:
            reason = _("pour information")
        elif name in found.positions and place in said and found.positions[name] in said:
            raise Refused(
                _(
                    "Le fichier de correspondance donne deux colonnes pour «\xa0%(name)s\xa0»\xa0: "
                    "«\xa0%(first)s\xa0» et «\xa0%(second)s\xa0». Gardez-en une, "
                    "et écrivez null pour l’autre."
                )
                % {"name": name, "first": found.headers[name], "second": text}
            )
        elif name in found.positions:
            reason = _("«\xa0%(label)s\xa0» est déjà lue dans «\xa0%(header)s\xa0»") % {
                "label": label(name, resource),
                "header": found.headers[name],
            }
        else:
            found.positions[name] = place
            found.headers[name] = text
            continue
        found.unread.append((text, reason))
    if not {"name", "neq", "slug"} & found.positions.keys():
        raise Refused(
            _(
                "Aucune colonne ne donne le nom des entreprises\xa0: nommez-la «\xa0Nom\xa0», ou "
                "dites laquelle l’est dans un fichier --mapping. Colonnes lues\xa0: %(names)s."
            )
            % {"names": ", ".join(f"«\xa0{text}\xa0»" for text in header[:10] if text)}
        )
    return found


def write(
    path: Path,
    header: Sequence[str],
    found: Layout,
    unknown_places: Iterable[str],
    resource: EnterpriseResource,
) -> None:
    """Keep what was guessed as a file to correct, with the municipalities still to be told."""
    # One spelling of each: they are looked up whatever their capitals.
    asked = {key(name): name for name in reversed(list(unknown_places))}
    by_header: Mapping[str, str] = {text: name for name, text in found.headers.items()}
    content = {
        "columns": {text: by_header.get(text) for text in header if text},
        "constants": found.constants,
        "places": dict.fromkeys(reversed(asked.values())) | found.places,
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
