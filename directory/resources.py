"""The columns in which enterprises leave the site as a file, and come back.

One resource for both ways: exports and the import command. A column has a code
name, which mappings keep, a French header, which files bear, and the other headers under which
people write it. Values are in the plain form of `directory/cells.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import Resource

from directory import cells, state
from directory.cells import Cell
from directory.criteria import PROVINCE
from directory.facets import Dimension
from directory.gazetteer import Gazetteer
from directory.labels import Labels
from directory.models import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    Recognition,
    Visibility,
)

LANGUAGES = {"fr": "français", "en": "anglais", "es": "espagnol", "francais": "français"}
BATCH = 1_000

Record = dict[str, Any]


class Column(Field):
    """One column: `column_name` is its header; `aliases`, other headers it is known by."""

    def __init__(
        self,
        column_name: Any,
        widget: Cell,
        *aliases: str,
        source: str = "",
        derived: bool = False,
    ):
        super().__init__(column_name=column_name, widget=widget, readonly=derived)
        self.aliases = aliases
        #: The field of the model, where the column is one and has another name.
        self.source = source
        #: Written for readers; never read back.
        self.derived = derived

    @property
    def label(self) -> str:
        return str(self.column_name)


def derived(column_name: Any, widget: Cell | None = None) -> Column:
    return Column(column_name, widget or cells.Derived(), derived=True)


class EnterpriseResource(Resource):
    # Who
    slug = Column(_("Fiche"), Cell(100), "slug", "adresse de la fiche", "identifiant de la fiche")
    name = Column(
        *(_("Nom"), Cell(200), "nom de l’entreprise", "entreprise", "organisme", "organisation"),
        *(
            "nom de l’organisme",
            "société",
            "raison sociale",
            "dénomination",
            "fournisseur",
            "nom légal",
        ),
        *("nom du fournisseur", "nom de l’organisation", "dénomination sociale", "name"),
    )
    other_names = Column(
        *(_("Autres noms"), cells.Texts(200), "autre nom", "nom usuel", "sigle", "acronyme"),
        *("ancien nom", "alias", "nom d’usage"),
    )
    neq = Column(
        *(_("NEQ"), cells.Neq(), "numéro d’entreprise du Québec", "no neq", "n° neq", "numéro neq"),
        *("numéro d’entreprise", "matricule", "no d’entreprise"),
    )
    legal_form = Column(
        _("Forme juridique"),
        cells.Choice(
            Enterprise.LegalForm.choices, cells.LEGAL_FORM_ALIASES, reduce=cells.legal_form_key
        ),
        *("forme", "statut juridique", "forme légale", "type d’organisme", "type d’entreprise"),
        *("type d’organisation", "type juridique", "structure juridique", "type de structure"),
    )
    founded_year = Column(
        *(_("Année de fondation"), cells.Whole(1800, 2100), "fondation", "année de création"),
        *("fondée en", "année d’incorporation", "créée en"),
    )
    mission = Column(_("Mission"), cells.Lines())
    description = Column(_("Description"), cells.Lines(), "présentation", "résumé")
    sectors = Column(
        *(_("Secteurs d’activité"), cells.Words(Dimension.SECTOR), "secteur", "secteurs"),
        *("secteur d’activité", "secteur d’activités", "domaine", "domaine d’activité"),
        *("domaines d’activité", "secteur principal", "secteur d’activité principal", "créneau"),
    )
    statuses = Column(
        *(_("Statuts"), cells.Words(Dimension.STATUS), "statut", "certification"),
        *("certifications", "accréditation", "accréditations", "statut particulier"),
    )
    benefits = Column(
        *(_("Bienfaits pour la collectivité"), cells.Words(Dimension.BENEFIT), "bienfaits"),
        *("bienfait", "retombées"),
    )
    offerings = Column(
        *(_("Produits et services"), cells.Offerings(160), "produits", "services", "offre"),
        *("produits ou services", "produit ou service", "services offerts", "produits offerts"),
        *("produits et services offerts", "offre de services", "biens et services"),
        *("description des services", "produits/services", "produits et/ou services"),
    )
    size = Column(
        _("Taille"),
        cells.HeadCount(Enterprise.Size.choices),
        *("nombre d’employés", "employés", "nombre d’emplois", "effectif", "nb employés"),
        *("nb d’employés", "nbre d’employés", "nombre d’employé·es", "nombre de salariés"),
        *("nb emplois", "emplois", "salariés"),
    )
    languages = Column(
        *(_("Langues"), cells.Texts(40, LANGUAGES), "langue", "langues de service"),
    )

    # Where
    address = Column(
        *(_("Adresse"), Cell(200), "adresse civique", "rue", "adresse postale", "adresse 1"),
        *("adresse principale", "adresse du siège", "siège social", "numéro et rue", "no et rue"),
    )
    borough = Column(_("Arrondissement"), cells.BoroughName(), source="borough_id")
    city = Column(
        *(_("Municipalité"), cells.CityName("name"), "ville", "localité", "city"),
        *("ville/municipalité", "ville ou municipalité", "municipalité/ville", "nom de la ville"),
        source="city_id",
    )
    city_code = Column(
        *(_("Code géographique"), cells.CityName("code"), "code de la municipalité"),
        *("code géo", "code_geo", "code municipalité"),
        source="city_id",
    )
    county = Column(_("MRC"), cells.CityName("county"), source="city_id")
    region = Column(
        _("Région"),
        cells.CityName("region"),
        "région administrative",
        source="city_id",
        derived=True,
    )
    postal_code = Column(_("Code postal"), cells.PostalCode(), "cp", "postal code")
    latitude = Column(_("Latitude"), cells.Degrees(PROVINCE.south, PROVINCE.north), "lat")
    longitude = Column(
        _("Longitude"), cells.Degrees(PROVINCE.west, PROVINCE.east), "lng", "lon", "long"
    )

    # How to reach it
    phone = Column(
        *(_("Téléphone"), cells.Phone(), "tél", "tel", "no de téléphone", "numéro de téléphone"),
        *("téléphone principal", "téléphone de l’organisme", "phone", "téléphone général"),
        *("tél principal", "téléphone bureau", "téléphone 1", "téléphone (bureau)", "no tél"),
    )
    phone_extension = Column(_("Poste"), Cell(10), "poste téléphonique", "extension")
    email = Column(
        *(_("Courriel"), cells.Email(254), "email", "e-mail", "adresse courriel", "mail"),
        *("courriel général", "courriel de l’organisme", "adresse électronique"),
        *("courriel principal", "adresse de courriel", "courriel 1", "adresse mail"),
    )
    website = Column(
        *(_("Site web"), cells.Website(200), "site", "site internet", "web", "url du site", "www"),
        *("url", "adresse web", "page web", "adresse du site"),
    )
    contact_name = Column(
        *(_("Personne-ressource"), Cell(120), "contact", "nom du contact", "responsable"),
        *("personne ressource", "gestionnaire", "nom de la personne-ressource"),
        *("personne contact", "direction", "personne à contacter", "contact principal"),
        *("nom de la direction", "directeur", "directrice", "représentant"),
    )
    contact_function = Column(
        _("Fonction"), Cell(120), "titre", "poste occupé", "fonction du contact", "titre du contact"
    )
    contact_email = Column(
        *(_("Courriel de la personne-ressource"), cells.Email(254), "courriel du contact"),
        *("courriel contact", "courriel du responsable", "courriel direct"),
    )
    contact_phone = Column(
        *(_("Téléphone de la personne-ressource"), cells.Phone(), "téléphone du contact"),
        *("téléphone contact", "téléphone direct", "cellulaire"),
    )
    contact_phone_extension = Column(
        _("Poste de la personne-ressource"), Cell(10), "poste du contact"
    )

    # Where it works
    serves_province = Column(_("Sert tout le Québec"), cells.YesNo(), "tout le québec")
    served_regions = Column(
        *(_("Régions servies"), cells.Words(Dimension.REGION), "régions desservies"),
    )
    served_counties = Column(
        *(_("MRC servies"), cells.Counties(Dimension.COUNTY), "mrc desservies"),
    )
    served_cities = Column(
        *(_("Municipalités servies"), cells.Cities(), "municipalités desservies"),
        *("villes servies", "villes desservies", "territoire desservi", "territoire"),
    )

    # What it can take on
    permits = Column(_("Permis et licences"), cells.Permits(), "permis", "licences", "licence rbq")
    insured_amount = Column(
        _("Montant assuré ($)"), cells.Whole(), "montant assuré", "assurance responsabilité"
    )
    smallest_order = Column(
        _("Plus petite commande ($)"), cells.Whole(), "plus petite commande", "commande minimale"
    )
    largest_order = Column(
        _("Plus grande commande ($)"), cells.Whole(), "plus grande commande", "commande maximale"
    )
    lead_time_days = Column(_("Délai (jours)"), cells.Whole(0, 32_767), "délai", "délai en jours")
    busy_until = Column(_("Complet jusqu’au"), cells.Day())
    accepts_cobidding = Column(
        _("Accepte de soumissionner à plusieurs"), cells.YesNo(), "soumission conjointe"
    )
    on_seao = Column(_("Inscrite au SEAO"), cells.YesNo(), "seao")
    akcelos = Column(_("AkcelOS"), Cell(400), "lien akcelos", source="external_ids")

    # For readers only
    categories = derived(_("Catégories d’achat (SEAO)"), cells.Codes())
    recognised_on = derived(_("Reconnue le"))
    recognised_until = derived(_("Reconnaissance valide jusqu’au"))
    confirmed_on = derived(_("Coordonnées confirmées le"))
    published_on = derived(_("Publiée le"))
    url = derived(_("Page du répertoire"))

    def __init__(self, labels: Labels | None = None, **kwargs: Any):
        """`labels` are those of the site now, one statement, unless given."""
        super().__init__(**kwargs)
        self.labels = labels or state.current().labels
        self.gazetteer = Gazetteer(self.labels)
        for name, column in self.fields.items():
            column.attribute = name
            column.widget.labels = self.labels
            column.widget.gazetteer = self.gazetteer

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Code name → column, in the order of a file."""
        return dict(self.fields)

    # --- Reading the database

    def records(
        self,
        ids: Sequence[int],
        names: Collection[str] | None = None,
        seen: Sequence[str] = (Visibility.PUBLIC,),
        *,
        traced: bool = False,
    ) -> list[Record]:
        """The enterprises of these keys, in that order, each as {code name: value in plain form}
        with `id` and `state`; where `traced`, `version` and `provenance` too. `names` are the
        columns wanted (all); `seen`, the visibilities whose contact details show
        (`profile.audiences`). A fixed number of statements: one, and one for each of the columns
        that are kept in another table."""
        wanted = set(self.fields if names is None else names)
        own = wanted - RELATED.keys() - RECOGNITION - CONTACT - {"url"}
        sources = {name: self.fields[name].source or name for name in own}
        beside = ("version", "provenance") if traced else ()
        sources |= {name: name for name in ("id", "state", "slug", *beside)}
        if "latitude" in own:
            sources["geo_precision"] = "geo_precision"
        found: dict[int, Record] = {}
        rows = Enterprise.objects.filter(pk__in=among(ids)).order_by("pk")
        if "akcelos" in own:
            # Its text alone: to decode what is around it would take a twentieth of a file's time.
            rows = rows.annotate(akcelos=KeyTextTransform("akcelos", "external_ids"))
            sources["akcelos"] = "akcelos"
        base = settings.SITE_URL + reverse("directory:list")
        for values in rows.values(*dict.fromkeys(sources.values())):
            record = {name: values[source] for name, source in sources.items()}
            for name in own & {"other_names", "languages"}:
                record[name] = tuple(record[name])
            if "akcelos" in own:
                record["akcelos"] = record["akcelos"] or ""
            if "url" in wanted:
                record["url"] = f"{base}{record['slug']}/"
            found[record["id"]] = record
        for name in wanted & RELATED.keys():
            read = RELATED[name](list(found))
            for pk, record in found.items():
                record[name] = read.get(pk, ())
        for names_of_row, read_row in (
            (RECOGNITION, recognitions),
            (CONTACT, lambda pks: first_contacts(pks, seen)),
        ):
            if wanted & names_of_row:
                rows_found = read_row(list(found))
                for pk, record in found.items():
                    record |= rows_found.get(pk) or dict.fromkeys(names_of_row)
        return [found[pk] for pk in ids if pk in found]

    def written(self, record: Record, names: Iterable[str]) -> list[Any]:
        """The cells of a record, in the order of these columns."""
        return [self.fields[name].widget.render(record[name]) for name in names]


