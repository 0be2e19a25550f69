"""What staff do to many listings at once, kept so that it can be taken back."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models.enterprises import Enterprise, chosen
from directory.models.fields import somebody


class SavedMapping(models.Model):
    """Which column of a file is which of ours, kept under a name for the next file like it."""

    name = models.CharField(_("nom"), max_length=80, unique=True)
    columns = models.JSONField(_("colonnes"))  # heading as in the file → our column, or null
    defaults = models.JSONField(_("valeurs par défaut"), default=dict, blank=True)
    # Our column → what a file writes → what it is: what was answered once, for the next file too.
    answers = models.JSONField(_("réponses"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("modifiée le"), auto_now=True)

    class Meta:
        verbose_name = _("correspondance de colonnes")
        verbose_name_plural = _("correspondances de colonnes")
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class ImportBatch(models.Model):
    """A file given to the admin: read, then applied, then perhaps undone."""

    class State(models.TextChoices):
        READ = "read", _("lu, rien d’enregistré")
        APPLIED = "applied", _("importé")
        FAILED = "failed", _("interrompu, rien d’enregistré")
        UNDONE = "undone", _("annulé")

    file_name = models.CharField(_("fichier"), max_length=200)
    digest = models.CharField(max_length=64, editable=False)
    # What was read of it: « texte UTF-8… », the headings in their order, and their row.
    form = models.CharField(_("format"), max_length=200, default="", blank=True)
    header = models.JSONField(_("en-têtes"), default=list)
    header_row = models.PositiveIntegerField(default=1)
    by = somebody(_("responsable"), blank=False)
    created_at = models.DateTimeField(_("date de réception"), auto_now_add=True)
    state = models.CharField(_("état"), max_length=10, choices=State.choices, default=State.READ)
    # Heading → our column, or null; nothing is planned while a person has not looked at them.
    columns = models.JSONField(_("colonnes"), default=dict)
    defaults = models.JSONField(_("valeurs par défaut"), default=dict)
    # Municipality as the file writes it → its name or its code.
    places = models.JSONField(_("municipalités précisées"), default=dict)
    # The same of the other columns: our column → what the file writes → what it is.
    answers = models.JSONField(_("réponses"), default=dict, blank=True)
    # The mapping that keeps these answers for the next file.
    mapping = models.ForeignKey(
        SavedMapping,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("correspondance de colonnes"),
    )
    # What allows writing to the addresses of the file, asked once (ConsentBasis.Basis), and whence.
    basis = models.CharField(_("consentement aux courriels"), max_length=12, blank=True)
    basis_source = models.CharField(_("d’où on le sait"), max_length=240, blank=True)
    counts = models.JSONField(_("résultat"), default=dict)
    # When writing began: with the batch still unwritten and nobody writing, it was cut short.
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    applied_at = models.DateTimeField(_("date d’import"), null=True, blank=True)
    undone_at = models.DateTimeField(_("annulé le"), null=True, blank=True)
    undone_by = somebody(_("annulé par"))

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-pk"]
        constraints = [
            chosen("importbatch_state", ["read", "applied", "failed", "undone"], "state"),
        ]

    def __str__(self):
        return self.file_name


class ImportRow(models.Model):
    """One row of a file: what it says, what becomes of it. Those refused stay, to be corrected."""

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(_("ligne"))
    values = models.JSONField(_("valeurs"))  # the cells as the file has them, by place
    corrections = models.JSONField(_("corrections"), default=dict)  # our column → text
    outcome = models.CharField(_("sort"), max_length=12, blank=True)
    messages = models.JSONField(_("messages"), default=list)
    # The listings that it may speak of, where a person is to say which.
    candidates = models.JSONField(_("doublons possibles"), default=list)
    enterprise = models.ForeignKey(
        Enterprise, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # What it changes, and what was there before, to put it back; null where the row made it.
    before = models.JSONField(null=True, blank=True)
    version_after = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("ligne d’un import")
        verbose_name_plural = _("lignes d’un import")
        ordering = ["number", "pk"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="importrow_once")]


class BulkAct(models.Model):
    """An action on several listings, with what each was before."""

    act = models.CharField(_("action"), max_length=40)
    label = models.CharField(_("ce qui a été fait"), max_length=200)
    by = somebody(_("par"), blank=False)
    at = models.DateTimeField(_("le"), default=timezone.now)
    # Enterprise → {"before": {field: value}, "version": version after the act}; of one that was
    # asked to confirm, {"mails": their keys, "reminder": its key or nothing}.
    rows = models.JSONField(editable=False)
    undone_at = models.DateTimeField(_("annulée le"), null=True, blank=True)
    undone_by = somebody(_("annulée par"))

    class Meta:
        verbose_name = _("action groupée")
        verbose_name_plural = _("actions groupées")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(undone_at__gte=models.F("at")),
                name="bulkact_undone_after",
            ),
        ]

    def __str__(self):
        return self.label
