from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from directory import words
from directory.admin.acts import question
from directory.admin.inlines import Inline
from directory.admin.search import PlainAdmin, SearchAdmin, folded
from directory.models import (
    Benefit,
    PurchasingCategory,
    Sector,
    SeededKey,
    Status,
    Synonym,
    SynonymGroup,
)


class MergeForm(forms.Form):
    into = forms.ModelChoiceField(
        None,
        label=_("Garder"),
        help_text=_(
            "Les autres seront retirés\u202f; les fiches qui les portent auront celui-ci, et leurs "
            "pages y mèneront."
        ),
        error_messages={"required": _("Choisissez celui qui est gardé.")},
    )

    def __init__(self, data, queryset):
        super().__init__(data)
        self.fields["into"].queryset = queryset


class VocabularyAdmin(SearchAdmin):
    actions = ["merge"]
    MOST_MERGED = 10
    list_display = ["name", "position", "retired", "origin"]
    list_editable = ["position", "retired"]
    list_filter = ["retired", "origin"]
    search_fields = folded("name", "description")
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["origin"]

    @admin.action(description=_("Fusionner…"), permissions=["change"])
    def merge(self, request, queryset):
        standing = queryset.filter(replaced_by=None)
        ticked = list(standing[: self.MOST_MERGED + 1])
        if not 2 <= len(ticked) <= self.MOST_MERGED:
            text = gettext("Cochez de 2 à %(n)d mots à fusionner\xa0; aucun ne l’est déjà.")
            messages.error(request, text % {"n": self.MOST_MERGED})
            return None
        form = MergeForm(request.POST if "apply" in request.POST else None, standing)
        if form.is_bound and form.is_valid():
            into = form.cleaned_data["into"]
            merged = [word for word in ticked if word != into]
            number = words.merge(words=merged, into=into, by=request.user)
            text = ngettext(
                "Fusionnés\xa0: %(n)d fiche porte maintenant «\xa0%(into)s\xa0».",
                "Fusionnés\xa0: %(n)d fiches portent maintenant «\xa0%(into)s\xa0».",
                number,
            )
            messages.success(request, text % {"n": number, "into": into.name})
            return None
        number = len(ticked)
        chosen = ngettext("%(n)d mot choisi", "%(n)d mots choisis", number) % {"n": number}
        return question(
            self,
            request,
            ticked,
            form,
            ids=[word.pk for word in ticked],
            title=gettext("Fusionner des mots"),
            button=gettext("Fusionner"),
            chosen=chosen,
        )

    def get_changelist_formset(self, request, **kwargs):
        """In a table, Django's inputs have no label that a screen reader could say."""
        formset = super().get_changelist_formset(request, **kwargs)
        for field in formset.form.base_fields.values():
            field.widget.attrs["aria-label"] = field.label
        return formset


@admin.register(Sector, Status, Benefit)
class WordAdmin(VocabularyAdmin):
    pass


@admin.register(PurchasingCategory)
class PurchasingCategoryAdmin(VocabularyAdmin):
    feminine = True
    list_display = ["code", "name", "kind", "position", "retired"]
    list_display_links = ["code", "name"]
    list_filter = ["retired", "kind"]
    search_fields = ["code", *folded("name")]
    prepopulated_fields = {"slug": ["code"]}


class SynonymInline(Inline):
    model = Synonym
    most = 200
    extra = 1


@admin.register(SynonymGroup)
class SynonymGroupAdmin(SearchAdmin):
    list_display = ["name", "number"]
    search_fields = folded("name", "terms__term")
    inlines = [SynonymInline]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(number=Count("terms"))

    @admin.display(description=_("termes"), ordering="number")
    def number(self, group):
        return group.number


@admin.register(Synonym)
class SynonymAdmin(SearchAdmin):
    list_display = ["term", "group"]
    list_select_related = ["group"]
    search_fields = folded("term", "group__name")
    autocomplete_fields = ["group"]


@admin.register(SeededKey)
class SeededKeyAdmin(PlainAdmin):
    """What `load_reference` has given; erasing a key lets it give that row once more."""

    list_display = ["vocabulary", "key"]
    list_display_links = ["vocabulary", "key"]
    list_filter = ["vocabulary"]
    search_fields = ["key"]

    def has_module_permission(self, request):
        return False  # not in the menu: it is for when a row was erased by mistake

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