class StaffResource(EnterpriseResource):
    """With what no public file says."""

    unreachable_since = derived(_("Hors des résultats, injoignable depuis le"))


# --- What is kept in other tables: keys of enterprises → values in plain form


def among(ids: Sequence[int]) -> RawSQL:
    """These keys as one parameter: a thousand take longer to write than the rows to read."""
    return RawSQL("SELECT unnest(%s::bigint[])", [f"{{{','.join(map(str, ids))}}}"])


CONTACT = {
    *("contact_name", "contact_function", "contact_email", "contact_phone"),
    "contact_phone_extension",
}
RECOGNITION = {"recognised_on", "recognised_until"}


def linked(
    through: type[Model], column: str, *order: str
) -> Callable[[Sequence[int]], dict[int, tuple]]:
    """Reads, of each enterprise, one column of the rows that bear its key."""

    def read(ids: Sequence[int]) -> dict[int, tuple]:
        values: dict[int, list] = defaultdict(list)
        rows = through._default_manager.filter(enterprise_id__in=among(ids))
        for pk, value in rows.order_by(*order, "pk").values_list("enterprise_id", column):
            if value is not None:
                values[pk].append(value)
        return {pk: tuple(dict.fromkeys(of_one)) for pk, of_one in values.items()}

    return read


