"""Two listings next to each other, in words: what differs and what is proposed, what is the same,
and what both will have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from directory import belongings, merging, wording
from directory.belongings import plain, values_of
from directory.facets import Dimension
from directory.labels import Labels
from directory.merging import PARTS, Part, Values
from directory.models import Enterprise

Source = Enterprise.Source
ONE, OTHER, BOTH = "one", "other", "both"
SOURCES = {
    Source.OWNER: gettext_lazy("confirmé par l’entreprise"),
    Source.STAFF: gettext_lazy("écrit par le Pôle"),
    Source.IMPORT: gettext_lazy("venu d’un fichier"),
    "": "",
}


@dataclass
class Option:
    value: str
    lines: list[str]
    source: str = ""
    #: The address of a picture, where it can be shown.
    image: str = ""
    checked: bool = False
    #: What it was when the page was opened, where it changed since.
    was: list[str] | None = None


@dataclass
class Row:
    """A part of the listings and what can be chosen for it."""

    name: str
    label: str
    options: list[Option]
    error: str = ""


@dataclass
class Together:
    """Rows of one table: those of each side, and what becomes of them."""

    label: str
    rule: str
    #: The name of each listing, and what it has.
    sides: list[tuple[str, list[str]]]


@dataclass
class Comparison:
    one: Enterprise
    other: Enterprise
    labels: Labels
    #: Versions that an older page showed, where it is shown again because they changed.
    seen: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sides = (self.one, self.other)
        self.values = [values_of(side) for side in self.sides]
        self.differing = merging.differing(*self.values)
        self.kept = merging.better_kept(*self.sides)

    def form(self, data: Any = None) -> "MergeForm":
        return MergeForm(data, comparison=self)

    def rows(self, form: "MergeForm") -> list[Row]:
        before = [self.before(side) for side in self.sides]
        rows = []
        for part in self.differing:
            options = []
            for place, value in enumerate((ONE, OTHER)):
                known = before[place]
                values, side = self.values[place], self.sides[place]
                was = None
                if known and not part.same(part.of(known), part.of(values)):
                    was = shown(part, known, self.labels) or [_("(vide)")]
                options.append(
                    Option(
                        value,
                        shown(part, values, self.labels),
                        str(SOURCES[merging.said_by(part, values)]),
                        picture(part, side),
                        was=was,
                    )
                )
            if part.together:
                options.append(Option(BOTH, [_("Les deux réunis")]))
            for option in options:
                option.checked = option.value == str(form[part.name].value())
            errors = form.errors.get(part.name)
            rows.append(Row(part.name, str(part.label), options, str(errors[0]) if errors else ""))
        return rows

    def same(self) -> list[tuple[str, list[str]]]:
        """What both say alike; where both say nothing, nothing is shown."""
        parts = [part for part in PARTS if part not in self.differing]
        lines = [(str(part.label), shown(part, self.values[0], self.labels)) for part in parts]
        return [(label, said) for label, said in lines if said]

    def together(self) -> list[Together]:
        found = []
        for table in belongings.TABLES:
            say = SAYING.get(table.label)
            if say is None:
                continue
            sides = [[say(row) for row in table.rows_of(side.pk)] for side in self.sides]
            if any(sides):
                label = str(table.model._meta.verbose_name_plural)
                names = [side.name for side in self.sides]
                rows = list(zip(names, sides, strict=True))
                found.append(Together(label[:1].upper() + label[1:], str(table.rule), rows))
        return found

    def before(self, side: Enterprise) -> Values | None:
        """Columns of a listing as an older page showed them, where history has kept them."""
        version = self.seen.get(side.pk, side.version)
        if version == side.version:
            return None
        row = Enterprise.history.filter(id=side.pk, version=version).first()
        if row is None:
            return None
        now = self.values[self.sides.index(side)]
        return now | {
            name: plain(getattr(row, name))
            for name in now
            if name in COLUMNS and hasattr(row, name)
        }


#: Columns that history keeps as they are: not lists of links, nor files.
COLUMNS = {column for part in PARTS for column in part.columns} - {"logo", *merging.LINKED}


class MergeForm(forms.Form):
    """Which listing is kept, and for each part that differs whose."""

    version_one = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    version_other = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, comparison: Comparison, **kwargs: Any):
        super().__init__(*args, **kwargs)
        one, other = comparison.sides
        self.comparison = comparison
        self.initial = {
            "version_one": one.version,
            "version_other": other.version,
            "kept": ONE if comparison.kept == one else OTHER,
        }
        missing = {"required": _("Choisissez."), "invalid_choice": _("Choisissez.")}
        sides = [(ONE, one.name), (OTHER, other.name)]
        self.fields["kept"] = forms.ChoiceField(choices=sides, error_messages=missing)
        for part in comparison.differing:
            choices = [*sides, (BOTH, BOTH)] if part.together else sides
            self.fields[part.name] = forms.ChoiceField(choices=choices, error_messages=missing)
            self.initial[part.name] = merging.proposed(part, *comparison.values)

    def seen(self) -> dict[int, int]:
        """The versions that the page showed; those of now where it does not say."""
        found = {}
        for side, name in zip(self.comparison.sides, ("version_one", "version_other"), strict=True):
            version = self.cleaned_data.get(name) if self.is_bound else None
            found[side.pk] = side.version if version is None else version
        return found

    def restated(self) -> "MergeForm":
        """The form anew, with the choices that were made and still are ones."""
        new = type(self)(comparison=self.comparison)
        for name, field_ in new.fields.items():
            value = self.data.get(name)
            if isinstance(field_, forms.ChoiceField) and field_.valid_value(value):
                new.initial[name] = value
        return new

    def answers(self) -> tuple[Enterprise, Enterprise, dict[str, str]]:
        """Which is kept and which goes, as the person saw them, and the choices between the two."""
        said = self.cleaned_data
        one, other = self.comparison.sides
        one.version, other.version = said["version_one"], said["version_other"]
        kept, gone = (one, other) if said["kept"] == ONE else (other, one)
        names = {said["kept"]: merging.KEPT, BOTH: merging.BOTH}
        choices = {
            part.name: names.get(said[part.name], merging.GONE)
            for part in self.comparison.differing
        }
        return kept, gone, choices


# --- In words


def shown(part: Part, values: Values, labels: Labels) -> list[str]:
    """What a part says, line by line; none where it says nothing."""
    if part.name in WORDS:
        return [line for line in WORDS[part.name](values, labels) if line]
    value = values[part.columns[0]]
    return [line for line in str(value).splitlines() if line] if value not in (None, "") else []


def picture(part: Part, side: Enterprise) -> str:
    public = side.state == Enterprise.State.PUBLISHED  # the only ones that are served
    if part.name != "logo" or not side.logo or not public:
        return ""
    return reverse("directory:logo", args=[side.logo.name])


def amount(value: int | None) -> str:
    return "" if value is None else wording.amount(value)


def day(value: str | date | None) -> str:
    known = parse_date(value) if isinstance(value, str) else value
    return wording.day(known) if known else ""


def yes(value: bool) -> str:
    return _("Oui") if value else _("Non")


def place(values: Values, labels: Labels) -> list[str]:
    city = labels.city(values["city_id"])
    borough = labels.boroughs.get(values["borough_id"] or 0, "")
    exact = values["geo_precision"] == "exact"
    position = f"{values['latitude']:.5f}, {values['longitude']:.5f}" if exact else ""
    where = f"{city.full_name} {wording.NBSP}{values['postal_code']}".strip()
    return [values["address"], borough, where, position]


def territory(values: Values, labels: Labels) -> list[str]:
    names = ("serves_province", "served_regions", "served_counties", "served_cities")
    return wording.places([values[name] for name in names], labels)


def orders(values: Values, labels: Labels) -> list[str]:
    smallest, largest = amount(values["smallest_order"]), amount(values["largest_order"])
    return [
        smallest and _("À partir de %(amount)s") % {"amount": smallest},
        largest and _("Jusqu’à %(amount)s") % {"amount": largest},
    ]


def neq(values: Values, labels: Labels) -> list[str]:
    number = values["neq"] or ""
    return [f"{number[:4]}{wording.NBSP}{number[4:7]}{wording.NBSP}{number[7:]}".strip()]


WORDS: dict[str, Callable[[Values, Labels], list[str]]] = {
    "neq": neq,
    "legal_form": lambda v, _l: [str(dict(Enterprise.LegalForm.choices)[v["legal_form"]])],
    "sectors": lambda v, labels: [labels.name(Dimension.SECTOR, pk) for pk in v["sectors"]],
    "size": lambda v, _l: [str(dict(Enterprise.Size.choices).get(v["size"], ""))],
    "languages": lambda v, _l: [wording.enumeration(v["languages"])],
    "logo": lambda v, _l: [_("Un logo")] if v["logo"] else [],
    "place": place,
    "phone": lambda v, _l: [v["phone"] and wording.phone(v["phone"], v["phone_extension"])],
    "territory": territory,
    "insured_amount": lambda v, _l: [amount(v["insured_amount"])],
    "orders": orders,
    "lead_time_days": lambda v, _l: [
        ""
        if v["lead_time_days"] is None
        else ngettext("%(n)d jour", "%(n)d jours", v["lead_time_days"]) % {"n": v["lead_time_days"]}
    ],
    "busy_until": lambda v, _l: [day(v["busy_until"])],
    "accepts_cobidding": lambda v, _l: [yes(v["accepts_cobidding"])],
    "on_seao": lambda v, _l: [yes(v["on_seao"])],
    "external_ids": lambda v, _l: [f"{name}\xa0: {one}" for name, one in v["external_ids"].items()],
}


def joined(*texts: Any) -> str:
    return ", ".join(str(text) for text in texts if text)


def until(row: Any) -> str:
    return row.expires_on and _("valide jusqu’au %(day)s") % {"day": day(row.expires_on)}


#: How a row of a table is said; those of the others are moved without being shown.
SAYING: dict[str, Callable[[Any], str]] = {
    "directory.offering": lambda row: row.name,
    "directory.contact": lambda row: joined(
        row.name,
        row.function,
        row.email,
        row.phone and wording.phone(row.phone, row.phone_extension),
    ),
    "directory.certification": lambda row: joined(f"{row.status} {row.number}".strip(), until(row)),
    "directory.enterprisebenefit": lambda row: joined(row.benefit, row.evidence),
    "directory.permit": lambda row: joined(f"{row.kind} {row.number}".strip(), until(row)),
    "directory.reference": lambda row: joined(row.client, row.work, row.year),
    "directory.recognition": lambda row: joined(day(row.recognised_on), until(row)),
    "directory.representative": lambda row: joined(row.user, row.get_role_display()),
    "directory.claim": lambda row: joined(row.user, row.get_state_display()),
    "directory.revision": lambda row: joined(row.get_section_display(), row.get_state_display()),
    "directory.errorreport": lambda row: joined(row.reference, row.get_state_display()),
}
