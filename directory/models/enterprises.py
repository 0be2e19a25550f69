from datetime import date

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from directory.models.fields import NeqField, PhoneField, PostalCodeField
from directory.models.places import Borough, City, Region, RegionalCounty
from directory.models.vocabularies import Benefit, Sector, Status

POSTAL_CODE = r"^[GHJK][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]$"
PHONE = r"^\+1[2-9][0-9]{9}$"
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
#: Addresses under /entreprises/ that are pages of the site.
RESERVED_SLUGS = ("carte", "export", "suggerer", "suggestions")


def neq_checks(neq: str) -> bool:
    """Whether the last eight digits of a NEQ pass Luhn.

    No official text states this rule; it held for the 17 genuine numbers it was tried on, so a
    number that fails deserves a second look, never a refusal.
    """
    digits = [int(digit) for digit in neq[-8:]]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[::2]]
    return (sum(doubled) + sum(digits[1::2])) % 10 == 0


def chosen(name, values, *fields):
    """The rule, in the database too, that these fields hold one of their choices."""
    condition = Q(*[(f"{field}__in", values) for field in fields])
    return models.CheckConstraint(condition=condition, name=name)


class ServedTerritory(models.Model):
    """Where one delivers or works, whatever one's address; several kinds of places add up."""

    serves_province = models.BooleanField(_("sert tout le Québec"), default=False)
    served_regions = models.ManyToManyField(
        Region, blank=True, verbose_name=_("régions servies"), related_name="+"
    )
    served_counties = models.ManyToManyField(
        RegionalCounty, blank=True, verbose_name=_("MRC servies"), related_name="+"
    )
    served_cities = models.ManyToManyField(
        City, blank=True, verbose_name=_("municipalités servies"), related_name="+"
    )

    class Meta:
        abstract = True


class DueOn(models.Func):
    """So many months after a day; the last of the month where that has no such day."""

    template = "(%(expressions)s))::date"
    arg_joiner = " + make_interval(months => "
    output_field = models.DateField()


def _reached():
    return Q(unreachable_since=None) | Q(confirmed_on__gte=models.F("unreachable_since"))


