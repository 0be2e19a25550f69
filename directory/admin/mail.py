"""The outbox, for those who look after it: what waits, what left, what was given up or came back,
and what each kind of mail says."""

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from directory import mailings, outbox
from directory.admin.search import LookedAtAdmin, SearchAdmin, folded
from directory.models import Mail, Unsubscription


class StateFilter(admin.SimpleListFilter):
    title = _("état")
    parameter_name = "etat"

    KEPT = {
        "a-envoyer": {"sent_at": None, "gave_up_at": None},
        "partis": {"sent_at__isnull": False, "bounced_at": None},
        "abandonnes": {"gave_up_at__isnull": False},
        "revenus": {"bounced_at__isnull": False},
    }

    def lookups(self, request, model_admin):
        return [
            ("a-envoyer", _("à envoyer")),
            ("partis", _("partis")),
            ("abandonnes", _("abandonnés")),
            ("revenus", _("revenus")),
        ]

    def queryset(self, request, queryset):
        return queryset.filter(**self.KEPT.get(self.value(), {}))


class KindFilter(admin.SimpleListFilter):
    title = _("modèle")
    parameter_name = "modele"

    def lookups(self, request, model_admin):
        return [(kind, mailings.label(kind)) for kind in mailings.names()]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Mail)
class MailAdmin(LookedAtAdmin):
    change_list_template = "admin/directory/mail/change_list.html"
    list_display = ["subject", "recipient", "said_kind", "state", "created_at", "attempts"]
    list_filter = [StateFilter, KindFilter]
    search_fields = folded("recipient", "subject")
    actions = ["retry"]
    fields = [
        "recipient",
        "subject",
        "said_kind",
        "state",
        "service",
        "created_at",
        "not_before",
        "attempts",
        "last_error",
        "sent_at",
        "gave_up_at",
        "bounced_at",
        "read_text",
        "whole",
    ]
    readonly_fields = fields

    def get_queryset(self, request):
        # A list reads no text, nor does it count what each mail holds.
        return super().get_queryset(request).defer("text", "html")

    def has_retry_permission(self, request):
        return request.user.has_perm("directory.change_mail")

    def get_urls(self):
        name = "directory_mail_{}".format
        return [
            path("apercu/", self.view(self.previews), name=name("previews")),
            path("apercu/<slug:kind>/", self.view(self.preview), name=name("preview")),
            path("apercu/<slug:kind>.eml", self.view(self.preview_file), name=name("sample")),
            path("<int:pk>.eml", self.view(self.file), name=name("file")),
            *super().get_urls(),
        ]

    def view(self, shown):
        """For those who may look at the outbox."""

        def checked(request, *args, **kwargs):
            if not self.has_view_permission(request):
                raise PermissionDenied
            return shown(request, *args, **kwargs)

        return self.admin_site.admin_view(checked)

    # --- One mail

    @admin.display(description=_("modèle"), ordering="kind")
    def said_kind(self, mail):
        return mailings.label(mail.kind)

    @admin.display(description=_("état"))
    def state(self, mail):
        if mail.bounced_at:
            return _("revenu")
        if mail.gave_up_at:
            return _("abandonné")
        if mail.sent_at:
            return _("parti")
        return _("à réessayer") if mail.attempts else _("à envoyer")

    @admin.display(description=_("texte"))
    def read_text(self, mail):
        if mail.secret:
            return _("Ce message contient un code ou un lien personnel\xa0: il ne se lit pas ici.")
        return format_html('<pre class="mail-text">{}</pre>', mail.text)

    @admin.display(description=_("mise en forme"))
    def whole(self, mail):
        if mail.secret or not mail.text:
            return "–"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:directory_mail_file", args=[mail.pk]),
            _("Ouvrir dans votre messagerie (.eml)"),
        )

    def file(self, request, pk):
        mail = get_object_or_404(Mail.objects.filter(secret=False).exclude(text=""), pk=pk)
        return as_file(mail, f"courriel-{pk}.eml")

    # --- Each kind

    def previews(self, request):
        context = self.admin_site.each_context(request) | {
            "title": _("Textes des courriels"),
            "opts": self.opts,
            "kinds": [
                {"name": kind, "label": mailings.label(kind), "subject": subject(kind)}
                for kind in mailings.names()
            ],
        }
        return render(request, "admin/directory/mail/previews.html", context)

    def preview(self, request, kind):
        context = self.admin_site.each_context(request) | {
            "title": mailings.label(kind),
            "opts": self.opts,
            "kind": kind,
            "written": example(kind),
        }
        return render(request, "admin/directory/mail/preview.html", context)

    def preview_file(self, request, kind):
        written = example(kind)
        mail = Mail(
            recipient=settings.POLE_EMAIL,
            message_id="<exemple@repertoire.example>",
            subject=written.subject,
            text=written.text,
            html=written.html,
        )
        return as_file(mail, f"{kind}.eml")

    @admin.action(description=_("Réessayer"), permissions=["retry"])
    def retry(self, request, queryset):
        number = outbox.retry(queryset)
        self.message_user(
            request,
            ngettext("%(n)d courriel repart.", "%(n)d courriels repartent.", number)
            % {"n": number},
        )


def subject(kind):
    return mailings.preview(kind).subject if kind in mailings.KINDS else ""


def example(kind):
    if kind not in mailings.KINDS or kind not in mailings.names():
        raise Http404
    return mailings.preview(kind)


def as_file(mail, name):
    """The mail as it leaves, for a program that reads mail to show: a page of the site could not,
    as its policy lets nothing style itself."""
    response = HttpResponse(outbox.message(mail).message().as_bytes(), "message/rfc822")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@admin.register(Unsubscription)
class UnsubscriptionAdmin(SearchAdmin):
    """Taken off the list, a person is written to again: only when they ask."""

    list_display = ["email", "kind", "at"]
    list_filter = ["kind"]
    search_fields = folded("email")
    fields = ["email", "kind", "at"]
    readonly_fields = ["at"]

    def has_change_permission(self, request, obj=None):
        return False
