"""Québec's territory: regions, MRCs, municipalities, boroughs, postal areas.

Codes are those of the Code géographique du Québec (ISQ) and of the MRNF's divisions.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Region(models.Model):
    code = models.CharField(_("code"), max_length=2, unique=True)
    name = models.CharField(_("nom"), max_length=60)
    slug = models.SlugField(_("adresse"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("région")
        verbose_name_plural = _("régions")
        ordering = ["code", "pk"]

    def __str__(self):
        return self.name


class RegionalCounty(models.Model):
    """A municipalité régionale de comté, or the equivalent territory that stands for one."""

    code = models.CharField(_("code"), max_length=3, unique=True)
    name = models.CharField(_("nom"), max_length=80)
    # What tells it from a city of the same name: « Agglomération de Longueuil ».
    title = models.CharField(_("dénomination"), max_length=100)
    slug = models.SlugField(_("adresse"), max_length=80, unique=True)
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("région"))

    class Meta:
        verbose_name = _("MRC ou territoire équivalent")
        verbose_name_plural = _("MRC et territoires équivalents")
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class City(models.Model):
    """A local municipality; its name may be that of another, its slug and code never are."""

    code = models.CharField(_("code géographique"), max_length=5, unique=True)
    name = models.CharField(_("nom"), max_length=80)
    slug = models.SlugField(_("adresse"), max_length=120, unique=True)
    designation = models.CharField(_("désignation"), max_length=30)
    population = models.PositiveIntegerField(_("population"), default=0)
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    website = models.URLField(_("site web"), blank=True)
    county = models.ForeignKey(RegionalCounty, models.PROTECT, verbose_name=_("MRC"))

    class Meta:
        verbose_name = _("municipalité")
        verbose_name_plural = _("municipalités")
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class Borough(models.Model):
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("municipalité"))
    name = models.CharField(_("nom"), max_length=80)
    slug = models.SlugField(_("adresse"), max_length=80)

    class Meta:
        verbose_name = _("arrondissement")
        verbose_name_plural = _("arrondissements")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["city", "slug"], name="borough_slug")]

    def __str__(self):
        return self.name


class PostalArea(models.Model):
    """A forward sortation area (first three characters of a postal code) and its centroid."""

    code = models.CharField(_("code"), max_length=3, unique=True)
    name = models.CharField(_("nom"), max_length=120)
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))

    class Meta:
        verbose_name = _("secteur postal")
        verbose_name_plural = _("secteurs postaux")
        ordering = ["code", "pk"]

    def __str__(self):
        return self.code
