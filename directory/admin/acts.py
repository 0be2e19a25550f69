"""Acts on the listings ticked in their list, and the list of those acts, from which each is taken
back. What they do is in directory/acts.py."""

import tempfile

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.http import FileResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from directory import acts, audit, exports, state
from directory.admin.search import SearchAdmin, folded
from directory.models import BulkAct, Enterprise, Sector
from directory.profile import audiences
from directory.resources import StaffResource

#: Listings left alone that a message names; of the others it says how many.
NAMED = 5
#: Listings that the page of an action names.
LISTED = 20


class ArchiveForm(forms.Form):
    closing = forms.ChoiceField(
        label=_("Ce que le public lit"),
        choices=[
            (value, label)
            for value, label in Enterprise.Closing.choices
            if value != Enterprise.Closing.REPLACED
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez ce que le public lira.")},
    )
    reason = forms.CharField(
        label=_("Raison"),
        help_text=_("Pour l’équipe seulement."),
        max_length=500,
        widget=forms.Textarea({"rows": 3, "cols": 60}),
        error_messages={"required": _("Dites pourquoi ces fiches sont archivées.")},
    )


class SectorForm(forms.Form):
    sector = forms.ModelChoiceField(
        Sector.objects.filter(retired=False),
        label=_("Secteur"),
        help_text=_("Il s’ajoute à ceux que les fiches ont déjà."),
        error_messages={"required": _("Choisissez un secteur.")},
    )


def tell(request, done):
    """What an act did and where to take it back, then what it left alone."""
    if done.act:
        address = reverse("admin:directory_bulkact_undo", args=[done.act.pk])
        link = format_html('<a href="{}">{}</a>', address, gettext("Annuler cette action"))
        messages.success(request, format_html("{}. {}", done.act.label, link))
    else:
        messages.warning(request, gettext("Rien n’a été changé."))
    tell_left(request, done)


def tell_left(request, done):
    for enterprise, why in done.left[:NAMED]:
        messages.warning(request, f"{enterprise}\xa0: {why}.")
    if (others := len(done.left) - NAMED) > 0:
        text = ngettext(
            "%(n)d autre fiche a été laissée telle quelle.",
            "%(n)d autres fiches ont été laissées telles quelles.",
            others,
        )
        messages.warning(request, text % {"n": others})


def asked_first(model_admin, request, queryset, form_class, title, button, perform):
    """What an action asks, on a page of its own, before it is done."""
    ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: acts.MOST + 1])
    if too_many(request, ids):
        return None
    form = form_class(request.POST if "apply" in request.POST else None)
    if form.is_bound and form.is_valid():
        tell(request, perform(ids=ids, by=request.user, **form.cleaned_data))
        return None
    number = len(ids)
    chosen = ngettext("%(n)d fiche choisie", "%(n)d fiches choisies", number) % {"n": number}
    rows = queryset.order_by("name", "pk")
    return question(model_admin, request, rows, form, ids=ids, title=title, button=button,
                    chosen=chosen)  # fmt: skip


def question(model_admin, request, rows, form, template="admin/act.html", **said):
    """The page on which an action asks what it needs; `rows` are those it will touch."""
    context = {
        **admin.site.each_context(request),
        "form": form,
        "action": request.POST["action"],
        "select": helpers.ACTION_CHECKBOX_NAME,
        "rows": rows[:LISTED],
        "others": max(len(said["ids"]) - LISTED, 0),
        "opts": model_admin.opts,
        "back": reverse(f"admin:directory_{model_admin.opts.model_name}_changelist"),
        **said,
    }
    return TemplateResponse(request, template, context)


def too_many(request, ids, most=acts.MOST):
    if len(ids) > most:
        text = gettext("Une action porte sur %(n)d fiches au plus. Resserrez les filtres.")
        messages.error(request, text % {"n": most})
    return len(ids) > most


@admin.action(description=_("Publier"), permissions=["change"])
def publish(model_admin, request, queryset):
    ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: acts.MOST + 1])
    if not too_many(request, ids):
        tell(request, acts.publish(ids=ids, by=request.user))


@admin.action(description=_("Archiver…"), permissions=["change"])
def archive(model_admin, request, queryset):
    title, button = gettext("Archiver des fiches"), gettext("Archiver")
    return asked_first(model_admin, request, queryset, ArchiveForm, title, button, acts.archive)


@admin.action(description=_("Donner un secteur…"), permissions=["change"])
def give_sector(model_admin, request, queryset):
    title, button = gettext("Donner un secteur"), gettext("Donner ce secteur")
    return asked_first(model_admin, request, queryset, SectorForm, title, button, acts.give_sector)


