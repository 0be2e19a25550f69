"""Listings that may be the same enterprise, and those that were merged."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.fields import somebody


class DuplicatePair(models.Model):
    """Two listings that look the same, why, and what a person said of them: asked once."""

    class State(models.TextChoices):
        OPEN = "open", _("à examiner")
        DISTINCT = "distinct", _("deux entreprises")
        MERGED = "merged", _("fusionnées")

    first = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="+", verbose_name=_("première fiche")
    )
    second = models.ForeignKey(
        Enterprise, models.CASCADE, related_name="+", verbose_name=_("seconde fiche")
    )
    reasons = ArrayField(models.CharField(max_length=20), verbose_name=_("raisons"))
    found_at = models.DateTimeField(_("vues le"), default=timezone.now)
    state = models.CharField(_("état"), max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = somebody(_("décidé par"))
    decided_at = models.DateTimeField(_("décidé le"), null=True, blank=True)

    class Meta:
        verbose_name = _("doublon possible")
        verbose_name_plural = _("doublons possibles")
        ordering = ["-found_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicatepair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicatepair_order"),
            chosen("duplicatepair_state", ["open", "distinct", "merged"], "state"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | ~Q(state="open") & Q(decided_at__isnull=False),
                name="duplicatepair_decided",
            ),
        ]

    def __str__(self):
        return f"{self.first} / {self.second}"


class Merge(models.Model):
    """One listing merged into another: its address leads there for good, and what was moved or
    replaced is kept, so that it can be undone."""

    kept = models.ForeignKey(
        Enterprise, models.PROTECT, related_name="merges", verbose_name=_("fiche gardée")
    )
    gone = models.ForeignKey(
        Enterprise, models.PROTECT, related_name="merged_in", verbose_name=_("fiche fusionnée")
    )
    by = somebody(_("par"), blank=False)
    at = models.DateTimeField(_("le"), default=timezone.now)
    # What each side was, and which rows changed hands; emptied in time (merge_copies.py).
    before = models.JSONField(editable=False)
    undone_at = models.DateTimeField(_("défaite le"), null=True, blank=True)
    undone_by = somebody(_("défaite par"))

    class Meta:
        verbose_name = _("fusion")
        verbose_name_plural = _("fusions")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["gone"], condition=Q(undone_at=None), name="merge_gone_once"
            ),
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="merge_two"),
        ]

    def __str__(self):
        return f"{self.gone} → {self.kept}"
