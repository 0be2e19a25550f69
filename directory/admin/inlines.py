"""Rows edited on the page of what they belong to: as many as a page can hold, and no more."""

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from directory.admin.search import FORMFIELDS, PlainFields


class Rows(BaseInlineFormSet):
    default_error_messages = {
        **BaseInlineFormSet.default_error_messages,
        "too_many_forms": _("Gardez au plus %(num)d lignes."),
    }

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        there = len(self.get_queryset())
        self.max_num = max(self.max_num, there)
        self.absolute_max = max(self.absolute_max, there + self.max_num)


class Inline(PlainFields, admin.StackedInline):
    """Stacked: in a table, Django's inputs have no label that a screen reader could say.

    `most` rows are saved; of those sent beyond, twice as many are read, to be shown again (an
    import may have written more than that), and what comes after is not read at all."""

    extra = 0
    most = 50
    #: What of each row is a word of a vocabulary.
    words: tuple[str, ...] = ()
    formset = Rows
    formfield_overrides = FORMFIELDS

    def get_formset(self, request, obj=None, **kwargs):
        bounds = {"max_num": self.most, "absolute_max": 2 * self.most, "validate_max": True}
        return super().get_formset(request, obj, **bounds | kwargs)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related(*self.words)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """The words of a short list are read once a page, not once a row."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name in self.words and "widget" not in kwargs:
            field.choices = list(field.choices)
        return field
