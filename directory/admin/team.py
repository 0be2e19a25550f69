"""Who tends each listing, who asks to and who is invited: looked at here, done in their pages. A
row changed by hand would skip what its function sees to: the last owner, the mails, the trace."""

from django.contrib import admin

from directory.admin.search import LookedAtAdmin, folded
from directory.models import Claim, Invitation, Representative


@admin.register(Representative)
class RepresentativeAdmin(LookedAtAdmin):
    list_display = ["user", "enterprise", "role", "since"]
    list_filter = ["role", "since"]
    list_select_related = ["user", "enterprise"]
    search_fields = folded("enterprise__name", "user__name", "user__email")
    fields = ["user", "enterprise", "role", "since", "added_by"]


@admin.register(Claim)
class ClaimAdmin(LookedAtAdmin):
    list_display = ["user", "enterprise", "state", "takeover", "created_at", "decided_by"]
    list_filter = ["state", "takeover", "created_at"]
    list_select_related = ["user", "enterprise", "decided_by"]
    search_fields = folded("enterprise__name", "user__name", "user__email")
    fields = [
        *["user", "enterprise", "state", "takeover", "function", "grounds", "phone", "sent_to"],
        *["created_at", "decided_by", "decided_at", "reason"],
    ]


@admin.register(Invitation)
class InvitationAdmin(LookedAtAdmin):
    list_display = ["email", "enterprise", "role", "created_at", "expires_at", "accepted_at"]
    list_filter = ["role", "created_at", "accepted_at", "withdrawn_at"]
    list_select_related = ["enterprise"]
    search_fields = folded("enterprise__name", "email")
    fields = [
        *["email", "enterprise", "role", "invited_by", "created_at", "expires_at"],
        *["accepted_at", "accepted_by", "withdrawn_at"],
    ]