@admin.action(description=_("Demander de confirmer…"), permissions=["change"])
def ask_to_confirm(model_admin, request, queryset):
    ids = list(queryset.order_by("pk").values_list("pk", flat=True)[: acts.MOST_ASKED + 1])
    if too_many(request, ids, acts.MOST_ASKED):
        return None
    if "apply" in request.POST:
        tell(request, acts.ask_to_confirm(ids=ids, by=request.user))
        return None
    found = acts.asked(ids)
    number = len(found.reached)
    writing = ngettext(
        "Un courriel partira pour %(n)d entreprise",
        "Un courriel partira pour %(n)d entreprises",
        number,
    )
    chosen = writing % {"n": number} if number else gettext("Aucun courriel ne partira")
    return question(model_admin, request, [], forms.Form(), "admin/ask.html", ids=ids, found=found,
                    title=gettext("Demander de confirmer"), button=gettext("Demander de confirmer"),
                    minutes=acts.BEFORE_MAILS_LEAVE.seconds // 60, chosen=chosen)  # fmt: skip


@admin.action(description=_("Exporter (Excel)"), permissions=["view"])
def export(model_admin, request, queryset):
    """Every column of the listings ticked, drafts and archives too, as staff see them."""
    ids = list(queryset.order_by("name", "pk").values_list("pk", flat=True)[: acts.MOST + 1])
    if too_many(request, ids):
        return None
    now = state.current()
    names = tuple(StaffResource.fields)
    about = [(gettext("Source"), settings.SITE_NAME), (gettext("Date"), now.today)]
    file = tempfile.TemporaryFile()  # noqa: SIM115 closed with the response
    exports.write_workbook(
        file,
        ids,
        names,
        audiences(request.user),
        now,
        about,
        Enterprise.State.values,
        StaffResource,
    )
    file.seek(0)
    audit.record(act="export", by=request.user, listings=len(ids))
    name = f"fiches-{now.today:%Y-%m-%d}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name)


class Kind(admin.SimpleListFilter):
    title, parameter_name = _("action"), "action_faite"

    def lookups(self, request, model_admin):
        return [
            ("publish", _("Publier")),
            ("archive", _("Archiver")),
            ("give_sector", _("Donner un secteur")),
            (acts.ASK, _("Demander de confirmer")),
        ]

    def queryset(self, request, queryset):
        return queryset.filter(act=self.value()) if self.value() else queryset


@admin.register(BulkAct)
class BulkActAdmin(SearchAdmin):
    list_display = ["label", "by", "at", "state"]
    list_filter = [Kind, "at"]
    list_select_related = ["by", "undone_by"]
    search_fields = folded("label", "by__name")
    fields = ["label", "by", "at", "listings", "undone_at", "undone_by"]
    readonly_fields = fields

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        undo = self.admin_site.admin_view(self.undo_view)
        return [path("<int:pk>/annuler/", undo, name="directory_bulkact_undo"), *super().get_urls()]

    @admin.display(description=_("état"))
    def state(self, act):
        if act.undone_at:
            return gettext("annulée")
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:directory_bulkact_undo", args=[act.pk]),
            gettext("Annuler…"),
        )

    @admin.display(description=_("fiches"))
    def listings(self, act):
        names = Enterprise.objects.filter(pk__in=act.rows).order_by("name", "pk")
        return ", ".join(names.values_list("name", flat=True)[:100])

    def taken_back(self, act, number):
        if act.act != acts.ASK:
            return ngettext(
                "%(n)d fiche remise comme avant.", "%(n)d fiches remises comme avant.", number
            )
        if not number:
            return gettext("Tous les courriels étaient déjà partis.")
        return ngettext(
            "Rien ne partira pour %(n)d fiche.", "Rien ne partira pour %(n)d fiches.", number
        )

    def asking(self, request, act):
        """The page on which taking this act back is confirmed."""
        rows = Enterprise.objects.filter(pk__in=act.rows).order_by("name", "pk")
        if act.act == acts.ASK:
            lead = gettext("Les courriels qui ne sont pas encore partis ne partiront pas.")
        else:
            lead = gettext(
                "Ces fiches reviendront à ce qu’elles étaient. Celles qui ont été modifiées depuis "
                "resteront telles quelles."
            )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Annuler cette action"),
            "button": gettext("Annuler cette action"),
            "chosen": act.label,
            "lead": lead,
            "form": forms.Form(),
            "rows": rows[:LISTED],
            "others": max(len(act.rows) - LISTED, 0),
            "opts": self.opts,
            "back": reverse("admin:directory_bulkact_changelist"),
        }
        return TemplateResponse(request, "admin/act.html", context)

    def undo_view(self, request, pk):
        if not self.has_change_permission(request):
            raise PermissionDenied
        act = get_object_or_404(BulkAct, pk=pk)
        if request.method != "POST" and not act.undone_at:
            return self.asking(request, act)
        try:
            done = acts.undo(act=act, by=request.user)
        except acts.AlreadyUndone:
            messages.warning(request, gettext("Cette action avait déjà été annulée."))
            return redirect("admin:directory_bulkact_changelist")
        text = self.taken_back(act, done.changed)
        say = messages.success if done.changed else messages.warning
        say(request, text % {"n": done.changed} if "%" in text else text)
        tell_left(request, done)
        return redirect("admin:directory_bulkact_changelist")
