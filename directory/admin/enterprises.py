import re
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import desk, duplicates, slugs, uploads, wording
from directory.admin import acts, filters, recognitions
from directory.admin.inlines import Inline
from directory.admin.search import LookedAtAdmin, OneAmongRows, SearchAdmin, folded
from directory.forms import TextField
from directory.models import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Listing,
    Offering,
    Permit,
    Recognition,
    Reference,
)
from directory.models.enterprises import neq_checks
from directory.positions import locate
from directory.provenance import CHILDREN, mark, said_with
from directory.sections import ROWS
from directory.timeline import events

SERVED = ["serves_province", "served_regions", "served_counties", "served_cities"]
PLACES = ["served_regions", "served_counties", "served_cities"]


def bump(enterprises, model):
    """A child row was written: the enterprise is no longer the one that open forms show, and an
    import leaves these children as they are."""
    enterprises.update(version=F("version") + 1, updated_at=timezone.now())
    said_by_staff(enterprises, model)


def said_by_staff(enterprises, model):
    if model in CHILDREN:
        mark(enterprises, [CHILDREN[model]], Enterprise.Source.STAFF)


# --- What an enterprise is made of, on its own page


class CategorySelect(OneAmongRows):
    """Shows the category of a row that was read with it; Django reads each anew."""

    category = None

    def optgroups(self, name, value, attr=None):
        if not self.category or list(value) != [str(self.category.pk)]:
            return super().optgroups(name, value, attr)
        chosen = (self.category.pk, str(self.category), True)
        options = [self.create_option(name, "", "", False, 0)] if not self.is_required else []
        return [(None, [*options, self.create_option(name, *chosen, len(options), attrs=attr)], 0)]


class OfferingForm(forms.ModelForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["category"].widget.widget.category = self.instance.category


class OfferingInline(Inline):
    model = Offering
    form = OfferingForm
    most = ROWS["offerings"].most
    fields = [("kind", "position"), "name", "description", ("category", "unspsc")]
    autocomplete_fields = ["category"]
    show_change_link = True  # the territory of its own is there
    words = ("category",)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "category":
            kwargs["widget"] = CategorySelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ContactInline(Inline):
    model = Contact
    fields = [
        ("name", "name_visibility"),
        "function",
        ("email", "email_visibility"),
        ("phone", "phone_extension", "phone_visibility"),
        "position",
    ]


class CertificationInline(Inline):
    model = Certification
    words = ("status",)
    fields = [("status", "number"), "issuer", ("issued_on", "expires_on")]


class BenefitInline(Inline):
    model = EnterpriseBenefit
    verbose_name_plural = _("bienfaits pour la collectivité")
    words = ("benefit",)
    fields = ["benefit", "evidence"]


class PermitInline(Inline):
    model = Permit
    fields = [("kind", "number", "expires_on")]


class ReferenceInline(Inline):
    model = Reference
    fields = ["client", "work", ("year", "amount"), "url"]


class RecognitionInline(Inline):
    model = Recognition
    form = recognitions.RecognitionForm
    readonly_fields = ["reviewer"]

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.by = request.user
        return formset


class IdentifiersField(TextField):
    """What an enterprise is known by elsewhere, a line for each: « akcelos : https://… ».

    What no line can say, as another hand may have kept, is not shown: see `apart`."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
    #: « akcelos », « registre 2 »: neither brackets nor quotes, which would be JSON.
    NAME = re.compile(r"[^\W_][^:{}\[\]\"\n]{0,79}")

    @classmethod
    def apart(cls, identifiers):
        """Of these, those that no line can say."""
        return {name: one for name, one in identifiers.items() if not cls.is_line(name, one)}

    @classmethod
    def is_line(cls, name, identifier):
        a_text = isinstance(identifier, str) and identifier and identifier == identifier.strip()
        # Of what is no text, Django looks for no NUL.
        return a_text and cls.NAME.fullmatch(name) and not {*"\0\n\r"} & {*identifier}

    def prepare_value(self, value):
        if not isinstance(value, dict):
            return value  # as it was typed
        said = (pair for pair in value.items() if self.is_line(*pair))
        return "\n".join(f"{name}\xa0: {identifier}" for name, identifier in said)

    def to_python(self, value):
        identifiers = {}
        for line in written_lines(super().to_python(value)):
            name, _colon, identifier = (part.strip() for part in line.partition(":"))
            # « akcelos https://… », where the colon is that of the address.
            cut = identifier.startswith("//")
            if cut or name in identifiers or not self.is_line(name, identifier):
                text = _(
                    "«\xa0%(line)s\xa0»\xa0: écrivez un identifiant par ligne, le nom de l’endroit "
                    "d’abord, chacun une seule fois. Par exemple\xa0: akcelos\xa0: https://…"
                )
                raise ValidationError(text, params={"line": Truncator(line).chars(60)})
            identifiers[name] = identifier
        return identifiers

    def has_changed(self, initial, data):
        return written_lines(self.prepare_value(initial or {})) != written_lines(data or "")


def written_lines(text):
    return [line for line in map(str.strip, text.splitlines()) if line]


class SeenForm(forms.ModelForm):
    """A listing, or one of its parts, saved only if the listing is still the one that was read."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen_version"] = self.listing().version

    def listing(self):
        return self.instance.enterprise

    def clean(self):
        cleaned = super().clean()
        if self.instance.pk:
            # Locked until the page has saved: two people cannot both find the version they saw.
            listing = self.listing()
            Enterprise.objects.lock([listing.pk])
            rows = Enterprise.objects.filter(pk=listing.pk)
            version = rows.values_list("version", flat=True).first()
            if version != cleaned.get("seen_version"):
                raise ValidationError(
                    _(
                        "La fiche a été modifiée depuis que vous l’avez ouverte. Rien n’a été "
                        "enregistré\xa0: notez vos changements, rouvrez la fiche, puis "
                        "refaites-les."
                    ),
                    code="changed_meanwhile",
                )
            listing.version = version
        return cleaned


