from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from directory import reports
from directory.admin.search import SearchAdmin, folded
from directory.models import ErrorReport, Suggestion
from directory.models.reports import Message

SENDER = ["sender_name", "sender_email"]
DECISION = ["state", "reason", "handled_by", "handled_at"]


class DecisionForm(forms.ModelForm):
    def clean(self):
        state, reason = self.cleaned_data.get("state"), self.cleaned_data.get("reason")
        if state == Message.State.REFUSED and not reason:
            raise ValidationError({"reason": _("Dites pourquoi ce message est refusé.")})
        if state == Message.State.NEW and reason:
            raise ValidationError(
                {"state": _("Un message qui a une suite est traité ou refusé. Choisissez lequel.")}
            )


class MessageAdmin(SearchAdmin):
    """A queue: what people wrote is read, never changed; what becomes of it is decided here."""

    form = DecisionForm
    actions = ["mark_handled"]
    date_hierarchy = "created_at"
    list_display_links = ["reference"]

    def get_readonly_fields(self, request, obj=None):
        return [name for name in self.fields if name not in {"state", "reason"}]

    def has_add_permission(self, request):
        return False

    def save_model(self, request, obj, form, change):
        if form.has_changed():
            reports.decide(messages=[obj], state=obj.state, by=request.user, reason=obj.reason)

    @admin.action(description=_("Marquer traité"), permissions=["change"])
    def mark_handled(self, request, queryset):
        state = Message.State.HANDLED
        number = reports.decide(
            messages=[*queryset.filter(state=Message.State.NEW)], state=state, by=request.user
        )
        self.message_user(
            request,
            ngettext("%(n)d message traité.", "%(n)d messages traités.", number) % {"n": number},
        )


@admin.register(Suggestion)
class SuggestionAdmin(MessageAdmin):
    list_display = ["reference", "name", "city", "state", "created_at", "handled_by"]
    list_filter = ["state", "created_at"]
    list_select_related = ["city", "handled_by"]
    search_fields = ["reference", *folded("name", "activity", "grounds", "city__name", *SENDER)]
    fields = [
        "reference",
        "created_at",
        "name",
        "city",
        "website",
        "phone",
        "activity",
        "grounds",
        *SENDER,
        *DECISION,
    ]


@admin.register(ErrorReport)
class ErrorReportAdmin(MessageAdmin):
    list_display = ["reference", "enterprise", "kind", "state", "created_at", "handled_by"]
    list_filter = ["state", "kind", "created_at"]
    list_select_related = ["enterprise", "handled_by"]
    search_fields = ["reference", *folded("enterprise__name", "message", *SENDER)]
    fields = ["reference", "created_at", "enterprise", "kind", "message", *SENDER, *DECISION]
