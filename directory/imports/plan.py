"""What a file would do: each row created, updated, left, set aside for a person, or refused.

Nothing is written here. Rows come in batches; what is known of a row is dropped with its batch.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from django.utils.translation import gettext as _

from directory.cells import Asked, Phone
from directory.gazetteer import Place, Unfit, key
from directory.imports.bounds import Refused
from directory.imports.comparison import Comparison, check_orders, person, warn_of_neq
from directory.imports.entries import Candidate, Entry, Heading, Outcome, short
from directory.imports.files import Table
from directory.imports.mapping import ANY, HELPERS, HERE, NEW, Layout
from directory.imports.matching import Index, Known
from directory.imports.misread import awry, mended
from directory.imports.unread import Unread
from directory.likeness import site_of
from directory.resources import CONTACT, EnterpriseResource, Record

BATCH = 500
#: The cells that together say where an enterprise is.
PLACE = ("city", "city_code", "county", "borough", "province", "country")
#: What people write in a cell to say that they have nothing to write.
NOTHING = {"-", "–", "—", "?", "n/a", "s/o", "s. o.", "s.o.", "n.d.", "inconnu", "aucun", "aucune"}
#: What a spreadsheet writes in the place of what it could not compute.
BROKEN = re.compile(r"#(N/A|REF!|VALUE!|VALEUR!|NAME\?|NOM\?|DIV/0!|NULL!|NUL!|NUM!|NOMBRE!)")


def unreadable(text: str) -> str:
    if "\ufffd" in text:
        return _("un caractère n’est pas lisible\xa0: réécrivez la case.")
    if BROKEN.fullmatch(text):
        return _("cette formule ne donne rien\xa0: remplacez-la par sa valeur, ou videz la case.")
    return ""


class Planner:
    """Reads rows one after the other: each may be the double of one before."""

    def __init__(
        self,
        table: Table,
        layout: Layout,
        resource: EnterpriseResource,
        *,
        asking: bool = False,
        corrected: Mapping[int, Collection[str]] | None = None,
        earlier: Mapping[int, int] | None = None,
    ):
        """`asking`: whether what is left to a person is asked of them on a page, which needs no
        words on how to answer in the file. `corrected`: row → the columns that they wrote anew,
        `slug` where they said what listing it speaks of; `earlier`, enterprise → the row of the
        same file that is written already."""
        self.table, self.layout, self.resource = table, layout, resource
        self.asking, self.corrected, self.earlier = asking, corrected or {}, earlier or {}
        self.index = Index()
        #: Enterprise → the row that speaks of it.
        self.claimed: dict[int, int] = {}
        #: Row → what it says, for those that say it again.
        self.contents: dict[int, int] = {}
        #: Rows that are left to a person.
        self.undecided: set[int] = set()
        #: Municipalities that mean none or several, with how often they came.
        self.unplaced: dict[str, int] = {}
        #: What of the other columns could not be read.
        self.unread = Unread()
        self.columns = [
            name
            for name, column in resource.columns.items()
            if name in layout.positions and not column.derived and name not in PLACE
        ]
        self.constants = self.read_constants()
        # One statement reads all that a batch compares, and one more each linked table.
        compared = {*self.columns, "phone_extension"} - CONTACT
        if set(PLACE) & layout.positions.keys():
            compared |= {"city", "borough"}
        self.comparison = Comparison(layout, resource, compared)
        self.places: dict[tuple[str, ...], Place | Unfit] = {}

    def read_constants(self) -> Record:
        values: Record = {}
        for name, text in self.layout.constants.items():
            if name in PLACE or name in HELPERS:
                continue
            try:
                values[name] = self.resource.columns[name].widget.clean(text)
            except ValueError as error:
                raise Refused(
                    _("La valeur par défaut «\xa0%(value)s\xa0» de «\xa0%(name)s\xa0»\xa0: %(why)s")
                    % {"value": text, "name": name, "why": error}
                ) from None
        return {name: value for name, value in values.items() if value is not None}

    def plan(self) -> Iterator[list[Entry]]:
        """Entries in the order of the file, by batches. Raises Refused where reading stops."""
        rows = self.table.rows()
        while batch := list(islice(rows, BATCH)):
            read = [self.read(row, cells) for row, cells in batch]
            self.comparison.compare(read)
            yield [entry for entry, _values in read]

    # --- A row by itself

    def read(self, row: int, cells: list[str]) -> tuple[Entry, Record]:
        entry, values = Entry(row), Record()
        self.check_width(entry, cells)
        for name in self.columns:
            text = self.cell(cells, name)
            if not text:
                continue
            if reason := unreadable(text):
                self.refuse(entry, name, text, reason)
                continue
            if awry(text) and not self.is_corrected(row, name):
                self.refuse_misread(entry, name, text)
                continue
            if name == "slug" and key(text) == NEW:
                continue
            try:
                value = self.resource.columns[name].widget.clean(text)
            except ValueError as error:
                reason = getattr(error, "reason", str(error))
                self.refuse(entry, name, text, reason, getattr(error, "hint", ""))
            else:
                if value is not None:
                    values[name] = value
        self.add_extensions(cells, values)
        self.check_together(entry, values)
        entry.name = values.get("name", "")
        entry.emails = tuple(values[name] for name in ("email", "contact_email") if name in values)
        place = self.place(entry, cells, values)
        self.match(entry, values, place, cells)
        if entry.refused:
            entry.outcome = Outcome.REFUSED
        if entry.outcome == Outcome.PROPOSED:
            self.undecided.add(row)
        if entry.outcome == Outcome.PROPOSED or entry.refused:
            self.contents.setdefault(row, self.content(cells))
            self.index.reserve(known(row, values, place))
        return entry, values

    def refuse(self, entry: Entry, name: str, text: str, reason: str, hint: str = "") -> None:
        """Say what is wrong with a cell, or that it is left empty, as was answered once of all."""
        widget = self.resource.columns[name].widget
        if not isinstance(widget, Asked) and ANY in self.layout.answers.get(name, {}):
            entry.say(
                "note",
                _("cette case, qui n’est pas lisible, est laissée vide."),
                self.where(name),
                text,
            )
            return
        self.unread.add(name, text, widget)
        entry.say("refusal", reason, self.where(name), text, hint)

    def refuse_misread(self, entry: Entry, name: str, text: str) -> None:
        """Say what a cell seems to have said, where one can tell; it is never left empty, as it
        can be mended."""
        column = self.resource.columns.get(name)
        if column and isinstance(column.widget, Asked):
            self.unread.add(name, text, column.widget)
        reason = _("accents lus de travers\xa0: écrivez ce que cette case devait dire.")
        if meant := mended(text):
            reason = _("accents lus de travers\xa0: cette case dit sans doute «\xa0%(meant)s\xa0».")
            reason %= {"meant": short(meant)}
        entry.say(
            "refusal",
            reason,
            self.where(name),
            text,
            _(
                "Corrigez-la\xa0; s’il y en a beaucoup, redonnez le fichier d’origine, enregistré "
                "en XLSX ou en CSV UTF-8."
            ),
            topic=_("Accents lus de travers («\xa0CafÃ©\xa0» pour «\xa0Café\xa0»)"),
        )

    def is_corrected(self, row: int, name: str) -> bool:
        return name in self.corrected.get(row, ())

    def cell(self, cells: list[str], name: str) -> str:
        place = self.layout.positions.get(name, -1)
        text = cells[place] if 0 <= place < len(cells) else ""
        if text.lower() in NOTHING:
            return ""
        answers = self.layout.answers.get(name)
        if answers and text and name in self.resource.columns:
            widget = self.resource.columns[name].widget
            return widget.answered(text, answers) if isinstance(widget, Asked) else text
        return text

    def where(self, name: str) -> Heading:
        return self.layout.where(name, self.resource)

    def check_width(self, entry: Entry, cells: list[str]) -> None:
        wide = len(self.table.header)
        if len(cells) > wide:
            entry.say(
                "refusal",
                _(
                    "la ligne a %(count)s cases et l’en-tête %(wide)s\xa0: un séparateur de trop, "
                    "ou un texte à mettre entre guillemets."
                )
                % {"count": len(cells), "wide": wide},
                value=cells[wide],
            )

    def add_extensions(self, cells: list[str], values: Record) -> None:
        """« 450 555-0123 poste 12 » in one cell, unless another gives the extension."""
        for name in ("phone", "contact_phone"):
            extension = Phone.extension(self.cell(cells, name))
            if name in values and extension:
                values.setdefault(f"{name}_extension", extension)

    def check_together(self, entry: Entry, values: Record) -> None:
        if ("latitude" in values) != ("longitude" in values):
            lacking = "longitude" if "latitude" in values else "latitude"
            reason = _("latitude et longitude vont ensemble\xa0: complétez, ou videz les deux.")
            entry.say("refusal", reason, self.where(lacking))
        details = CONTACT & values.keys() - {"contact_name"}
        if details and "contact_name" not in values:
            name = sorted(details)[0]
            reason = _("une personne-ressource a un nom\xa0: écrivez-le, ou videz cette case.")
            entry.say("refusal", reason, self.where(name), str(values[name]))

    def place(self, entry: Entry, cells: list[str], values: Record) -> Place | Unfit:
        """What the row says of where it is; an Unfit is not yet a refusal."""
        said = {name: self.cell(cells, name) for name in PLACE}
        given = any(said[name] for name in ("city", "city_code", "borough"))
        for name in PLACE:
            said[name] = said[name] or self.layout.constants.get(name, "")
        if not said["city_code"] and (answer := self.layout.places.get(key(said["city"]))):
            said["city_code" if answer.isdigit() else "city"] = answer
        for name in PLACE[1:]:
            if awry(said[name]) and not self.is_corrected(entry.row, name):
                self.refuse_misread(entry, name, said[name])
                said[name] = ""
        asked = tuple(said.values())
        found = self.places.get(asked)
        if found is None:
            try:
                found = self.resource.gazetteer.find(
                    said["city"],
                    code=said["city_code"],
                    county=said["county"],
                    borough=said["borough"],
                    province=said["province"],
                    country=said["country"],
                )
            except Unfit as error:
                found = self.here(error, said) or error
            self.places[asked] = found
        if isinstance(found, Place) and given:
            values["city"] = found.city
            if found.borough:
                values["borough"] = found.borough
            if found.notice:
                column = "borough" if self.cell(cells, "borough") else "city"
                topic = _("Arrondissement, lu avec sa ville") if found.borough else ""
                value = self.cell(cells, column)
                entry.say("note", found.notice, self.where(column), value, topic=topic)
        return found

    def here(self, error: Unfit, said: Mapping[str, str]) -> Place | None:
        """Of the several that a name may be, the only one that is of the site, where a person said
        that the list is of its territory, and the row nothing else."""
        gazetteer = self.resource.gazetteer
        own = [city for city in error.cities if city in gazetteer.own]
        elsewhere = any(said[name] for name in ("city_code", "county"))
        if self.layout.answers.get("city", {}).get(ANY) != HERE or len(own) != 1 or elsewhere:
            return None
        notice = _("lu «\xa0%(city)s\xa0», puisque la liste est du territoire du répertoire.")
        return Place(own[0], None, notice % {"city": gazetteer.written(own[0])})

    # --- A row among the others

    def match(self, entry: Entry, values: Record, place: Place | Unfit, cells: list[str]) -> None:
        """Find the enterprise that the row speaks of, or see that it is a new one."""
        city = place.city if isinstance(place, Place) else None
        slug, neq, name = (str(values.get(column, "")) for column in ("slug", "neq", "name"))
        found = self.index.certain(slug=slug, neq=neq, name=name, city=city)
        if self.told_new(entry, cells):
            # Two of one name in one city, as a person knows; the file read again would not say it.
            found = [one for one in found if neq and one.neq == neq]
        if len(found) > 1 and slug in self.index.by_slug:
            entry.say(
                "refusal",
                _("la fiche est %(one)s et le NEQ celui de %(other)s\xa0: corrigez l’un des deux.")
                % {"one": self.called(found[0]), "other": self.called(found[1])},
                self.where("neq"),
                neq,
            )
        elif len(found) > 1:
            self.ask(entry, [(one, [_("même nom, même ville")]) for one in found])
        elif found:
            self.match_known(entry, values, place, cells, found[0])
        else:
            self.match_new(entry, values, place, cells)

    def match_known(
        self, entry: Entry, values: Record, place: Place | Unfit, cells: list[str], found: Known
    ) -> None:
        entry.name = entry.name or found.name
        written = self.cell(cells, "city")
        if isinstance(place, Unfit) and self.tells_place(cells):
            # A name that several places share is that of where it is already.
            gazetteer = self.resource.gazetteer
            if place.several and found.city and key(written) == key(gazetteer.name(found.city)):
                values.pop("borough", None)
            else:
                self.refuse_place(entry, cells, place)
        first = found.row or self.claimed.get(found.pk, 0)
        if not self.is_corrected(entry.row, "slug"):
            first = first or self.earlier.get(found.pk, 0)
        if entry.refused:
            return
        if first:
            self.double(entry, cells, first, found)
            return
        entry.slug = found.slug
        if key(str(values.get("name", ""))) == key(found.name) and "slug" not in values:
            # It was found by this name, or could be: capitals are no news.
            values.pop("name")
        entry.pk, entry.archived = found.pk, found.archived
        if neq := values.get("neq"):
            self.index.by_neq.setdefault(neq, found)
        self.claim(entry, cells)

    def match_new(
        self, entry: Entry, values: Record, place: Place | Unfit, cells: list[str]
    ) -> None:
        if "name" not in values and not self.cell(cells, "name"):
            reason = _("le nom manque\xa0: écrivez-le, ou retirez la ligne.")
            entry.say("refusal", reason, self.where("name"))
        if isinstance(place, Unfit):
            self.refuse_place(entry, cells, place)
        else:
            values["city"] = place.city
            if place.borough:
                values["borough"] = place.borough
        for name, value in self.constants.items():
            values.setdefault(name, value)
        if "legal_form" not in values and not self.cell(cells, "legal_form"):
            entry.say(
                "refusal",
                _(
                    "la forme juridique manque\xa0: remplissez la case, ou donnez celle de toutes "
                    "les nouvelles fiches."
                ),
                self.where("legal_form"),
                hint="" if self.asking else _("Par exemple\xa0: --default legal_form=npo"),
            )
        check_orders(entry, values, self.where)
        if entry.refused:
            return
        if "slug" in values:
            reason = _("cette fiche n’existe pas ici\xa0: cherchée par son NEQ et son nom.")
            entry.say("note", reason, self.where("slug"), values.pop("slug"))
        row = known(entry.row, values, place)
        told = key(self.cell(cells, "slug")) == NEW
        if not told and (alike := self.index.alike(row)):
            self.ask(entry, alike)
            return
        self.index.add(row, values.get("other_names", ()))
        self.claim(entry, cells)
        warn_of_neq(entry, values, self.where)
        if entry.name.startswith("="):
            reason = _(
                "ce nom commence comme une formule\xa0: si c’en est une, remplacez-la par sa "
                "valeur."
            )
            entry.say("note", reason, self.where("name"), entry.name)
        entry.outcome = Outcome.CREATED
        entry.changes = {name: value for name, value in values.items() if name not in CONTACT}
        entry.contact = person(values)

    def told_new(self, entry: Entry, cells: list[str]) -> bool:
        return self.is_corrected(entry.row, "slug") and key(self.cell(cells, "slug")) == NEW

    def tells_place(self, cells: list[str]) -> bool:
        return any(self.cell(cells, name) for name in PLACE if name != "county")

    def refuse_place(self, entry: Entry, cells: list[str], error: Unfit) -> None:
        column = "city_code" if self.cell(cells, "city_code") else "city"
        written = self.cell(cells, column)
        if self.resource.gazetteer.elsewhere() == error.reason:
            column = next(
                (name for name in ("province", "country") if self.cell(cells, name)), column
            )
            written = ", ".join(
                text
                for text in (self.cell(cells, name) for name in ("city", "province", "country"))
                if text
            )
        elif written:
            self.unplaced[written] = self.unplaced.get(written, 0) + 1
            if column == "city" and awry(written) and not self.is_corrected(entry.row, column):
                self.refuse_misread(entry, column, written)
                return
        entry.say("refusal", error.reason, self.where(column), written, error.hint)

    def claim(self, entry: Entry, cells: list[str]) -> None:
        if entry.pk:
            self.claimed[entry.pk] = entry.row
        self.contents[entry.row] = self.content(cells)

    def content(self, cells: list[str]) -> int:
        return hash(tuple(self.cell(cells, name) for name in self.layout.positions))

    def double(self, entry: Entry, cells: list[str], first: int, found: Known) -> None:
        if self.contents.get(first) == self.content(cells):
            # What is asked of the first is asked of its like.
            entry.outcome = Outcome.PROPOSED if first in self.undecided else Outcome.LEFT
            text = _("comme la ligne %(row)d, mot pour mot.") % {"row": first}
            entry.say("note", text, topic=_("Répètent une autre ligne, mot pour mot"))
            return
        entry.outcome = Outcome.PROPOSED
        same = bool(found.neq) and found.neq == key(self.cell(cells, "neq"))
        entry.candidates = [candidate(found, [], first, same)]
        text = _(
            "déjà à la ligne %(row)d, par son NEQ ou par son nom et sa ville\xa0: "
            "réunissez les deux lignes en une."
        )
        if self.asking and found.pk:
            text = _(
                "déjà à la ligne %(row)d, par son NEQ ou par son nom et sa ville\xa0: dites si "
                "celle-ci complète la fiche."
            )
        elif self.asking:
            text = _(
                "déjà à la ligne %(row)d, par son NEQ ou par son nom et sa ville\xa0: une fois "
                "l’autre importée, celle-ci pourra compléter sa fiche."
            )
        entry.say(
            "proposal",
            text % {"row": first},
            topic=_("Déjà plus haut dans le fichier, par le NEQ ou par le nom et la ville"),
        )

    def called(self, one: Known) -> str:
        return one.called if self.asking else str(one)

    def ask(self, entry: Entry, alike: Sequence[tuple[Known, list[str]]]) -> None:
        """Leave it to a person whether this is one of those."""
        entry.outcome = Outcome.PROPOSED
        entry.candidates = [candidate(one, reasons) for one, reasons in alike]
        candidates = "\xa0; ".join(
            f"{self.called(one)} ({', '.join(reasons)})" if reasons else self.called(one)
            for one, reasons in alike
        )
        listed = [f"«\xa0{one.slug}\xa0»" for one, _reasons in alike if one.slug]
        if listed:
            text = _(
                "ressemble à %(candidates)s\xa0: dans une colonne «\xa0Fiche\xa0», écrivez "
                "%(answers)s si c’est elle, «\xa0%(new)s\xa0» sinon."
            )
            topic = _("Ressemblent à une fiche du répertoire")
        else:
            text = _(
                "ressemble à %(candidates)s\xa0: réunissez les lignes si c’est la même entreprise, "
                "sinon écrivez «\xa0%(new)s\xa0» dans une colonne «\xa0Fiche\xa0»."
            )
            topic = _("Ressemblent à une autre ligne du fichier")
        if self.asking:
            text = _("ressemble à %(candidates)s\xa0: dites si c’est la même entreprise.")
        said = {"candidates": candidates, "answers": _(" ou ").join(listed), "new": NEW}
        entry.say("proposal", text % said, topic=topic)


def candidate(one: Known, reasons: Sequence[str], row: int = 0, same: bool = False) -> Candidate:
    return Candidate(one.name, one.slug, one.row or row, tuple(reasons), same)


def known(row: int, values: Record, place: Place | Unfit) -> Known:
    """What a row is recognised by."""
    return Known(
        row=row,
        name=values.get("name", ""),
        neq=values.get("neq", ""),
        city=place.city if isinstance(place, Place) else 0,
        phone=values.get("phone", ""),
        site=site_of(values.get("website", "")),
    )
