"""Changes that an enterprise, or a file, proposes to a listing."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.fields import somebody

USER = settings.AUTH_USER_MODEL


class Section(models.TextChoices):
    """The parts in which a listing is edited."""

    IDENTITY = "identity", _("Identité")
    OFFERINGS = "offerings", _("Ce que nous offrons")
    PLACES = "places", _("Où nous sommes, où nous allons")
    CAPACITY = "capacity", _("Capacité")
    CONTACTS = "contacts", _("Coordonnées et personnes")
    LOGO = "logo", _("Logo")


class Revision(models.Model):
    """Changed fields only, as the section's form validated them, and the version they started
    from. Safe ones are applied at once and looked at afterwards; the others wait for staff, who
    decide field by field. Never an overwrite of what changed meanwhile."""

    class State(models.TextChoices):
        APPLIED = "applied", _("appliquée, à relire")
        WAITING = "waiting", _("à décider")
        DECIDED = "decided", _("décidée")
        WITHDRAWN = "withdrawn", _("retirée")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="revisions", verbose_name=_("entreprise")
    )
    section = models.CharField(_("partie"), max_length=10, choices=Section.choices)
    base_version = models.PositiveIntegerField(_("version de départ"))
    # Field → {"before": …, "proposed": …}, in the form's own spelling.
    changes = models.JSONField(_("changements"))
    source = models.CharField(_("vient de"), max_length=10, choices=Enterprise.Source.choices)
    submitted_by = somebody(_("proposée par"))
    submitted_at = models.DateTimeField(_("proposée le"), auto_now_add=True)
    # One for a form shown and what it says: sent twice, it is kept once.
    key = models.CharField(max_length=64, unique=True, editable=False)
    state = models.CharField(_("état"), max_length=10, choices=State.choices)
    # Field → "accepted" or "refused".
    decisions = models.JSONField(_("décisions"), default=dict, blank=True)
    decided_by = somebody(_("décidée par"))
    decided_at = models.DateTimeField(_("décidée le"), null=True, blank=True)
    reason = models.TextField(_("motif"), blank=True)

    class Meta:
        verbose_name = _("modification proposée")
        verbose_name_plural = _("modifications proposées")
        ordering = ["-submitted_at", "-pk"]
        permissions = [("moderate_revision", _("Décider des modifications proposées"))]
        indexes = [
            models.Index(
                fields=["submitted_at", "id"],
                condition=Q(state__in=["applied", "waiting"]),
                name="revision_queue",
            ),
        ]
        constraints = [
            chosen("revision_state", ["applied", "waiting", "decided", "withdrawn"], "state"),
            chosen("revision_section", Section.values, "section"),
            models.CheckConstraint(
                condition=Q(state__in=["applied", "waiting"], decided_at=None, decisions={})
                | Q(state__in=["decided", "withdrawn"], decided_at__isnull=False),
                name="revision_decided",
            ),
        ]

    def __str__(self):
        return f"{self.enterprise}, {self.get_section_display()}"


class Draft(models.Model):
    """What a person has typed in a section and not sent yet."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="drafts")
    user = models.ForeignKey(USER, models.CASCADE, related_name="+")
    section = models.CharField(max_length=10, choices=Section.choices)
    data = models.JSONField()  # field → the values that its form would send
    base_version = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("brouillon")
        verbose_name_plural = _("brouillons")
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "user", "section"], name="draft_once")
        ]