class EnterpriseForm(SeenForm):
    external_ids = IdentifiersField(
        label=_("Identifiants ailleurs"),
        help_text=_(
            "Où l’entreprise est aussi inscrite, un endroit par ligne\xa0: son nom, deux-points, "
            "puis le numéro ou l’adresse. Par exemple\xa0: akcelos\xa0: https://…"
        ),
        required=False,
    )
    # Not Django's, which lets Pillow at the file before its size is known.
    logo = forms.FileField(label=_("Logo"), required=False, widget=AdminFileWidget)

    class Meta:
        labels = {"slug": _("Adresse de la fiche (dans le site)")}
        help_texts = {
            "slug": _("Si vous la changez, l’ancienne mènera à la nouvelle."),
            "languages": _("Séparées par des virgules."),
        }
        error_messages = {
            "slug": {"unique": _("Cette adresse est déjà celle d’une autre fiche.")},
        }

    def listing(self):
        return self.instance

    def clean_slug(self):
        slug = self.cleaned_data["slug"]
        changed = slug != self.initial.get("slug")
        listing = slugs.stood_at(slug, Enterprise.objects.all()) if changed else None
        if listing not in (None, self.instance):
            raise ValidationError(
                _("Cette adresse mène déjà à «\xa0%(name)s\xa0»\xa0: choisissez-en une autre."),
                params={"name": listing.name},
            )
        return slug

    def clean_external_ids(self):
        """Untouched, they stay as they are; so does what the field does not show."""
        kept = self.instance.external_ids
        if "external_ids" not in self.changed_data:
            return kept
        return IdentifiersField.apart(kept) | self.cleaned_data["external_ids"]

    def clean_logo(self):
        """Drawn anew, as those that enterprises send: their place and their scripts stay behind."""
        given = self.cleaned_data["logo"]
        if not isinstance(given, UploadedFile):
            return given
        try:
            return uploads.keep_logo(given)
        except uploads.Refused as refusal:
            raise ValidationError(str(refusal)) from refusal


