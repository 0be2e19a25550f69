"""A listing as it is edited: a section at a time, each field in the spelling of its form.

That spelling is what JSON can hold and what a person could read: the code of a municipality, the
slugs of sectors, days as 2026-08-24. Rows of another table (offerings, people, permits…) are one
field, a list of dicts with their `id`. Revisions keep values so, forms give them so, and `apply` is
the one way by which any of them becomes the listing.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import uploads
from directory.models import (
    Benefit,
    Borough,
    Certification,
    City,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    PurchasingCategory,
    Reference,
    Region,
    RegionalCounty,
    Section,
    Sector,
    Status,
    User,
    Vocabulary,
)
from directory.positions import locate
from directory.provenance import said_with
from directory.section_words import shown as shown  # said with the rest

Value = Any  # what JSON can hold
Changes = Mapping[str, Value]

FIELDS: dict[str, tuple[str, ...]] = {
    Section.IDENTITY: (
        *("name", "other_names", "neq", "legal_form", "founded_year", "sectors", "mission"),
        *("size", "languages"),
    ),
    Section.OFFERINGS: ("offerings", "description", "benefits"),
    Section.PLACES: (
        *("address", "city", "borough", "postal_code"),
        *("serves_province", "served_regions", "served_counties", "served_cities"),
    ),
    Section.CAPACITY: (
        *("busy_until", "smallest_order", "largest_order", "lead_time_days", "insured_amount"),
        *("accepts_cobidding", "on_seao", "permits", "certifications", "references"),
    ),
    Section.CONTACTS: ("phone", "phone_extension", "email", "website", "contacts"),
    Section.LOGO: ("logo",),
}
SECTION_OF = {name: section for section, names in FIELDS.items() for name in names}

#: What an enterprise is, as others certify or register it: these wait for the Pôle.
SENSITIVE = frozenset({"name", "other_names", "neq", "legal_form", "certifications", "city"})
#: What makes no sense apart from a field that waits: an address in another municipality.
WITH = {"city": frozenset({"address", "borough", "postal_code"})}

LABELS = {
    "name": gettext_lazy("Nom"),
    "other_names": gettext_lazy("Autres noms"),
    "neq": gettext_lazy("NEQ"),
    "legal_form": gettext_lazy("Forme juridique"),
    "founded_year": gettext_lazy("Année de fondation"),
    "sectors": gettext_lazy("Secteurs d’activité"),
    "mission": gettext_lazy("Mission"),
    "size": gettext_lazy("Taille"),
    "languages": gettext_lazy("Langues de service"),
    "offerings": gettext_lazy("Produits et services"),
    "description": gettext_lazy("Présentation"),
    "benefits": gettext_lazy("Bienfaits pour la collectivité"),
    "address": gettext_lazy("Adresse"),
    "city": gettext_lazy("Municipalité"),
    "borough": gettext_lazy("Arrondissement"),
    "postal_code": gettext_lazy("Code postal"),
    "serves_province": gettext_lazy("Tout le Québec"),
    "served_regions": gettext_lazy("Régions desservies"),
    "served_counties": gettext_lazy("MRC desservies"),
    "served_cities": gettext_lazy("Municipalités desservies"),
    "busy_until": gettext_lazy("Complet jusqu’au"),
    "smallest_order": gettext_lazy("Plus petite commande"),
    "largest_order": gettext_lazy("Plus grande commande"),
    "lead_time_days": gettext_lazy("Délai habituel"),
    "insured_amount": gettext_lazy("Montant assuré"),
    "accepts_cobidding": gettext_lazy("Soumission conjointe"),
    "on_seao": gettext_lazy("Inscription au SEAO"),
    "permits": gettext_lazy("Permis et licences"),
    "certifications": gettext_lazy("Statuts"),
    "references": gettext_lazy("Travaux pour des clients publics"),
    "phone": gettext_lazy("Téléphone"),
    "phone_extension": gettext_lazy("Poste"),
    "email": gettext_lazy("Courriel"),
    "website": gettext_lazy("Site web"),
    "contacts": gettext_lazy("Personnes-ressources"),
    "logo": gettext_lazy("Logo"),
}


@dataclass(frozen=True)
class Rows:
    """A field kept as rows of another table."""

    model: type[models.Model]
    columns: tuple[str, ...]
    #: Column → what stands for the row of a vocabulary that it leads to.
    keyed: Mapping[str, tuple[type[models.Model], str]] = field(default_factory=dict)
    #: What no two rows of an enterprise share: they are known by it. Otherwise by `id`.
    unique: tuple[str, ...] = ()
    ordered: bool = False
    #: How many an enterprise may have: files and merges may have given it more, which stay.
    most: int = 50
    #: The name under which provenance keeps who said it.
    said_as: str = ""


ROWS = {
    "offerings": Rows(
        Offering,
        ("kind", "name", "description", "category"),
        {"category": (PurchasingCategory, "code")},
        ordered=True,
        most=150,
    ),
    "contacts": Rows(
        Contact,
        (
            *("name", "function", "name_visibility", "email", "email_visibility"),
            *("phone", "phone_extension", "phone_visibility"),
        ),
        ordered=True,
    ),
    "certifications": Rows(
        Certification,
        ("status", "number", "issuer", "issued_on", "expires_on"),
        {"status": (Status, "slug")},
        unique=("status", "number"),
        said_as="statuses",
    ),
    "benefits": Rows(
        EnterpriseBenefit,
        ("benefit", "evidence"),
        {"benefit": (Benefit, "slug")},
        unique=("benefit",),
    ),
    "permits": Rows(Permit, ("kind", "number", "expires_on")),
    "references": Rows(Reference, ("client", "work", "year", "amount", "url")),
}
#: Fields that are many rows of a vocabulary or of places, and what stands for each.
MANY: dict[str, tuple[type[models.Model], str]] = {
    "sectors": (Sector, "slug"),
    "served_regions": (Region, "code"),
    "served_counties": (RegionalCounty, "code"),
    "served_cities": (City, "code"),
}
#: Spelt otherwise than their column.
READ: dict[str, Callable[[Enterprise], Value]] = {
    "neq": lambda enterprise: enterprise.neq or "",
    "city": lambda enterprise: enterprise.city.code,
    "borough": lambda enterprise: enterprise.borough.name if enterprise.borough else "",
    "logo": lambda enterprise: enterprise.logo.name or "",
    "other_names": lambda enterprise: list(enterprise.other_names),
    "languages": lambda enterprise: list(enterprise.languages),
}


# --- What a section says now


def present_all(enterprise: Enterprise) -> dict[str, Value]:
    """The fields of every section."""
    return {name: _present(enterprise, name) for name in SECTION_OF}


def present(enterprise: Enterprise, section: str) -> dict[str, Value]:
    """Each field of the section and its value now, in the spelling of its form. One statement for
    each table that is read."""
    return {name: _present(enterprise, name) for name in FIELDS[section]}


def _present(enterprise: Enterprise, name: str) -> Value:
    if name in ROWS:
        return _rows(enterprise, ROWS[name])
    if name in MANY:
        key = MANY[name][1]
        return sorted(getattr(enterprise, name).order_by().values_list(key, flat=True))
    return own(enterprise, name)


def own(enterprise: Any, name: str) -> Value:
    """A field that is a column of the enterprise, or of a row of its history."""
    return READ[name](enterprise) if name in READ else plain(getattr(enterprise, name))


def _rows(enterprise: Enterprise, rows: Rows) -> list[dict[str, Value]]:
    columns = {
        column: F(f"{column}__{rows.keyed[column][1]}") if column in rows.keyed else F(column)
        for column in rows.columns
    }
    named = {f"said_{column}": where for column, where in columns.items()}
    found = rows.model._default_manager.filter(enterprise=enterprise).values("id", **named)
    return [
        {"id": row["id"]} | {column: plain(row[f"said_{column}"]) for column in rows.columns}
        for row in found
    ]


def plain(value: Value) -> Value:
    """A value of a column as JSON can hold it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):  # as a form would give it back
        return value.replace("\r\n", "\n").strip()
    return value


