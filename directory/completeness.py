"""How much of a listing is there for a buyer to choose by, and what to add first.

For its owner alone: no one is ranked by it, and the public never reads it. Weights add up to 100;
they say what buyers ask first: what is sold, where, and whom to call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from directory.models import Section


@dataclass(frozen=True)
class Part:
    """One thing that a listing may say. `told` reads it of all its fields, as `sections.present`
    spells them."""

    weight: int
    section: str
    #: What to do where it is missing.
    advice: Any
    told: Callable[[Mapping[str, Any]], bool]


def _says(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda said: any(said[name] for name in names)


PARTS = [
    Part(20, Section.OFFERINGS, _("Nommez un premier produit ou service."), _says("offerings")),
    Part(
        12,
        Section.CONTACTS,
        _("Donnez un téléphone ou un courriel."),
        _says("phone", "email"),
    ),
    Part(10, Section.IDENTITY, _("Cochez vos secteurs d’activité."), _says("sectors")),
    Part(
        10,
        Section.CONTACTS,
        _("Nommez la personne à joindre."),
        lambda said: any(row["email"] or row["phone"] for row in said["contacts"]),
    ),
    Part(
        8,
        Section.PLACES,
        _("Dites où vous livrez ou travaillez."),
        _says("serves_province", "served_regions", "served_counties", "served_cities"),
    ),
    Part(
        8,
        Section.OFFERINGS,
        _("Classez vos produits et services par catégorie d’achat."),
        lambda said: bool(said["offerings"]) and all(r["category"] for r in said["offerings"]),
    ),
    Part(6, Section.IDENTITY, _("Dites votre mission en une phrase."), _says("mission")),
    Part(
        5,
        Section.CAPACITY,
        _("Dites la plus grande commande que vous pouvez prendre."),
        _says("largest_order", "insured_amount"),
    ),
    Part(
        4,
        Section.CAPACITY,
        _("Citez un travail fait pour un client public."),
        _says("references"),
    ),
    Part(
        4,
        Section.OFFERINGS,
        _("Dites ce que la collectivité gagne, avec une ligne qui le montre."),
        lambda said: any(row["evidence"] for row in said["benefits"]),
    ),
    Part(3, Section.PLACES, _("Donnez votre adresse."), _says("address")),
    Part(3, Section.IDENTITY, _("Donnez votre NEQ."), _says("neq")),
    Part(2, Section.CONTACTS, _("Donnez votre site web."), _says("website")),
    Part(2, Section.CAPACITY, _("Dites votre délai habituel."), _says("lead_time_days")),
    Part(1, Section.IDENTITY, _("Dites dans quelles langues vous servez."), _says("languages")),
    Part(1, Section.IDENTITY, _("Dites votre taille."), _says("size")),
    Part(1, Section.LOGO, _("Ajoutez votre logo."), _says("logo")),
]


@dataclass(frozen=True)
class Completeness:
    percent: int
    #: What is missing, the weightiest first.
    missing: list[Part]


def measure(said: Mapping[str, Any]) -> Completeness:
    """How complete a listing is, from its fields as `sections.present` spells them. Pure."""
    missing = [part for part in PARTS if not part.told(said)]
    missing.sort(key=lambda part: -part.weight)
    return Completeness(100 - sum(part.weight for part in missing), missing)
