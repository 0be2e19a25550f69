from django.db import models
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise


class ProfileVisits(models.Model):
    """How often a profile was opened in one month; who opened it is not known."""

    enterprise = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="visits", verbose_name=_("entreprise")
    )
    month = models.DateField(_("mois"))  # its first day
    views = models.PositiveIntegerField(_("consultations"), default=0)

    class Meta:
        verbose_name = _("consultations d’une fiche")
        verbose_name_plural = _("consultations des fiches")
        ordering = ["-month", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "month"], name="profilevisits_once"),
            models.CheckConstraint(
                condition=models.Q(month__day=1), name="profilevisits_first_day"
            ),
        ]
