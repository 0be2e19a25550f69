"""Who speaks for an enterprise, and how one comes to: by a claim that proves itself or that staff
accept, or by an invitation."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.fields import somebody

USER = settings.AUTH_USER_MODEL


class Role(models.TextChoices):
    OWNER = "owner", _("responsable de la fiche")
    EDITOR = "editor", _("peut modifier la fiche")


class RepresentativeQuerySet(models.QuerySet):
    def active(self):
        """Whose account is open: the others can do nothing."""
        return self.filter(user__is_active=True)

    def answering(self):
        """Who answers for a listing: its owners whose account is open."""
        return self.active().filter(role=Role.OWNER)


class Representative(models.Model):
    """That a person may speak for an enterprise. An owner also invites and removes colleagues;
    whoever removes one keeps at least one owner (representatives.py)."""

    user = models.ForeignKey(
        USER, models.CASCADE, related_name="representations", verbose_name=_("personne")
    )
    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="representatives", verbose_name=_("entreprise")
    )
    role = models.CharField(_("rôle"), max_length=10, choices=Role.choices)
    since = models.DateTimeField(_("depuis"), auto_now_add=True)
    added_by = somebody(_("ajoutée par"))

    objects = RepresentativeQuerySet.as_manager()

    class Meta:
        verbose_name = _("représentant·e")
        verbose_name_plural = _("représentant·es")
        ordering = ["enterprise", "-role", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "enterprise"], name="representative_once"),
            chosen("representative_role", Role.values, "role"),
        ]

    def __str__(self):
        return f"{self.user}, {self.enterprise}"


class ClaimQuerySet(models.QuerySet):
    def open(self):
        """Neither decided nor withdrawn."""
        return self.filter(state__in=[Claim.State.CODE, Claim.State.WAITING])

    def waiting(self):
        """For an owner or for staff to decide."""
        return self.filter(state=Claim.State.WAITING)


class Claim(models.Model):
    """Somebody says that they speak for an enterprise: proven by a code sent to an address that is
    the enterprise's, else decided by staff."""

    class State(models.TextChoices):
        CODE = "code", _("code à saisir")
        WAITING = "waiting", _("à examiner")
        ACCEPTED = "accepted", _("acceptée")
        REFUSED = "refused", _("refusée")
        WITHDRAWN = "withdrawn", _("retirée")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="claims", verbose_name=_("entreprise")
    )
    user = models.ForeignKey(
        USER, models.CASCADE, related_name="claims", verbose_name=_("personne")
    )
    state = models.CharField(_("état"), max_length=10, choices=State.choices)
    takeover = models.BooleanField(
        _("remplace la personne responsable"),
        default=False,
        help_text=_("L’équipe rappelle le numéro de la fiche avant d’accepter."),
    )
    function = models.CharField(_("fonction"), max_length=120, blank=True)
    grounds = models.TextField(_("justification"), blank=True)
    phone = models.CharField(_("téléphone pour vous joindre"), max_length=40, blank=True)
    # Where the code went; the code itself is kept as a keyed hash only.
    sent_to = models.EmailField(_("code envoyé à"), blank=True)
    code_hash = models.CharField(max_length=64, blank=True, editable=False)
    code_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("reçue le"), auto_now_add=True)
    decided_by = somebody(_("décidée par"))
    decided_at = models.DateTimeField(_("décidée le"), null=True, blank=True)
    reason = models.TextField(_("motif"), blank=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("demande de rattachement")
        verbose_name_plural = _("demandes de rattachement")
        ordering = ["-created_at", "-pk"]
        constraints = [
            chosen("claim_state", ["code", "waiting", "accepted", "refused", "withdrawn"], "state"),
            models.UniqueConstraint(
                fields=["user", "enterprise"],
                condition=Q(state__in=["code", "waiting"]),
                name="claim_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["code", "waiting"], decided_at=None)
                | Q(state__in=["accepted", "withdrawn"], decided_at__isnull=False)
                | Q(state="refused", decided_at__isnull=False) & ~Q(reason=""),
                name="claim_decided",
                violation_error_message=_("Un refus dit quand et pourquoi."),
            ),
        ]

    def __str__(self):
        return f"{self.user}, {self.enterprise}"


class InvitationQuerySet(models.QuerySet):
    def open(self):
        """Neither accepted nor withdrawn; perhaps expired, and then to be sent again."""
        return self.filter(accepted_at=None, withdrawn_at=None)


class Invitation(models.Model):
    """A link, sent to one address, by which its reader becomes a representative. Single use; the
    link itself is kept as a hash only."""

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="invitations", verbose_name=_("entreprise")
    )
    email = models.EmailField(_("courriel"))
    role = models.CharField(_("rôle"), max_length=10, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = somebody(_("invitée par"))
    created_at = models.DateTimeField(_("envoyée le"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expire le"))
    accepted_at = models.DateTimeField(_("acceptée le"), null=True, blank=True)
    accepted_by = somebody(_("acceptée par"))
    withdrawn_at = models.DateTimeField(_("retirée le"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-pk"]
        constraints = [
            chosen("invitation_role", Role.values, "role"),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(withdrawn_at=None), name="invitation_one_end"
            ),
            models.UniqueConstraint(
                fields=["enterprise", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self):
        return f"{self.email}, {self.enterprise}"
