"""The words staff choose from, and may rename, order, merge or retire."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Vocabulary(models.Model):
    class Origin(models.TextChoices):
        SEED = "seed", _("amorce, à renommer au besoin")
        STAFF = "staff", _("équipe du Pôle")

    slug = models.SlugField(_("adresse"), max_length=60, unique=True)
    name = models.CharField(_("nom"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    position = models.PositiveSmallIntegerField(_("ordre"), default=0)
    retired = models.BooleanField(
        _("retiré"), default=False, help_text=_("N’est plus proposé ; les fiches le gardent.")
    )
    replaced_by = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("fusionné avec"),
    )
    origin = models.CharField(
        _("origine"), max_length=10, choices=Origin.choices, default=Origin.STAFF
    )

    class Meta:
        abstract = True
        ordering = ["position", "name", "pk"]

    def __str__(self):
        return self.name


class Sector(Vocabulary):
    class Meta(Vocabulary.Meta):
        verbose_name = _("secteur d’activité")
        verbose_name_plural = _("secteurs d’activité")

    def get_absolute_url(self):
        return reverse("directory:sector", args=[self.slug])


class Status(Vocabulary):
    """What a third party certifies an enterprise to be: entreprise adaptée, CPE…"""

    class Meta(Vocabulary.Meta):
        verbose_name = _("statut")
        verbose_name_plural = _("statuts")


class Benefit(Vocabulary):
    class Meta(Vocabulary.Meta):
        verbose_name = _("bienfait")
        verbose_name_plural = _("bienfaits")


class PurchasingCategory(Vocabulary):
    """A purchasing category of the SEAO; its slug is the category's code in lower case."""

    class Kind(models.TextChoices):
        GOODS = "goods", _("biens")
        SERVICES = "services", _("services")
        WORKS = "works", _("construction")
        OTHER = "other", _("autre")

    code = models.CharField(_("code SEAO"), max_length=8, unique=True)
    kind = models.CharField(_("nature"), max_length=10, choices=Kind.choices)

    class Meta(Vocabulary.Meta):
        verbose_name = _("catégorie d’achat")
        verbose_name_plural = _("catégories d’achat")

    def __str__(self):
        return f"{self.code} – {self.name}"


class SynonymGroup(models.Model):
    name = models.CharField(_("nom"), max_length=80, unique=True)

    class Meta:
        verbose_name = _("groupe de synonymes")
        verbose_name_plural = _("groupes de synonymes")
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class Synonym(models.Model):
    """One term of a group: whoever searches for it finds the group's other terms too."""

    group = models.ForeignKey(
        SynonymGroup, models.CASCADE, verbose_name=_("groupe"), related_name="terms"
    )
    term = models.CharField(_("terme"), max_length=80)

    class Meta:
        verbose_name = _("synonyme")
        verbose_name_plural = _("synonymes")
        ordering = ["term", "pk"]
        constraints = [models.UniqueConstraint(fields=["group", "term"], name="synonym_term")]

    def __str__(self):
        return self.term


class SeededKey(models.Model):
    """A reference row that was loaded once: loading again leaves it to staff, who may since have
    renamed, merged or deleted it."""

    vocabulary = models.CharField(max_length=40)
    key = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("clé d’amorce")
        verbose_name_plural = _("clés d’amorce")
        ordering = ["vocabulary", "key", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["vocabulary", "key"], name="seededkey_vocabulary_key")
        ]

    def __str__(self):
        return f"{self.vocabulary} {self.key}"
