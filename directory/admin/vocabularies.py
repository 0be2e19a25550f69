from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from directory.admin.search import SearchAdmin, folded
from directory.models import (
    Benefit,
    PurchasingCategory,
    Sector,
    SeededKey,
    Status,
    Synonym,
    SynonymGroup,
)


class VocabularyAdmin(SearchAdmin):
    list_display = ["name", "position", "retired", "origin"]
    list_editable = ["position", "retired"]
    list_filter = ["retired", "origin"]
    search_fields = folded("name", "description")
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["origin"]

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
    list_display = ["code", "name", "kind", "position", "retired"]
    list_display_links = ["code", "name"]
    list_filter = ["retired", "kind"]
    search_fields = ["code", *folded("name")]
    prepopulated_fields = {"slug": ["code"]}


class SynonymInline(admin.StackedInline):
    model = Synonym
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
class SeededKeyAdmin(admin.ModelAdmin):
    """What `load_reference` has given; erasing a key lets it give that row once more."""

    list_display = ["vocabulary", "key"]
    list_display_links = ["vocabulary", "key"]
    list_filter = ["vocabulary"]
    search_fields = ["key"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
