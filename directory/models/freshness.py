"""How a listing is kept current: the right to write to an enterprise, reminders, calls."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.fields import somebody

USER = settings.AUTH_USER_MODEL


class ConsentBasis(models.Model):
    """What allows a mail that is not a service message to an address of an enterprise; without
    one, the enterprise is called instead."""

    class Basis(models.TextChoices):
        EXPRESS = "express", _("consentement exprès")
        PUBLISHED = "published", _("adresse publiée par l’entreprise")
        RELATIONSHIP = "relationship", _("relation d’affaires en cours")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="consent_bases", verbose_name=_("entreprise")
    )
    email = models.EmailField(_("courriel"))
    basis = models.CharField(_("fondement"), max_length=12, choices=Basis.choices)
    source = models.CharField(_("d’où on le sait"), max_length=240)
    given_on = models.DateField(_("depuis le"))
    recorded_by = somebody(_("noté par"))
    withdrawn_on = models.DateField(_("retiré le"), null=True, blank=True)

    class Meta:
        verbose_name = _("consentement aux courriels")
        verbose_name_plural = _("consentements aux courriels")
        ordering = ["enterprise", "-given_on", "pk"]
        constraints = [
            chosen("consentbasis_basis", ["express", "published", "relationship"], "basis"),
            models.CheckConstraint(condition=~Q(source=""), name="consentbasis_source"),
            models.UniqueConstraint(
                fields=["enterprise", "email", "basis"],
                condition=Q(withdrawn_on=None),
                name="consentbasis_once",
            ),
        ]

    def __str__(self):
        return f"{self.email}, {self.get_basis_display()}"


class Reminder(models.Model):
    """One step of asking an enterprise to confirm its listing, for one due date."""

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="reminders", verbose_name=_("entreprise")
    )
    due_on = models.DateField(_("à confirmer le"))
    step = models.PositiveSmallIntegerField(_("rappel"))
    at = models.DateTimeField(_("le"), default=timezone.now)

    class Meta:
        verbose_name = _("rappel")
        verbose_name_plural = _("rappels")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "due_on", "step"], name="reminder_once")
        ]


class PhoneCall(models.Model):
    """A call made by staff to confirm a listing, and what came of it."""

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", _("tout est exact")
        CHANGED = "changed", _("des changements à faire")
        NO_ANSWER = "no_answer", _("pas de réponse")
        CALL_BACK = "call_back", _("à rappeler")
        CLOSED = "closed", _("fermée")
        WRONG_NUMBER = "wrong_number", _("mauvais numéro")

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="phone_calls", verbose_name=_("entreprise")
    )
    by = somebody(_("par"), blank=False)
    at = models.DateTimeField(_("le"), default=timezone.now)
    outcome = models.CharField(_("résultat"), max_length=12, choices=Outcome.choices)
    call_back_on = models.DateField(_("rappeler le"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    # One for a form shown: sent twice, it is kept once.
    key = models.CharField(max_length=64, unique=True, editable=False)
    # What the listing was where the call changed it, and its version after, to take it back.
    before = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("appel")
        verbose_name_plural = _("appels")
        ordering = ["-at", "-pk"]
        constraints = [
            chosen(
                "phonecall_outcome",
                ["confirmed", "changed", "no_answer", "call_back", "closed", "wrong_number"],
                "outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="call_back") | Q(call_back_on__isnull=False),
                name="phonecall_call_back",
                violation_error_message=_("Dites quel jour rappeler."),
            ),
        ]


class CallUnderWay(models.Model):
    """Who has a listing's telephone number before them, so that two people do not call at once."""

    enterprise = models.OneToOneField(
        Enterprise,
        models.CASCADE,
        primary_key=True,
        related_name="call_under_way",
        verbose_name=_("entreprise"),
    )
    by = models.ForeignKey(USER, models.CASCADE, related_name="+", verbose_name=_("par"))
    since = models.DateTimeField(_("depuis"), default=timezone.now)

    class Meta:
        verbose_name = _("appel en cours")
        verbose_name_plural = _("appels en cours")
