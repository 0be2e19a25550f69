"""What each column of the exports means, and the shape of a record in JSON."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import cells
from directory.models import Enterprise
from directory.resources import Column, EnterpriseResource

#: Title of a group → code name of each of its columns → what it means.
GROUPS: dict[Any, dict[str, Any]] = {
    gettext_lazy("Identité"): {
        "slug": gettext_lazy("Identifiant de la fiche, dernier segment de son adresse."),
        "name": gettext_lazy("Nom sous lequel l’entreprise est connue."),
        "other_names": gettext_lazy("Ancien nom, sigle, nom d’usage."),
        "neq": gettext_lazy("Numéro d’entreprise du Québec, 10 chiffres."),
        "legal_form": gettext_lazy("Forme juridique."),
        "founded_year": gettext_lazy("Année de fondation."),
        "size": gettext_lazy("Nombre de personnes salariées, par tranche."),
        "languages": gettext_lazy("Langues dans lesquelles l’entreprise sert sa clientèle."),
        "akcelos": gettext_lazy("Adresse de la fiche AkcelOS."),
    },
    gettext_lazy("Ce qu’elle offre"): {
        "mission": gettext_lazy("Mission, dans les mots de l’entreprise."),
        "description": gettext_lazy("Présentation."),
        "sectors": gettext_lazy("Secteurs d’activité du répertoire."),
        "categories": gettext_lazy("Codes des catégories d’achat du SEAO."),
        "offerings": gettext_lazy(
            "Produits et services ; le mot Produit précède ceux qui se livrent."
        ),
        "benefits": gettext_lazy("Bienfaits pour la collectivité."),
    },
    gettext_lazy("Où elle est"): {
        "address": gettext_lazy("Adresse civique."),
        "borough": gettext_lazy("Arrondissement."),
        "city": gettext_lazy("Municipalité locale."),
        "city_code": gettext_lazy("Code géographique de la municipalité."),
        "county": gettext_lazy("MRC ou territoire équivalent."),
        "region": gettext_lazy("Région administrative."),
        "postal_code": gettext_lazy("Code postal."),
        "latitude": gettext_lazy("Degrés décimaux (WGS 84) ; vide si l’adresse n’est pas située."),
        "longitude": gettext_lazy("Degrés décimaux (WGS 84) ; négatifs au Québec."),
    },
    gettext_lazy("Où elle travaille"): {
        "serves_province": gettext_lazy("Si elle sert tout le Québec."),
        "served_regions": gettext_lazy("Régions qu’elle sert en entier."),
        "served_counties": gettext_lazy("MRC qu’elle sert en entier."),
        "served_cities": gettext_lazy("Municipalités qu’elle sert."),
    },
    gettext_lazy("Comment la joindre"): {
        "phone": gettext_lazy("Téléphone de l’entreprise."),
        "phone_extension": gettext_lazy("Poste téléphonique."),
        "email": gettext_lazy("Courriel de l’entreprise."),
        "website": gettext_lazy("Site web."),
        "contact_name": gettext_lazy("Première personne-ressource dont le nom est visible."),
        "contact_function": gettext_lazy("Sa fonction."),
        "contact_email": gettext_lazy("Son courriel, s’il est visible."),
        "contact_phone": gettext_lazy("Son téléphone, s’il est visible."),
        "contact_phone_extension": gettext_lazy("Son poste, si son téléphone est visible."),
    },
    gettext_lazy("Ce qu’elle peut prendre"): {
        "permits": gettext_lazy("Permis et licences : nature, numéro, dernier jour où ils valent."),
        "insured_amount": gettext_lazy("Assurance responsabilité, en dollars."),
        "smallest_order": gettext_lazy("Plus petite commande, en dollars."),
        "largest_order": gettext_lazy("Plus grande commande, en dollars."),
        "lead_time_days": gettext_lazy("Délai habituel, en jours."),
        "busy_until": gettext_lazy("Dernier jour où elle ne prend pas de commande."),
        "accepts_cobidding": gettext_lazy("Si elle accepte de soumissionner avec d’autres."),
        "on_seao": gettext_lazy("Si elle est inscrite au SEAO."),
    },
    gettext_lazy("À quel point s’y fier"): {
        "statuses": gettext_lazy("Statuts et certifications, même expirés."),
        "recognised_on": gettext_lazy("Jour où le Pôle a reconnu l’entreprise d’économie sociale."),
        "recognised_until": gettext_lazy("Dernier jour où vaut cette reconnaissance."),
        "confirmed_on": gettext_lazy("Dernière confirmation des coordonnées."),
        "published_on": gettext_lazy("Jour de la publication de la fiche."),
        "url": gettext_lazy("Page de la fiche, à la suite du nom du site."),
    },
}

# By the widget that reads and writes a column; the first that fits.
TYPES = (
    ((cells.Whole,), gettext_lazy("nombre entier")),
    ((cells.Degrees,), gettext_lazy("nombre")),
    ((cells.YesNo,), gettext_lazy("oui ou non")),
    ((cells.Choice,), gettext_lazy("choix")),
    (
        (cells.Words, cells.Cities, cells.Texts, cells.Offerings, cells.Permits, cells.Codes),
        gettext_lazy("liste"),
    ),
)
DATES = {"busy_until", "recognised_on", "recognised_until", "confirmed_on", "published_on"}


@dataclass(frozen=True)
class Entry:
    """One column, said to a reader."""

    name: str
    header: str
    type: str
    meaning: str
    derived: bool


def entries() -> list[tuple[str, list[Entry]]]:
    """Every column of the exports, by group."""
    return [
        (
            str(title),
            [
                _entry(name, EnterpriseResource.fields[name], str(meaning))
                for name, meaning in meanings.items()
            ],
        )
        for title, meanings in GROUPS.items()
    ]


def _entry(name: str, column: Column, meaning: str) -> Entry:
    fitting = (said for widgets, said in TYPES if isinstance(column.widget, widgets))
    kind = _("date") if name in DATES else str(next(fitting, _("texte")))
    return Entry(name, column.label, kind, meaning, column.derived)


def _text(meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": meaning, **more}


def _slugs(meaning: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": meaning}


def _maybe(meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": meaning, **more}


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one record of `/entreprises.json`, which is also what the
    properties of a GeoJSON feature hold, with `geo_precision` besides."""
    day = {"format": "date"}
    properties = {
        "slug": _text(_("Identifiant de la fiche.")),
        "name": _text(_("Nom.")),
        "neq": _maybe(_("Numéro d’entreprise du Québec."), pattern="^[0-9]{10}$"),
        "city": _text(_("Municipalité locale.")),
        "city_code": _text(_("Code géographique de la municipalité.")),
        "county_code": _text(_("Code de la MRC ou du territoire équivalent.")),
        "region_code": _text(_("Code de la région administrative.")),
        "borough": _maybe(_("Arrondissement.")),
        "sectors": _slugs(_("Secteurs d’activité.")),
        "legal_form": _text(_("Forme juridique."), enum=list(Enterprise.LegalForm.values)),
        "statuses": _slugs(_("Statuts qui valent aujourd’hui.")),
        "benefits": _slugs(_("Bienfaits pour la collectivité.")),
        "offerings": _slugs(_("Produits et services.")),
        "territory": {
            "type": "object",
            "description": _("Territoire servi, par codes officiels."),
            "properties": {
                "province": {"type": "boolean", "description": _("Si tout le Québec est servi.")},
                "regions": _slugs(_("Codes des régions servies.")),
                "counties": _slugs(_("Codes des MRC servies.")),
                "cities": _slugs(_("Codes des municipalités servies.")),
            },
            "required": ["province", "regions", "counties", "cities"],
            "additionalProperties": False,
        },
        "recognised_on": _maybe(_("Jour de la reconnaissance, si elle vaut aujourd’hui."), **day),
        "confirmed_on": _maybe(_("Dernière confirmation des coordonnées."), **day),
        "distance_km": {
            "type": ["number", "null"],
            "description": _("Distance du lieu donné par « pres », en kilomètres."),
        },
        "url": _text(_("Page de la fiche.")),
    }
    precisions = list(Enterprise.GeoPrecision.values)
    precision = _text(
        _("GeoJSON seulement : adresse exacte, secteur postal ou municipalité."), enum=precisions
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _("Une entreprise du répertoire"),
        "type": "object",
        "properties": properties | {"geo_precision": precision},
        "required": list(properties),
        "additionalProperties": False,
    }
