"""Mail to send, sent or given up: see outbox.py, which alone writes here."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class MailQuerySet(models.QuerySet):
    def due(self):
        return self.filter(sent_at=None, gave_up_at=None, not_before__lte=timezone.now())


class Mail(models.Model):
    """One mail to one address, written in the transaction that causes it. What it speaks of is
    named in words: no foreign key, so that nothing keeps it from being purged."""

    # What this mail is the only one of: « invitation:123 », « reminder:45:2026-11-01:2 ».
    dedupe_key = models.CharField(max_length=200, unique=True, editable=False)
    kind = models.CharField(_("modèle"), max_length=40)  # a name in templates/emails/
    recipient = models.EmailField(_("à"))
    subject = models.CharField(_("objet"), max_length=200)
    text = models.TextField(_("texte"))
    html = models.TextField(_("texte mis en forme"))
    # A service message answers what its reader did; the others carry a way to stop them.
    service = models.BooleanField(_("message de service"), default=True)
    # Holds a code or a link that signs in: erased from here once sent.
    secret = models.BooleanField(_("contient un secret"), default=False)
    message_id = models.CharField(max_length=120, unique=True, editable=False)
    created_at = models.DateTimeField(_("écrit le"), default=timezone.now)
    not_before = models.DateTimeField(_("pas avant"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("essais"), default=0)
    last_error = models.CharField(_("dernière erreur"), max_length=300, blank=True)
    sent_at = models.DateTimeField(_("parti le"), null=True, blank=True)
    gave_up_at = models.DateTimeField(_("abandonné le"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("revenu le"), null=True, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("courriel")
        verbose_name_plural = _("courriels")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                condition=Q(sent_at=None, gave_up_at=None),
                name="mail_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(gave_up_at=None), name="mail_one_end"
            ),
        ]

    def __str__(self):
        return f"{self.subject} ({self.recipient})"


class Unsubscription(models.Model):
    """An address that wants no more of one kind of mail; a service message still reaches it."""

    email = models.EmailField(_("courriel"))
    kind = models.CharField(_("modèle"), max_length=40)
    at = models.DateTimeField(_("depuis"), auto_now_add=True)

    class Meta:
        verbose_name = _("désabonnement")
        verbose_name_plural = _("désabonnements")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["email", "kind"], name="unsubscription_once")
        ]

    def __str__(self):
        return f"{self.email}, {self.kind}"
