"""A search box that reads « ecole » as « École », and a number however it is written."""

import re

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import CharField, TextField, Transform, URLField

from directory.search import LONGEST_TEXT, MOST_TERMS, fold
from directory.transactions import once_more_if_undone

# « exemple.org » typed without a scheme; Django still reads it as http.
FORMFIELDS = {URLField: {"assume_scheme": "https"}}

NUMBER = re.compile(r"\+?[\d .()-]*\d{3}[\d .()-]*")


@CharField.register_lookup
@TextField.register_lookup
class Fold(Transform):
    lookup_name = "fold"
    function = "public.fold"
    output_field = TextField()


def folded(*names):
    """The search fields that compare these, letters only: neither case nor accent counts."""
    return [f"{name}__fold__contains" for name in names]


class PlainAdmin(admin.ModelAdmin):
    """A form may be opened with some of it filled by its address; what an address says that is no
    value of its field is left out."""

    def get_changeform_initial_data(self, request):
        given = super().get_changeform_initial_data(request)
        return {name: value for name, value in given.items() if self.could_be(name, value)}

    def could_be(self, name, value):
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        target = getattr(field, "target_field", field)
        try:
            for one in value if isinstance(value, list) else [value]:
                target.to_python(one)
        except (ValidationError, TypeError, ValueError, RecursionError):
            return False
        return True


class SearchAdmin(PlainAdmin):
    """Fields compared by `folded()` meet a term that is folded too; digits lose their spacing."""

    formfield_overrides = FORMFIELDS

    changeform_view = once_more_if_undone(admin.ModelAdmin.changeform_view)
    changelist_view = once_more_if_undone(admin.ModelAdmin.changelist_view)
    delete_view = once_more_if_undone(admin.ModelAdmin.delete_view)

    def get_search_results(self, request, queryset, search_term):
        term = fold(search_term[:LONGEST_TEXT])
        if NUMBER.fullmatch(term):
            term = re.sub(r"\D", "", term)
        term = " ".join(term.split()[:MOST_TERMS])
        return super().get_search_results(request, queryset, term)


class LookedAtAdmin(SearchAdmin):
    """Written by the site as things happen, and by nobody's hand."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
