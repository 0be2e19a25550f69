"""What anyone tells the Pôle without an account: an enterprise to list, an error to correct.

Each row is a message in a queue, never a part of a listing. Who wrote it is known only if they said
so, to be thanked or asked; retention.py erases that in time.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.places import City


class Message(models.Model):
    class State(models.TextChoices):
        NEW = "new", _("à traiter")
        HANDLED = "handled", _("traité")
        REFUSED = "refused", _("refusé")

    # What the person is given, to speak of it again; drawn at random, so that no other is guessed.
    reference = models.CharField(_("numéro"), max_length=12, unique=True, editable=False)
    # One for a form and what it says: sent twice, it is kept once.
    key = models.CharField(max_length=64, unique=True, editable=False)
    sender_name = models.CharField(_("nom de la personne"), max_length=120, blank=True)
    sender_email = models.EmailField(_("courriel de la personne"), blank=True)
    created_at = models.DateTimeField(_("reçu le"), auto_now_add=True)

    state = models.CharField(_("état"), max_length=10, choices=State.choices, default=State.NEW)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("traité par"),
        related_name="+",
    )
    handled_at = models.DateTimeField(_("traité le"), null=True, blank=True)
    reason = models.TextField(
        _("suite donnée"), blank=True, help_text=_("Pour l’équipe seulement ; exigée d’un refus.")
    )

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]
        constraints = [
            chosen("%(class)s_state", ["new", "handled", "refused"], "state"),
            models.CheckConstraint(
                condition=Q(state="new", handled_by=None, handled_at=None, reason="")
                | Q(state="handled", handled_by__isnull=False, handled_at__isnull=False)
                | Q(state="refused", handled_by__isnull=False, handled_at__isnull=False)
                & ~Q(reason=""),
                name="%(class)s_decided",
                violation_error_message=_(
                    "Un message traité dit par qui et quand ; un refus dit aussi pourquoi."
                ),
            ),
        ]

    def __str__(self):
        return self.reference


class Suggestion(Message):
    """An enterprise that the directory does not have, in somebody's words."""

    name = models.CharField(_("nom de l’entreprise"), max_length=200)
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("municipalité"))
    website = models.CharField(_("site web"), max_length=200, blank=True)
    phone = models.CharField(_("téléphone"), max_length=40, blank=True)
    activity = models.TextField(_("ce qu’elle fait"))
    grounds = models.TextField(_("pourquoi ce serait de l’économie sociale"))

    class Meta(Message.Meta):
        verbose_name = _("suggestion d’entreprise")
        verbose_name_plural = _("suggestions d’entreprises")


class ErrorReport(Message):
    """What is wrong in a listing, in somebody's words."""

    class Kind(models.TextChoices):
        CLOSED = "closed", _("Elle est fermée ou a changé de nom")
        CONTACT = "contact", _("Le téléphone, le courriel ou le site web")
        ADDRESS = "address", _("L’adresse ou le territoire desservi")
        OFFERING = "offering", _("Les produits ou les services")
        OTHER = "other", _("Autre chose")

    enterprise = models.ForeignKey(
        # Without the listing, nothing is left to correct.
        Enterprise,
        models.CASCADE,
        verbose_name=_("entreprise"),
        related_name="error_reports",
    )
    kind = models.CharField(_("ce qui est inexact"), max_length=10, choices=Kind.choices)
    message = models.TextField(_("message"))

    class Meta(Message.Meta):
        verbose_name = _("erreur signalée")
        verbose_name_plural = _("erreurs signalées")
        constraints = [
            *Message.Meta.constraints,
            chosen(
                "errorreport_kind", ["closed", "contact", "address", "offering", "other"], "kind"
            ),
        ]
