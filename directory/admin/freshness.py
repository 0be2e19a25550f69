"""What keeps listings current: whom one may write to, reminders sent, calls made."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from directory.admin.search import LookedAtAdmin, SearchAdmin, folded
from directory.models import ConsentBasis, PhoneCall, Reminder


@admin.register(ConsentBasis)
class ConsentBasisAdmin(SearchAdmin):
    list_display = ["email", "enterprise", "basis", "source", "given_on", "withdrawn_on"]
    list_filter = ["basis", ("withdrawn_on", admin.EmptyFieldListFilter)]
    list_select_related = ["enterprise"]
    search_fields = folded("email", "enterprise__name", "source")
    autocomplete_fields = ["enterprise"]
    fields = [
        "enterprise",
        "email",
        "basis",
        "source",
        "given_on",
        "withdrawn_on",
        "recorded_by",
    ]
    readonly_fields = ["recorded_by"]

    def has_delete_permission(self, request, obj=None):
        return False  # withdrawn, it still says why one wrote

    def save_model(self, request, obj, form, change):
        if not change:
            obj.recorded_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(PhoneCall)
class PhoneCallAdmin(LookedAtAdmin):
    list_display = ["enterprise", "at", "outcome", "call_back_on", "by"]
    list_filter = ["outcome", "at"]
    list_select_related = ["enterprise", "by"]
    search_fields = folded("enterprise__name", "note")
    fields = ["enterprise", "at", "outcome", "call_back_on", "note", "by"]


@admin.register(Reminder)
class ReminderAdmin(LookedAtAdmin):
    list_display = ["enterprise", "due_on", "said_step", "at"]
    list_filter = ["step", "at"]
    list_select_related = ["enterprise"]
    search_fields = folded("enterprise__name")
    fields = ["enterprise", "due_on", "said_step", "at"]

    @admin.display(description=_("étape"), ordering="step")
    def said_step(self, reminder):
        return {1: _("premier courriel"), 2: _("second courriel"), 3: _("à appeler")}.get(
            reminder.step, reminder.step
        )