def offerings(ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    values = defaultdict(list)
    rows = Offering.objects.filter(enterprise_id__in=among(ids)).order_by("position", "pk")
    for pk, kind, name in rows.values_list("enterprise_id", "kind", "name"):
        values[pk].append((kind, name))
    return {pk: tuple(of_one) for pk, of_one in values.items()}


def categories(ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Of what each offers, several of which bear the same."""
    values = defaultdict(list)
    rows = Offering.objects.filter(enterprise_id__in=among(ids), category__isnull=False)
    ordered = rows.order_by("category__position", "category__code").distinct()
    for pk, code, _position in ordered.values_list(
        "enterprise_id", "category__code", "category__position"
    ):
        values[pk].append(code)
    return {pk: tuple(of_one) for pk, of_one in values.items()}


def permits(ids: Sequence[int]) -> dict[int, tuple[tuple[str, str, date | None], ...]]:
    values = defaultdict(list)
    rows = Permit.objects.filter(enterprise_id__in=among(ids)).order_by("kind", "pk")
    for pk, kind, number, until in rows.values_list(
        "enterprise_id", "kind", "number", "expires_on"
    ):
        values[pk].append((kind, number, until))
    return {pk: tuple(dict.fromkeys(of_one)) for pk, of_one in values.items()}


def recognitions(ids: Sequence[int]) -> dict[int, Record]:
    """The last recognition of each."""
    rows = Recognition.objects.filter(enterprise_id__in=among(ids)).order_by("recognised_on", "pk")
    return {
        pk: {"recognised_on": given, "recognised_until": until}
        for pk, given, until in rows.values_list("enterprise_id", "recognised_on", "expires_on")
    }


def first_contacts(ids: Sequence[int], seen: Sequence[str]) -> dict[int, Record]:
    """The first person of each enterprise whose name may be seen, with what may be seen of them."""
    found: dict[int, Record] = {}
    rows = Contact.objects.filter(enterprise_id__in=among(ids), name_visibility__in=seen)
    for pk, name, function, email, phone, extension, by_email, by_phone in rows.order_by(
        "position", "pk"
    ).values_list(
        *("enterprise_id", "name", "function", "email", "phone", "phone_extension"),
        *("email_visibility", "phone_visibility"),
    ):
        found.setdefault(
            pk,
            {
                "contact_name": name,
                "contact_function": function,
                "contact_email": email if by_email in seen else "",
                "contact_phone": phone if by_phone in seen else "",
                "contact_phone_extension": extension if by_phone in seen else "",
            },
        )
    return found


RELATED: dict[str, Callable[[Sequence[int]], dict[int, tuple]]] = {
    "sectors": linked(Enterprise.sectors.through, "sector_id", "sector__position"),
    "statuses": linked(Certification, "status_id", "status__position"),
    "benefits": linked(EnterpriseBenefit, "benefit_id", "benefit__position"),
    "served_regions": linked(Enterprise.served_regions.through, "region_id"),
    "served_counties": linked(Enterprise.served_counties.through, "regionalcounty_id"),
    "served_cities": linked(Enterprise.served_cities.through, "city_id"),
    "offerings": offerings,
    "permits": permits,
    "categories": categories,
}

#: Choices of columns that have a name, by what stands for them in an address.
PRESETS = {
    "registre": (
        *("name", "neq", "legal_form", "address", "city", "postal_code", "region"),
        *("phone", "phone_extension", "email", "website"),
        *("contact_name", "contact_function", "contact_email", "contact_phone"),
        *("sectors", "categories", "offerings", "statuses", "permits", "served_regions"),
        *("on_seao", "recognised_on", "recognised_until", "confirmed_on", "url"),
    ),
    "coordonnees": (
        *("name", "address", "city", "postal_code", "phone", "phone_extension", "email"),
        *("website", "contact_name", "contact_function", "contact_email", "contact_phone"),
        *("contact_phone_extension", "url"),
    ),
    "tout": tuple(EnterpriseResource.fields),
}