def digest(value: Value) -> str:
    """What tells one value of a field from another, short enough to travel with a form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- Making it say something else


def apply(
    *,
    enterprise: Enterprise,
    section: str,
    changes: Changes,
    by: User | None,
    source: str,
    reason: str = "",
) -> frozenset[str]:
    """Write `changes` (field → value as `present` spells it) and give the fields that were not so
    already; where there is none, nothing is written.

    The enterprise is held, its version moves by one, `source` (`Enterprise.Source`) is noted of
    each field, and history keeps `by` and `reason`. When it was confirmed, and whether it is
    published, stay as they are; results show it again where calls had found nobody, if its owner
    is who speaks. Raises ValidationError by field for a value that the listing cannot
    hold, KeyError for a field of another section, Enterprise.DoesNotExist."""
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        held = Enterprise.objects.select_related("city", "borough").get(pk=enterprise.pk)
        changes = changed(held, section, changes)
        if changes:
            _check(held, changes)
            _write(held, changes, by, source, reason)
    return frozenset(changes)


@contextmanager
def tried(
    *, enterprise: Enterprise, section: str, changes: Changes, by: User, source: str
) -> Iterator[None]:
    """Let the listing be, within the block and for this connection alone, what `apply` would make
    it; nothing of it is left afterwards. Raises as `apply` does."""
    with transaction.atomic():
        apply(enterprise=enterprise, section=section, changes=changes, by=by, source=source)
        yield
        transaction.set_rollback(True)


def changed(enterprise: Enterprise, section: str, changes: Changes) -> dict[str, Value]:
    """Those of `changes` that are not so already. KeyError for a field of another section."""
    now = present(enterprise, section)
    return {name: value for name, value in changes.items() if value != now[name]}


def check(enterprise: Enterprise, changes: Changes) -> None:
    """Raise ValidationError, by field, where the listing could not hold these values."""
    fresh = Enterprise.objects.select_related("city", "borough").get(pk=enterprise.pk)
    _check(fresh, changes)


def _check(enterprise: Enterprise, changes: Changes) -> None:
    """Give the enterprise its new values, unsaved, and check all of them."""
    mistakes: dict[str, list[Any]] = {}
    for name, value in changes.items():
        try:
            _set(enterprise, name, value)
        except ValidationError as error:
            mistakes[name] = error.messages
    _set_borough(enterprise, changes, mistakes)
    own = {name for name in changes if name not in ROWS and name not in MANY}
    others = {f.name for f in Enterprise._meta.fields} - own
    for checked in (
        partial(enterprise.clean_fields, exclude=others | mistakes.keys()),
        partial(enterprise.validate_unique, exclude=others),
    ):
        try:
            checked()
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                mistakes.setdefault(name, messages)
    smallest, largest = enterprise.smallest_order, enterprise.largest_order
    if {"smallest_order", "largest_order"} & own and smallest and largest and smallest > largest:
        name = "largest_order" if "largest_order" in own else "smallest_order"
        mistakes[name] = [_("La plus petite commande ne dépasse pas la plus grande.")]
    if "founded_year" in own and enterprise.founded_year is not None:
        this_year = timezone.localdate().year
        if not 1800 <= enterprise.founded_year <= this_year:
            mistakes["founded_year"] = [
                _("L’année de fondation est entre 1800 et %(year)d.") % {"year": this_year}
            ]
    if mistakes:
        raise ValidationError(mistakes)


def _set(enterprise: Enterprise, name: str, value: Value) -> None:
    if name in MANY:
        _found(*MANY[name], value)
    elif name in ROWS:
        _unsaved(enterprise, ROWS[name], value)
    elif name == "city":
        enterprise.city = _found(City, "code", [value])[value]
    elif name == "logo":
        if value and not default_storage.exists(value):
            raise ValidationError(_("Ce logo n’est plus là\xa0: envoyez-le de nouveau."))
        enterprise.logo = value
    elif name == "neq":
        enterprise.neq = value or None
    elif name != "borough":
        setattr(enterprise, name, _typed(Enterprise, name, value))


def _set_borough(enterprise: Enterprise, changes: Changes, mistakes: dict[str, list[Any]]) -> None:
    """After the city: one of another city is refused where it was asked for, else forgotten."""
    if name := changes.get("borough"):
        found = Borough.objects.filter(city_id=enterprise.city_id, name=name).first()
        if not found:
            mistakes["borough"] = [_("Cet arrondissement est celui d’une autre ville.")]
        enterprise.borough = found
    elif "borough" in changes or (
        enterprise.borough and enterprise.borough.city_id != enterprise.city_id
    ):
        enterprise.borough = None


def standing_for(
    model: type[models.Model], key: str, values: Iterable[Any]
) -> dict[Any, tuple[Any, Any]]:
    """By value of the column `key`, the row that has it and the one that stands for it today: of a
    word that was merged, the other. A value that no row has any longer is left out."""
    asked = model._default_manager.filter(**{f"{key}__in": set(values)})
    if issubclass(model, Vocabulary):
        asked = asked.select_related("replaced_by")
    return {getattr(row, key): (row, getattr(row, "replaced_by", None) or row) for row in asked}


def _found(model: type[models.Model], key: str, values: Iterable[Any]) -> dict[Any, Any]:
    """The row that each of these values stands for, all of them."""
    values = list(dict.fromkeys(values))
    rows = {value: now for value, (_then, now) in standing_for(model, key, values).items()}
    if missing := [value for value in values if value not in rows]:
        raise ValidationError(
            _("Ce choix n’existe plus\xa0: %(value)s.") % {"value": ", ".join(map(str, missing))}
        )
    return rows


def _unsaved(
    enterprise: Enterprise, rows: Rows, value: list[dict[str, Value]]
) -> list[models.Model]:
    """The rows that the list asks for, in its order: those there with what changes, new ones."""
    there = list(rows.model._default_manager.filter(enterprise=enterprise))
    by_key = {_key(rows, row): row for row in there}
    keyed = {
        column: _found(model, key, [row[column] for row in value if row.get(column)])
        for column, (model, key) in rows.keyed.items()
    }
    wanted: list[models.Model] = []
    asked: dict[Any, bool] = {}
    for said in value:
        given = {column: said.get(column) for column in rows.columns if column in said}
        moved = False
        for column, found in keyed.items():
            if column in given:
                word = found.get(given[column])
                moved |= word is not None and getattr(word, rows.keyed[column][1]) != given[column]
                given[column] = word
        key = tuple(given[name] for name in rows.unique) if rows.unique else said.get("id")
        if rows.unique and key in asked and (moved or asked[key]):
            continue  # two rows until their words were made one
        asked[key] = moved
        row = by_key.pop(key, None)
        if row is None:
            row = rows.model(enterprise=enterprise)
        for column, cell in given.items():
            if column not in rows.keyed:
                cell = _typed(rows.model, column, cell)
            setattr(row, column, cell)
        if rows.ordered:
            row.position = len(wanted)  # type: ignore[attr-defined]
        known = {column for column in rows.keyed if getattr(row, f"{column}_id")}
        row.clean_fields(exclude={"enterprise", *known})
        wanted.append(row)
    if rows.unique:
        keys = [_key(rows, row) for row in wanted]
        if len(set(keys)) < len(keys):
            raise ValidationError(_("La même ligne est là deux fois\xa0: gardez-en une."))
    return wanted


def _typed(model: type[models.Model], name: str, value: Value) -> Any:
    """A value as the column holds it: a day of its text."""
    return model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]


def _key(rows: Rows, row: models.Model) -> Any:
    return tuple(getattr(row, name) for name in rows.unique) if rows.unique else row.pk


def _write(
    enterprise: Enterprise, changes: Changes, by: User | None, source: str, reason: str
) -> None:
    """Save an enterprise that `_check` gave its values, what is kept in other tables first, so that
    one row of history says the whole."""
    before = Enterprise.objects.get(pk=enterprise.pk)
    _signed(enterprise, by, reason)
    enterprise.skip_history_when_saving = True  # type: ignore[attr-defined]
    for name in changes:
        if name in MANY:
            getattr(enterprise, name).set({*_found(*MANY[name], changes[name]).values()})
        elif name in ROWS:
            _write_rows(enterprise, ROWS[name], changes[name], by, reason)
    del enterprise.skip_history_when_saving  # type: ignore[attr-defined]
    if {"city", "postal_code"} & changes.keys():
        enterprise.geo_precision = ""  # an exact position was that of the address of before
    if {"city", "postal_code", "address"} & changes.keys():
        locate(enterprise)
    said = [ROWS[name].said_as or name if name in ROWS else said_with(name) for name in changes]
    enterprise.provenance |= dict.fromkeys(said, source)
    if source == Enterprise.Source.OWNER:
        enterprise.unreachable_since = None  # here it is
    enterprise.version = before.version + 1
    enterprise.save()
    if before.logo and before.logo.name != enterprise.logo.name:
        transaction.on_commit(partial(uploads.discard, str(before.logo)))


def _write_rows(
    enterprise: Enterprise,
    rows: Rows,
    value: list[dict[str, Value]],
    by: User | None,
    reason: str,
) -> None:
    wanted = _unsaved(enterprise, rows, value)
    kept = {row.pk for row in wanted if row.pk}
    there = {row.pk: row for row in rows.model._default_manager.filter(enterprise=enterprise)}
    for pk, row in there.items():
        if pk not in kept:
            _signed(row, by, reason).delete()
    columns = [*rows.columns, *(["position"] if rows.ordered else [])]
    for row in wanted:
        old = there.get(row.pk)
        if not old or any(getattr(row, name) != getattr(old, name) for name in columns):
            _signed(row, by, reason).save()


def _signed(row: models.Model, by: User | None, reason: str) -> models.Model:
    """A row whose history will say who changed it, and why."""
    row._history_user = by  # type: ignore[attr-defined]
    row._change_reason = reason[:100] or None  # type: ignore[attr-defined]
    return row
