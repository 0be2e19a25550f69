"""What a value of a section says (`sections`), in French."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory import wording
from directory.facets import Dimension
from directory.labels import Labels
from directory.models import Enterprise, Offering, Visibility


def shown(name: str, value: Any, labels: Labels) -> list[str]:
    """A value of a field as lines of French; none where it says nothing."""
    if name in LINES:
        return [_line(name, row, labels) for row in value or ()]
    if name in SAID:
        return [SAID[name](value, labels)] if value not in (None, "") else []
    if name in NAMED:
        return sorted(_named(NAMED[name], key, labels) for key in value or ())
    if isinstance(value, list):
        return [wording.enumeration(value)] if value else []
    return [line for line in str("" if value is None else value).splitlines() if line.strip()]


def _named(dimension: Dimension, key: str, labels: Labels) -> str:
    label = labels.by_key.get(dimension, {}).get(key)
    return getattr(label, "full_name", label.name) if label else key


def _said_day(value: str, _labels: Labels) -> str:
    return wording.day(date.fromisoformat(value))


def _said_amount(value: int, _labels: Labels) -> str:
    return wording.amount(value)


def _said_yes(value: bool, _labels: Labels) -> str:
    return _("Oui") if value else _("Non")


def _choice(choices: type[models.TextChoices]) -> Callable[[str, Labels], str]:
    return lambda value, _labels: str(dict(choices.choices).get(value, value))


NAMED = {
    "sectors": Dimension.SECTOR,
    "served_regions": Dimension.REGION,
    "served_counties": Dimension.COUNTY,
    "served_cities": Dimension.CITY,
}
SAID: dict[str, Callable[[Any, Labels], str]] = {
    "legal_form": _choice(Enterprise.LegalForm),
    "size": _choice(Enterprise.Size),
    "city": lambda value, labels: _named(Dimension.CITY, value, labels),
    "phone": lambda value, _labels: wording.phone(value),
    "busy_until": _said_day,
    "smallest_order": _said_amount,
    "largest_order": _said_amount,
    "insured_amount": _said_amount,
    "lead_time_days": lambda value, _labels: (
        ngettext("%(n)d jour", "%(n)d jours", value) % {"n": value}
    ),
    "serves_province": _said_yes,
    "accepts_cobidding": _said_yes,
    "on_seao": _said_yes,
    "logo": lambda _value, _labels: _("une image"),
}


def _line(name: str, row: Mapping[str, Any], labels: Labels) -> str:
    parts = [part for part in LINES[name](row, labels) if part]
    return ", ".join([*(part.removesuffix(".") for part in parts[:-1]), *parts[-1:]])


def _offering_line(row: Mapping[str, Any], labels: Labels) -> list[str]:
    kind = Offering.Kind(row["kind"]).label if row["kind"] in Offering.Kind.values else ""
    category = row["category"] and _named(Dimension.CATEGORY, row["category"], labels)
    title = f"{row['name']} ({kind})" if kind else row["name"]
    return [title, row["description"], category or ""]


def _contact_line(row: Mapping[str, Any], _labels: Labels) -> list[str]:
    seen = dict(Visibility.choices)
    parts = [
        (row["name"], row["name_visibility"]),
        (row["email"], row["email_visibility"]),
        (
            row["phone"] and wording.phone(row["phone"], row["phone_extension"]),
            row["phone_visibility"],
        ),
    ]
    said = [f"{text} ({seen.get(who, who)})" for text, who in parts if text]
    return [said[0] if said else "", row["function"], *said[1:]]


def _until(day: str | None) -> str:
    return _("valide jusqu’au %(day)s") % {"day": _said_day(day, Labels())} if day else ""


LINES: dict[str, Callable[[Mapping[str, Any], Labels], list[str]]] = {
    "offerings": _offering_line,
    "contacts": _contact_line,
    "certifications": lambda row, labels: [
        _named(Dimension.STATUS, row["status"], labels),
        row["issuer"],
        row["number"],
        _until(row["expires_on"]),
    ],
    "benefits": lambda row, labels: [
        _named(Dimension.BENEFIT, row["benefit"], labels),
        row["evidence"],
    ],
    "permits": lambda row, _labels: [row["kind"], row["number"], _until(row["expires_on"])],
    "references": lambda row, _labels: [
        row["client"],
        row["work"],
        str(row["year"] or ""),
        wording.amount(row["amount"]) if row["amount"] else "",
    ],
}
