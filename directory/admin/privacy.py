"""Traces of acts, which nobody changes, and the register of incidents that the law asks for.

The register is for superusers, and for whoever is given `change_incident` (the person who answers
for personal information). What it holds is not erased before five years.
"""

from django.contrib import admin
from django.utils import timezone

from directory.admin.search import LookedAtAdmin, SearchAdmin, folded
from directory.models import AuditEntry, Incident
from directory.retention import INCIDENTS


@admin.register(AuditEntry)
class AuditEntryAdmin(LookedAtAdmin):
    list_display = ["at", "act", "by_label", "subject_label"]
    list_filter = ["act"]
    search_fields = [*folded("by_label", "subject_label")]
    date_hierarchy = "at"
    fields = ["at", "act", "by_label", "subject_kind", "subject_id", "subject_label", "detail"]


@admin.register(Incident)
class IncidentAdmin(SearchAdmin):
    list_display = ["known_on", "information", "persons", "serious", "commission_told_on",
                    "persons_told_on"]  # fmt: skip
    list_filter = ["serious"]
    search_fields = [*folded("information", "circumstances", "measures")]
    readonly_fields = ["recorded_by", "recorded_at"]

    def save_model(self, request, obj, form, change):
        if not change:
            obj.recorded_by = request.user
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request, obj=None):
        if obj is None or obj.known_on > timezone.localdate() - INCIDENTS:
            return False
        return super().has_delete_permission(request, obj)
