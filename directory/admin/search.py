"""A search box that reads « ecole » as « École », and a number however it is written; pages that
say in plain words what they are."""

import re

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import CharField, EmailField, SlugField, TextField, Transform, URLField
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from directory import forms, wording
from directory.search import LONGEST_TEXT, MOST_TERMS, fold
from directory.transactions import again_if_undone

# « exemple.org » typed without a scheme; Django still reads it as http.
FORMFIELDS = {URLField: {"assume_scheme": "https"}}

#: Columns whose forms take nothing that is not seen.
CHECKED = (EmailField, SlugField)

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


def could_be(field, value):
    """Whether the database could look for this value of a field, or of the key that it holds."""
    target = getattr(field, "target_field", field)
    try:
        for one in value if isinstance(value, list) else [value]:
            if "\0" in str(one):
                return False
            target.to_python(one)
    except (ValidationError, TypeError, ValueError, RecursionError):
        return False
    return True


class AmongRows:
    """Shown again, a choice that was forged is none: Django would ask the database for it."""

    def optgroups(self, name, value, attr=None):
        return super().optgroups(name, [one for one in value if could_be(self.field, one)], attr)


class OneAmongRows(AmongRows, AutocompleteSelect):
    pass


class SomeAmongRows(AmongRows, AutocompleteSelectMultiple):
    """Each that is chosen is taken away by itself: what would clear them all stands among the items
    of a list without being one (WCAG 1.3.1)."""

    def build_attrs(self, *args, **kwargs):
        return super().build_attrs(*args, **kwargs) | {"data-allow-clear": "false"}


class PlainFields:
    """The fields of a form of the admin, and of the rows within it: texts are read as those of the
    site's own forms."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, URLField):
            kwargs.setdefault("form_class", forms.SiteField)
        elif isinstance(db_field, CharField | TextField) and not isinstance(db_field, CHECKED):
            kwargs.setdefault("form_class", forms.TextField)
        elif db_field.name == "other_names":
            longest = db_field.base_field.max_length
            kwargs.setdefault("base_field", forms.TextField(max_length=longest))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", OneAmongRows(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SomeAmongRows(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class FrenchChangeList(ChangeList):
    """Names in the order of a dictionary, « École » before « Verger »: the database compares bytes,
    which put É after Z. What is found is counted as French does, none being singular, for the
    templates that stand in the place of Django's (search_form, pagination)."""

    def get_results(self, request):
        super().get_results(request)
        several = self.result_count > 1
        name = self.opts.verbose_name_plural if several else self.opts.verbose_name
        self.found = f"{wording.number(self.result_count)}\xa0{name}"
        self.found_in_all = wording.number(self.full_result_count or 0)

    def get_ordering(self, request, queryset):
        return [self.in_order(term) for term in super().get_ordering(request, queryset)]

    def in_order(self, term):
        if not isinstance(term, str) or term.lstrip("-") == "pk":
            return term
        model, path = self.model, term.lstrip("-")
        for part in path.split("__"):
            field = model._meta.get_field(part)
            model = field.related_model or model
        if field.is_relation and "name" in field.related_model._meta.ordering:
            path, field = f"{path}__name", field.related_model._meta.get_field("name")
        if field.name != "name":
            return term
        return f"{'-' if term.startswith('-') else ''}{path}__fold"


class PlainAdmin(PlainFields, admin.ModelAdmin):
    """Pages titled for people, where Django's are for any language (« Sélectionnez l’objet
    entreprise à changer »). A form may be opened with some of it filled by its address; what an
    address says that is no value of its field is left out, and so are ticks of rows that cannot
    be."""

    #: Of the name of a row, which says « une ».
    feminine = False

    def get_changelist(self, request, **kwargs):
        return FrenchChangeList

    def adding(self):
        text = _("Ajouter une %(name)s") if self.feminine else _("Ajouter un %(name)s")
        return text % {"name": self.opts.verbose_name}

    def changelist_view(self, request, extra_context=None):
        said = {"title": capfirst(self.opts.verbose_name_plural), "adding": self.adding()}
        return super().changelist_view(request, said | (extra_context or {}))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if add:
            context["title"] = self.adding()
        elif self.has_change_permission(request, obj):
            context["title"] = _("Modifier «\xa0%(name)s\xa0»") % {"name": obj}
        else:
            context["title"] = str(obj)
        context["subtitle"] = None  # the title has its name already
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_action(self, request, queryset):
        request.POST = request.POST.copy()
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        known = [key for key in ticked if could_be(self.opts.pk, key)]
        request.POST.setlist(ACTION_CHECKBOX_NAME, known)
        return super().response_action(request, queryset)

    def get_changeform_initial_data(self, request):
        given = super().get_changeform_initial_data(request)
        return {name: value for name, value in given.items() if self.could_be(name, value)}

    def could_be(self, name, value):
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return could_be(field, value)


class SearchAdmin(PlainAdmin):
    """Fields compared by `folded()` meet a term that is folded too; digits lose their spacing."""

    formfield_overrides = FORMFIELDS

    changeform_view = again_if_undone(PlainAdmin.changeform_view)
    changelist_view = again_if_undone(PlainAdmin.changelist_view)
    delete_view = again_if_undone(PlainAdmin.delete_view)

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