class EnterpriseQuerySet(models.QuerySet):
    def published(self):
        return self.filter(state=Enterprise.State.PUBLISHED)

    def editable_by(self, user):
        """Those for which this person may speak: none for whoever is not signed in, or whose
        account is closed."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        return self.exclude(state=Enterprise.State.ARCHIVED).filter(representatives__user=user)

    def owned_by(self, user):
        """Those whose colleagues this person may invite and remove."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        theirs = apps.get_model("directory", "Representative").objects.answering()
        owned = theirs.filter(user=user, enterprise=OuterRef("pk"))
        return self.exclude(state=Enterprise.State.ARCHIVED).filter(Exists(owned))

    def with_open_duplicates(self):
        """Those that look like another, of which nobody has said yet whether it is the same."""
        pairs = apps.get_model("directory", "DuplicatePair").objects.filter(state="open")
        return self.filter(
            Exists(pairs.filter(first=OuterRef("pk"))) | Exists(pairs.filter(second=OuterRef("pk")))
        )

    def with_due_on(self):
        """`due_on`: the day from which the enterprise should say again that its listing is true."""
        said = Coalesce("confirmed_on", "published_on")
        return self.annotate(due_on=DueOn(said, "confirm_every_months"))

    def overdue(self, today):
        """Published, and to be confirmed today or before."""
        return self.published().with_due_on().filter(due_on__lte=today)

    def unreachable(self):
        """Published, and left out of results since calls found nobody (`directory_listed`)."""
        return self.published().exclude(_reached())

    def listed(self):
        """Those that results show, and that have a row in `Listing`."""
        return self.published().filter(_reached())

    def lock(self, ids):
        """Hold these rows until the transaction ends, taken in the order every writer takes them.

        The first thing done by a write that touches several enterprises: the triggers behind
        `Listing` lock one statement's enterprises at a time, so two such writes could each hold
        what the other waits for. Labels come before rows, as the triggers take them."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.directory_hold_labels()")
        rows = self.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, of=("self",))
        return list(rows.values_list("pk", flat=True))


class LegalForm(models.TextChoices):
    """In the order of their numbers in `directory_legal_form_number` (sql/listing.sql)."""

    NPO = "npo", _("OBNL avec activités marchandes")
    COOP_CONSUMER = "coop_consumer", _("Coopérative de consommateurs")
    COOP_PRODUCER = "coop_producer", _("Coopérative de producteurs")
    COOP_WORKER = "coop_worker", _("Coopérative de travail")
    COOP_WORKER_SHAREHOLDER = (
        "coop_worker_shareholder",
        _("Coopérative de travailleurs actionnaire"),
    )
    COOP_SOLIDARITY = "coop_solidarity", _("Coopérative de solidarité")
    COOP_FEDERATION = "coop_federation", _("Regroupement de coopératives")
    MUTUAL = "mutual", _("Mutuelle")
    COOP_FINANCIAL = "coop_financial", _("Coopérative financière")


class Enterprise(ServedTerritory):
    LegalForm = LegalForm

    class Size(models.TextChoices):
        NONE = "0", _("aucune personne salariée")
        MICRO = "1-4", _("1 à 4 personnes")
        SMALL = "5-19", _("5 à 19 personnes")
        MEDIUM = "20-49", _("20 à 49 personnes")
        LARGE = "50-99", _("50 à 99 personnes")
        VERY_LARGE = "100+", _("100 personnes et plus")

    class GeoPrecision(models.TextChoices):
        EXACT = "exact", _("adresse exacte")
        FSA = "fsa", _("secteur postal")
        CITY = "city", _("municipalité")

    class State(models.TextChoices):
        DRAFT = "draft", _("brouillon")
        PUBLISHED = "published", _("publiée")
        ARCHIVED = "archived", _("archivée")

    class Closing(models.TextChoices):
        """What the public is told of an archived listing."""

        CLOSED = "closed", _("Fermée")
        REPLACED = "replaced", _("Remplacée par une autre fiche")
        OTHER = "other", _("Fiche non publiée")

    class Source(models.TextChoices):
        OWNER = "owner", _("l’entreprise")
        STAFF = "staff", _("le Pôle")
        IMPORT = "import", _("un fichier importé")

    # Who
    name = models.CharField(_("nom"), max_length=200)
    other_names = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("autres noms"),
        default=list,
        blank=True,
        help_text=_("Séparés par des virgules : ancien nom, sigle, nom d’usage."),
    )
    slug = models.SlugField(
        _("adresse"),
        max_length=100,
        unique=True,
        validators=[
            RegexValidator(
                SLUG,
                _("Écrivez l’adresse en minuscules sans accent, chiffres et traits d’union."),
            )
        ],
    )
    neq = NeqField(
        _("NEQ"),
        max_length=10,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(r"^[0-9]{10}$", _("Un NEQ compte 10 chiffres."))],
    )
    legal_form = models.CharField(_("forme juridique"), max_length=30, choices=LegalForm.choices)
    founded_year = models.PositiveSmallIntegerField(_("année de fondation"), null=True, blank=True)
    mission = models.TextField(_("mission"), blank=True)
    description = models.TextField(_("description"), blank=True)
    sectors = models.ManyToManyField(Sector, blank=True, verbose_name=_("secteurs d’activité"))
    statuses = models.ManyToManyField(Status, through="Certification", verbose_name=_("statuts"))
    benefits = models.ManyToManyField(
        Benefit, through="EnterpriseBenefit", verbose_name=_("bienfaits")
    )
    size = models.CharField(_("taille"), max_length=8, choices=Size.choices, blank=True)
    languages = ArrayField(
        models.CharField(max_length=40), verbose_name=_("langues"), default=list, blank=True
    )
    logo = models.ImageField(_("logo"), upload_to="", blank=True)
    external_ids = models.JSONField(_("identifiants ailleurs"), default=dict, blank=True)

    # Where
    address = models.CharField(_("adresse civique"), max_length=200, blank=True)
    borough = models.ForeignKey(
        Borough, models.PROTECT, null=True, blank=True, verbose_name=_("arrondissement")
    )
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("municipalité"))
    postal_code = PostalCodeField(
        _("code postal"),
        max_length=7,
        blank=True,
        validators=[RegexValidator(POSTAL_CODE, _("Écrivez le code postal ainsi : J4K 1A1."))],
    )
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    geo_precision = models.CharField(
        _("précision"), max_length=5, choices=GeoPrecision.choices, blank=True
    )

    # How to reach it
    phone = PhoneField(
        _("téléphone"),
        max_length=12,
        blank=True,
        validators=[RegexValidator(PHONE, _("Un téléphone compte dix chiffres : 450 555-0123."))],
    )
    phone_extension = models.CharField(_("poste"), max_length=10, blank=True)
    email = models.EmailField(_("courriel"), blank=True)
    website = models.URLField(_("site web"), blank=True)

    # What it can take on
    insured_amount = models.PositiveIntegerField(_("montant assuré ($)"), null=True, blank=True)
    smallest_order = models.PositiveIntegerField(
        _("plus petite commande ($)"), null=True, blank=True
    )
    largest_order = models.PositiveIntegerField(
        _("plus grande commande ($)"), null=True, blank=True
    )
    lead_time_days = models.PositiveSmallIntegerField(_("délai (jours)"), null=True, blank=True)
    busy_until = models.DateField(_("complet jusqu’au"), null=True, blank=True)
    accepts_cobidding = models.BooleanField(
        _("accepte de soumissionner à plusieurs"), default=False
    )
    on_seao = models.BooleanField(_("inscrite au SEAO"), default=False)

    # How far to trust it
    state = models.CharField(_("état"), max_length=10, choices=State.choices, default=State.DRAFT)
    closing = models.CharField(
        _("ce que le public lit"), max_length=10, choices=Closing.choices, blank=True
    )
    archive_reason = models.TextField(
        _("raison de l’archivage"), blank=True, help_text=_("Pour l’équipe seulement.")
    )
    replaced_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("remplacée par")
    )
    published_on = models.DateField(_("publiée le"), null=True, blank=True)
    confirmed_on = models.DateField(_("coordonnées confirmées le"), null=True, blank=True)
    confirmed_by = models.CharField(
        _("confirmées par"), max_length=10, choices=Source.choices, blank=True
    )
    confirm_every_months = models.PositiveSmallIntegerField(
        _("à confirmer tous les (mois)"), default=12
    )
    # Kept by phone_calls.py; a confirmation of that day or later ends it (sql/listing.sql).
    unreachable_since = models.DateField(
        _("injoignable depuis le"), null=True, blank=True, editable=False
    )
    # Field name → Source: a weaker source never overwrites a stronger one.
    provenance = models.JSONField(_("provenance"), default=dict, blank=True, editable=False)
    # Incremented by every write on the enterprise or its children; forms compare it.
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("créée le"), auto_now_add=True)
    updated_at = models.DateTimeField(_("modifiée le"), auto_now=True)

    objects = EnterpriseQuerySet.as_manager()
    history = HistoricalRecords(
        m2m_fields=["sectors", "served_regions", "served_counties", "served_cities"]
    )

    class Meta:
        verbose_name = _("entreprise")
        verbose_name_plural = _("entreprises")
        ordering = ["name", "pk"]
        permissions = [("view_buyer_contacts", _("Voir les coordonnées réservées aux acheteurs"))]
        indexes = [
            # The list of the admin, in the order of the dictionary.
            models.Index(
                models.Func("name", function="public.fold"), "id", name="enterprise_folded_name"
            ),
        ]
        constraints = [
            chosen("enterprise_legal_form", LegalForm.values, "legal_form"),
            chosen("enterprise_state", ["draft", "published", "archived"], "state"),
            chosen("enterprise_closing", ["", "closed", "replaced", "other"], "closing"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(slug=""),
                name="enterprise_named",
                violation_error_message=_("Une entreprise a un nom et une adresse."),
            ),
            models.CheckConstraint(
                condition=Q(slug__regex=SLUG) & ~Q(slug__in=RESERVED_SLUGS),
                name="enterprise_slug",
                violation_error_message=_(
                    "Écrivez l’adresse en minuscules sans accent, chiffres et traits d’union."
                ),
            ),
            models.CheckConstraint(
                condition=Q(neq__regex=r"^[0-9]{10}$"),
                name="enterprise_neq",
                violation_error_message=_("Un NEQ compte 10 chiffres."),
            ),
            models.CheckConstraint(
                condition=Q(founded_year__range=(1800, 2100)),
                name="enterprise_founded_year",
                violation_error_message=_("L’année de fondation est entre 1800 et 2100."),
            ),
            models.CheckConstraint(
                condition=Q(postal_code="") | Q(postal_code__regex=POSTAL_CODE),
                name="enterprise_postal_code",
                violation_error_message=_("Écrivez le code postal ainsi : J4K 1A1."),
            ),
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=PHONE),
                name="enterprise_phone",
                violation_error_message=_("Un téléphone compte dix chiffres : 450 555-0123."),
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True, geo_precision="")
                | Q(
                    latitude__range=(44.5, 63),
                    longitude__range=(-80.5, -56.5),
                    geo_precision__in=["exact", "fsa", "city"],
                ),
                name="enterprise_position",
                violation_error_message=_(
                    "La position a une latitude et une longitude au Québec, et une précision."
                ),
            ),
            models.CheckConstraint(
                condition=Q(smallest_order__isnull=True)
                | Q(largest_order__isnull=True)
                | Q(smallest_order__lte=models.F("largest_order")),
                name="enterprise_orders",
                violation_error_message=_("La plus petite commande ne dépasse pas la plus grande."),
            ),
            models.CheckConstraint(
                condition=Q(state="archived") & ~Q(closing="")
                | ~Q(state="archived") & Q(closing="", archive_reason="", replaced_by=None),
                name="enterprise_archived",
                violation_error_message=_(
                    "Une fiche archivée dit au public pourquoi ; les autres n’ont rien à en dire."
                ),
            ),
            models.CheckConstraint(
                condition=Q(closing="replaced", replaced_by__isnull=False)
                | ~Q(closing="replaced") & Q(replaced_by=None),
                name="enterprise_replaced",
                violation_error_message=_("Indiquez la fiche qui remplace celle-ci."),
            ),
            models.CheckConstraint(
                condition=~Q(replaced_by=models.F("id")),
                name="enterprise_not_its_own_successor",
                violation_error_message=_("Une fiche ne se remplace pas elle-même."),
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_on__isnull=False),
                name="enterprise_published",
                violation_error_message=_("Une fiche publiée a une date de publication."),
            ),
            models.CheckConstraint(
                condition=Q(confirm_every_months__in=[3, 6, 12]),
                name="enterprise_confirm_every",
                violation_error_message=_("Une fiche se confirme tous les 3, 6 ou 12 mois."),
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("directory:detail", args=[self.slug])

    def clean(self):
        super().clean()
        self.neq = self.neq or None  # "" would be unique only once
        if self.slug in RESERVED_SLUGS:
            message = _("Cette adresse est celle d’une page du site : ajoutez-y la ville.")
            raise ValidationError({"slug": message})
        for name in ("published_on", "confirmed_on"):
            if (getattr(self, name) or date.min) > timezone.localdate():
                raise ValidationError({name: _("Cette date n’est pas encore venue.")})
        if self.borough_id and self.borough.city_id != self.city_id:
            raise ValidationError({"borough": _("Cet arrondissement est celui d’une autre ville.")})
        if self.state == self.State.PUBLISHED and not self.published_on:
            self.published_on = timezone.localdate()

    @property
    def is_unreachable(self):
        """Whether results leave it out, were it published: as `unreachable()` has it."""
        since, confirmed = self.unreachable_since, self.confirmed_on
        return bool(since) and not (confirmed and confirmed >= since)
