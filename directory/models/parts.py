"""What an enterprise is made of beside its own row: what it offers, who answers for it, what it
holds, what the Pôle says of it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from directory.models.enterprises import PHONE, Enterprise, ServedTerritory, chosen
from directory.models.fields import PhoneField
from directory.models.vocabularies import Benefit, PurchasingCategory, Status


class Certification(models.Model):
    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="certifications", verbose_name=_("entreprise")
    )
    status = models.ForeignKey(Status, models.PROTECT, verbose_name=_("statut"))
    number = models.CharField(_("numéro"), max_length=40, blank=True)
    issuer = models.CharField(_("délivrée par"), max_length=120, blank=True)
    issued_on = models.DateField(_("délivrée le"), null=True, blank=True)
    expires_on = models.DateField(
        _("expire le"), null=True, blank=True, help_text=_("Dernier jour où elle vaut.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("certification")
        verbose_name_plural = _("certifications")
        ordering = ["status__position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["enterprise", "status", "number"], name="certification_number"
            ),
        ]

    def __str__(self):
        return f"{self.status} {self.number}".strip()


class EnterpriseBenefit(models.Model):
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, verbose_name=_("entreprise"))
    benefit = models.ForeignKey(Benefit, models.PROTECT, verbose_name=_("bienfait"))
    evidence = models.CharField(
        _("preuve"), max_length=240, blank=True, help_text=_("Une ligne qui le montre.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("bienfait d’une entreprise")
        verbose_name_plural = _("bienfaits des entreprises")
        ordering = ["benefit__position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "benefit"], name="enterprisebenefit_once")
        ]

    def __str__(self):
        return str(self.benefit)


class Permit(models.Model):
    """What entitles an enterprise to a kind of work: RBQ licence, MAPAQ permit…"""

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="permits", verbose_name=_("entreprise")
    )
    kind = models.CharField(_("permis ou licence"), max_length=60)
    number = models.CharField(_("numéro"), max_length=40, blank=True)
    expires_on = models.DateField(_("expire le"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("permis")
        verbose_name_plural = _("permis")
        ordering = ["kind", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="RBQ") | Q(number__regex=r"^[0-9]{4}-[0-9]{4}-[0-9]{2}$"),
                name="permit_rbq_number",
                violation_error_message=_("Une licence RBQ s’écrit ainsi : 1234-5678-90."),
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.number}".strip()


class Offering(ServedTerritory):
    """One product or service; it has a territory of its own only where it differs."""

    class Kind(models.TextChoices):
        PRODUCT = "product", _("produit")
        SERVICE = "service", _("service")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="offerings", verbose_name=_("entreprise")
    )
    kind = models.CharField(_("nature"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("nom"), max_length=160)
    description = models.TextField(_("description"), blank=True)
    category = models.ForeignKey(
        PurchasingCategory,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("catégorie d’achat"),
    )
    unspsc = models.CharField(_("code UNSPSC"), max_length=8, blank=True)
    position = models.PositiveSmallIntegerField(_("ordre"), default=0)

    history = HistoricalRecords(m2m_fields=["served_regions", "served_counties", "served_cities"])

    class Meta:
        verbose_name = _("produit ou service")
        verbose_name_plural = _("produits et services")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="offering_named"),
            chosen("offering_kind", ["product", "service"], "kind"),
            models.CheckConstraint(
                condition=Q(unspsc="") | Q(unspsc__regex=r"^[0-9]{8}$"),
                name="offering_unspsc",
                violation_error_message=_("Un code UNSPSC compte 8 chiffres."),
            ),
        ]

    def __str__(self):
        return self.name


class Visibility(models.TextChoices):
    PUBLIC = "public", _("tout le monde")
    BUYERS = "buyers", _("acheteurs publics")
    STAFF = "staff", _("équipe du Pôle")


class Contact(models.Model):
    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="contacts", verbose_name=_("entreprise")
    )
    name = models.CharField(_("nom"), max_length=120)
    function = models.CharField(_("fonction"), max_length=120, blank=True)
    name_visibility = models.CharField(
        _("nom visible par"),
        max_length=10,
        choices=Visibility.choices,
        default=Visibility.PUBLIC,
    )
    email = models.EmailField(_("courriel"), blank=True)
    email_visibility = models.CharField(
        _("courriel visible par"),
        max_length=10,
        choices=Visibility.choices,
        default=Visibility.BUYERS,
    )
    phone = PhoneField(
        _("téléphone"),
        max_length=12,
        blank=True,
        validators=[RegexValidator(PHONE, _("Un téléphone compte dix chiffres : 450 555-0123."))],
    )
    phone_extension = models.CharField(_("poste"), max_length=10, blank=True)
    phone_visibility = models.CharField(
        _("téléphone visible par"),
        max_length=10,
        choices=Visibility.choices,
        default=Visibility.BUYERS,
    )
    position = models.PositiveSmallIntegerField(_("ordre"), default=0)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("personne-ressource")
        verbose_name_plural = _("personnes-ressources")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="contact_named"),
            chosen(
                "contact_visibility",
                Visibility.values,
                "name_visibility",
                "email_visibility",
                "phone_visibility",
            ),
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=PHONE), name="contact_phone"
            ),
        ]

    def __str__(self):
        return self.name


class Reference(models.Model):
    """Work already done for a public body."""

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="references", verbose_name=_("entreprise")
    )
    client = models.CharField(_("organisme"), max_length=160)
    work = models.CharField(_("travail réalisé"), max_length=240)
    year = models.PositiveSmallIntegerField(_("année"), null=True, blank=True)
    amount = models.PositiveIntegerField(_("montant ($)"), null=True, blank=True)
    url = models.URLField(_("lien"), blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("référence")
        verbose_name_plural = _("références")
        ordering = ["-year", "pk"]

    def __str__(self):
        return f"{self.client}, {self.work}"


class Recognition(models.Model):
    """That the Pôle holds an enterprise to be social economy, and on what grounds.

    The criteria are the principles of the Loi sur l’économie sociale (E-1.1.1, art. 3). Freshness
    of the listing is another matter: `Enterprise.confirmed_on`.
    """

    class Criterion(models.TextChoices):
        NEEDS = "needs", _("répond aux besoins de ses membres ou de la collectivité")
        AUTONOMY = "autonomy", _("n’est pas sous le contrôle d’un organisme public")
        DEMOCRACY = "democracy", _("gouvernance démocratique")
        VIABILITY = "viability", _("viabilité économique")
        SURPLUS = "surplus", _("distribution des surplus interdite ou limitée")
        DISSOLUTION = "dissolution", _("reliquat remis à un organisme semblable")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="recognitions", verbose_name=_("entreprise")
    )
    criteria = ArrayField(
        models.CharField(max_length=12, choices=Criterion.choices),
        verbose_name=_("critères remplis"),
    )
    evidence = models.TextField(_("pièces vues"), blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("examinée par"),
    )
    recognised_on = models.DateField(_("reconnue le"))
    expires_on = models.DateField(_("expire le"), help_text=_("Dernier jour où elle vaut."))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("reconnaissance")
        verbose_name_plural = _("reconnaissances")
        ordering = ["-recognised_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_on__gt=models.F("recognised_on")),
                name="recognition_dates",
                violation_error_message=_(
                    "La reconnaissance expire après le jour où elle est donnée."
                ),
            ),
            models.CheckConstraint(
                condition=Q(
                    criteria__contains=[
                        "needs",
                        "autonomy",
                        "democracy",
                        "viability",
                        "surplus",
                        "dissolution",
                    ]
                ),
                name="recognition_criteria",
                violation_error_message=_("Une entreprise reconnue remplit les six critères."),
            ),
        ]

    def __str__(self):
        return f"{self.enterprise}, {self.recognised_on}"