@admin.register(Enterprise)
class EnterpriseAdmin(SearchAdmin):
    feminine = True
    form = EnterpriseForm
    list_display = ["name", "city", "state", "confirmed_on"]
    list_select_related = ["city"]
    list_filter = [
        "state",
        filters.Overdue,
        filters.Unreachable,
        filters.Incomplete,
        filters.PossibleDuplicate,
        filters.WithoutPosition,
        filters.ExpiredCertification,
        filters.Recognised,
        "sectors",
        filters.InCity,
        "legal_form",
        "city__county__region",
    ]
    actions = [acts.publish, acts.archive, acts.give_sector, acts.ask_to_confirm, acts.export]
    search_fields = ["neq", "email", "phone", *folded("name", "city__name")]
    autocomplete_fields = ["city", "replaced_by", *PLACES]
    filter_horizontal = ["sectors"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["created_at", "updated_at", "unreachable_since"]
    save_on_top = True
    inlines = [
        OfferingInline,
        ContactInline,
        CertificationInline,
        BenefitInline,
        PermitInline,
        ReferenceInline,
        RecognitionInline,
    ]
    fieldsets = [
        (
            _("Identité"),
            {
                "fields": [
                    "name",
                    "other_names",
                    "slug",
                    ("neq", "legal_form", "founded_year"),
                    "mission",
                    "description",
                    "sectors",
                    ("size", "languages"),
                    "logo",
                    "external_ids",
                ]
            },
        ),
        (
            _("Adresse"),
            {
                "fields": [
                    "address",
                    ("city", "borough", "postal_code"),
                    ("latitude", "longitude", "geo_precision"),
                ]
            },
        ),
        (
            _("Coordonnées"),
            {"fields": [("phone", "phone_extension"), "email", "website"]},
        ),
        (_("Territoire servi"), {"fields": SERVED}),
        (
            _("Capacité"),
            {
                "fields": [
                    "insured_amount",
                    ("smallest_order", "largest_order"),
                    ("lead_time_days", "busy_until"),
                    ("accepts_cobidding", "on_seao"),
                ]
            },
        ),
        (
            _("Publication"),
            {
                "fields": [
                    ("state", "published_on"),
                    ("closing", "replaced_by"),
                    "archive_reason",
                    ("confirmed_on", "confirmed_by", "confirm_every_months"),
                    "unreachable_since",
                    ("created_at", "updated_at"),
                ]
            },
        ),
    ]

    def get_list_display(self, request):
        shown = super().get_list_display(request)
        renewing = request.GET.get(filters.Recognised.parameter_name) == "renouveler"
        if renewing and request.user.has_perm("directory.add_recognition"):
            return ["name", "city", "state", "renewal"]
        return shown

    @admin.display(description=_("reconnaissance"))
    def renewal(self, enterprise):
        address = reverse("admin:directory_recognition_renew", args=[enterprise.pk])
        name = format_html('<span class="visually-hidden"> {}</span>', enterprise.name)
        return format_html('<a href="{}">{}{}</a>', address, gettext("Renouveler"), name)

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        if obj and self.has_change_permission(request, obj):
            return [*fieldsets, (None, {"fields": ["seen_version"]})]
        if obj:
            read = {"external_ids": "identifiers"}  # which Django would show as JSON
            return [
                (name, part | {"fields": [read.get(str(field), field) for field in part["fields"]]})
                for name, part in fieldsets
            ]
        return fieldsets

    @admin.display(description=EnterpriseForm.base_fields["external_ids"].label)
    def identifiers(self, enterprise):
        return IdentifiersField().prepare_value(enterprise.external_ids)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        # Of a form that came back, the listing has the address that was typed.
        slug = context["adminform"].form.initial.get("slug", obj.slug) if obj else ""
        awaiting = desk.awaiting(user=request.user, listing=slug) if obj else []
        context |= {"awaiting": awaiting, "listing": slug}
        context["awaiting_in_all"] = sum(number for _kind, number in awaiting)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(self, request, object_id, extra_context=None):
        enterprise = self.get_object(request, unquote(object_id))
        told = {"events": events(enterprise) if enterprise else []}
        return super().history_view(request, object_id, told | (extra_context or {}))

    def get_view_on_site_url(self, obj=None):
        return obj.get_absolute_url() if obj and obj.state != Enterprise.State.DRAFT else None

    def save_model(self, request, obj, form, change):
        if obj.neq and not neq_checks(obj.neq):
            messages.warning(
                request,
                _("Vérifiez le NEQ\xa0: son dernier chiffre ne correspond pas aux autres."),
            )
        locate(obj)
        said = [said_with(name) for name in form.changed_data if name != "seen_version"]
        obj.provenance |= dict.fromkeys(said, Enterprise.Source.STAFF)
        if change:
            obj.version += 1  # of the row that the form holds locked
        super().save_model(request, obj, form, change)
        if not change and duplicates.note([obj.pk]):
            messages.warning(
                request,
                format_html(
                    '{} <a href="{}">{}</a>',
                    _("Cette fiche ressemble à une autre."),
                    reverse("directory:duplicates"),
                    _("Voir les doublons possibles"),
                ),
            )

    def save_formset(self, request, form, formset, change):
        if formset.model is Recognition:
            for row in formset.forms:
                if row.has_changed():
                    row.instance.reviewer = request.user
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            said_by_staff(Enterprise.objects.filter(pk=form.instance.pk), formset.model)


# --- The same rows, each table on its own


class ChildAdmin(SearchAdmin):
    form = SeenForm
    list_display = ["__str__", "enterprise"]
    list_select_related = ["enterprise"]
    autocomplete_fields = ["enterprise"]

    def get_fields(self, request, obj=None):
        fields = [name for name in super().get_fields(request, obj) if name != "seen_version"]
        changes = obj and self.has_change_permission(request, obj)
        return [*fields, "seen_version"] if changes else fields

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        # Also the one it was taken from, when it was given to another.
        owners = {obj.enterprise_id, form.initial.get("enterprise")}
        bump(Enterprise.objects.filter(pk__in=owners - {None}), self.model)

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        bump(Enterprise.objects.filter(pk=obj.enterprise_id), self.model)

    def delete_queryset(self, request, queryset):
        owners = set(queryset.order_by().values_list("enterprise", flat=True))
        super().delete_queryset(request, queryset)
        bump(Enterprise.objects.filter(pk__in=owners), self.model)


@admin.register(Offering)
class OfferingAdmin(ChildAdmin):
    list_display = ["name", "kind", "category", "enterprise"]
    list_select_related = ["category", "enterprise"]
    list_filter = ["kind", "category"]
    search_fields = folded("name", "enterprise__name")
    autocomplete_fields = ["enterprise", "category", *PLACES]


@admin.register(Contact)
class ContactAdmin(ChildAdmin):
    feminine = True
    list_display = ["name", "function", "enterprise", "email", "phone"]
    list_filter = ["name_visibility", "email_visibility", "phone_visibility"]
    search_fields = ["email", "phone", *folded("name", "enterprise__name")]


@admin.register(Certification)
class CertificationAdmin(ChildAdmin):
    feminine = True
    list_display = ["status", "number", "enterprise", "issuer", "expires_on"]
    list_select_related = ["status", "enterprise"]
    list_filter = ["status"]
    search_fields = ["number", *folded("issuer", "enterprise__name")]


@admin.register(EnterpriseBenefit)
class EnterpriseBenefitAdmin(ChildAdmin):
    list_display = ["benefit", "enterprise", "evidence"]
    list_select_related = ["benefit", "enterprise"]
    list_filter = ["benefit"]
    search_fields = folded("evidence", "enterprise__name")


@admin.register(Permit)
class PermitAdmin(ChildAdmin):
    list_display = ["kind", "number", "enterprise", "expires_on"]
    search_fields = ["number", *folded("kind", "enterprise__name")]


@admin.register(Reference)
class ReferenceAdmin(ChildAdmin):
    feminine = True
    list_display = ["client", "work", "year", "said_amount", "enterprise"]
    search_fields = folded("client", "work", "enterprise__name")

    @admin.display(description=_("montant"), ordering="amount")
    def said_amount(self, reference):
        return None if reference.amount is None else wording.amount(reference.amount)


class SeenRecognitionForm(SeenForm, recognitions.RecognitionForm):
    pass


@admin.register(Recognition)
class RecognitionAdmin(ChildAdmin):
    feminine = True
    form = SeenRecognitionForm
    list_display = ["enterprise", "recognised_on", "expires_on", "reviewer"]
    list_filter = [filters.Lasting]
    list_select_related = ["enterprise", "reviewer"]
    search_fields = folded("enterprise__name")
    autocomplete_fields = ["enterprise"]
    readonly_fields = ["reviewer"]

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.by = request.user
        return form

    def get_urls(self):
        renew = self.admin_site.admin_view(partial(recognitions.renew, self))
        return [
            path("renouveler/<int:pk>/", renew, name="directory_recognition_renew"),
            *super().get_urls(),
        ]

    def save_model(self, request, obj, form, change):
        obj.reviewer = request.user
        super().save_model(request, obj, form, change)


# Vectors say nothing to a person.
UNREADABLE = ["search", "keywords"]


@admin.register(Listing)
class ListingAdmin(LookedAtAdmin):
    """To look at only: the database writes it."""

    list_display = ["enterprise", "published_on", "confirmed_on", "recognised_until"]
    list_select_related = ["enterprise"]
    search_fields = ["sort_name__contains", "neq"]
    fields = [field.name for field in Listing._meta.fields if field.name not in UNREADABLE]

    def get_queryset(self, request):
        return super().get_queryset(request).defer(*UNREADABLE)

    def has_module_permission(self, request):
        return False  # not in the menu: it is looked at when something is wrong
