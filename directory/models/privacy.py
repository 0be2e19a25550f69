"""What is kept about what people do: acts worth a trace, consents given, incidents."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models.fields import somebody

USER = settings.AUTH_USER_MODEL


class AuditEntry(models.Model):
    """An act: an export, a role given, a merge. People and things are named in words and numbers,
    without foreign keys, so that a trace outlives them and blocks no deletion. Only added to: the
    database refuses the rest."""

    at = models.DateTimeField(_("le"), default=timezone.now)
    act = models.CharField(_("acte"), max_length=60)
    by_id = models.BigIntegerField(null=True, blank=True)
    by_label = models.CharField(_("par"), max_length=254, blank=True)
    subject_kind = models.CharField(_("sorte"), max_length=60, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    subject_label = models.CharField(_("objet"), max_length=254, blank=True)
    detail = models.JSONField(_("détail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("trace")
        verbose_name_plural = _("traces")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="auditentry_subject"),
            models.Index(fields=["-at", "-id"], name="auditentry_at"),
        ]

    def __str__(self):
        return f"{self.act}, {self.subject_label}"


class Consent(models.Model):
    """What a person agreed to, or no longer does, and the version of the text they read."""

    user = models.ForeignKey(
        USER, models.CASCADE, related_name="consents", verbose_name=_("personne")
    )
    purpose = models.CharField(_("fin"), max_length=40)
    text_version = models.CharField(_("version du texte"), max_length=20)
    given = models.BooleanField(_("donné"))
    at = models.DateTimeField(_("le"), default=timezone.now)

    class Meta:
        verbose_name = _("consentement")
        verbose_name_plural = _("consentements")
        ordering = ["-at", "-pk"]


class Incident(models.Model):
    """A confidentiality incident: every one, even minor, is entered (P-39.1; the fields are those
    that the Commission d’accès à l’information lists for the register)."""

    information = models.TextField(_("renseignements visés"))
    circumstances = models.TextField(_("circonstances"))
    happened_from = models.DateField(_("survenu du"), null=True, blank=True)
    happened_to = models.DateField(_("survenu jusqu’au"), null=True, blank=True)
    known_on = models.DateField(_("connu le"))
    persons = models.PositiveIntegerField(_("nombre de personnes touchées"), null=True, blank=True)
    serious = models.BooleanField(_("risque de préjudice sérieux"), default=False)
    reasoning = models.TextField(_("pourquoi le risque est sérieux ou ne l’est pas"))
    commission_told_on = models.DateField(_("avis à la Commission le"), null=True, blank=True)
    persons_told_on = models.DateField(_("avis aux personnes le"), null=True, blank=True)
    measures = models.TextField(_("mesures prises"), blank=True)
    recorded_by = somebody(_("inscrit par"))
    recorded_at = models.DateTimeField(_("inscrit le"), auto_now_add=True)

    class Meta:
        verbose_name = _("incident de confidentialité")
        verbose_name_plural = _("registre des incidents de confidentialité")
        ordering = ["-known_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(happened_from=None)
                | Q(happened_to=None)
                | Q(happened_from__lte=models.F("happened_to")),
                name="incident_period",
                violation_error_message=_("La période finit après avoir commencé."),
            ),
        ]

    def __str__(self):
        return f"{self.known_on}"
