"""What anyone told the Pôle: looked at here, decided at the desk, where the first who does
prevails."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.admin.search import LookedAtAdmin, folded
from directory.models import ErrorReport, Suggestion

SENDER = ["sender_name", "sender_email"]
DECISION = ["state", "reason", "handled_by", "handled_at", "decided_at_the_desk"]


class MessageAdmin(LookedAtAdmin):
    date_hierarchy = "created_at"
    list_display_links = ["reference"]
    #: The page of the desk.
    desk = ""

    @admin.display(description=_("suite à donner"))
    def decided_at_the_desk(self, message):
        at = reverse(self.desk, args=[message.pk])
        return format_html('<a href="{}">{}</a>', at, gettext("Ouvrir dans «\xa0À décider\xa0»"))


@admin.register(Suggestion)
class SuggestionAdmin(MessageAdmin):
    desk = "directory:desk_suggestion"
    list_display = ["reference", "name", "city", "state", "created_at", "handled_by"]
    list_filter = ["state", "created_at"]
    list_select_related = ["city", "handled_by"]
    search_fields = ["reference", *folded("name", "activity", "grounds", "city__name", *SENDER)]
    fields = [
        *["reference", "created_at", "name", "city", "website", "phone", "activity", "grounds"],
        *SENDER,
        *DECISION,
    ]


@admin.register(ErrorReport)
class ErrorReportAdmin(MessageAdmin):
    desk = "directory:desk_report"
    list_display = ["reference", "enterprise", "kind", "state", "created_at", "handled_by"]
    list_filter = ["state", "kind", "created_at"]
    list_select_related = ["enterprise", "handled_by"]
    search_fields = ["reference", *folded("enterprise__name", "message", *SENDER)]
    fields = ["reference", "created_at", "enterprise", "kind", "message", *SENDER, *DECISION]
