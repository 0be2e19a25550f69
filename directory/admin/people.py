from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from directory import accounts, audit, representatives
from directory.admin.search import PlainAdmin, SearchAdmin, folded
from directory.authentication import notify
from directory.models import User

# What decides of the rights of others: for superusers alone, or anyone allowed to change people
# could become one.
RIGHTS = ["is_staff", "is_superuser", "groups", "user_permissions"]


def plain(value):
    """A value of a form, as a trace holds it."""
    return value if isinstance(value, bool | str) else sorted(str(one) for one in value or [])


#: What is said where nobody could give a right any longer.
LAST_SUPERUSER = gettext_lazy(
    "Rien n’est changé\xa0: il ne resterait personne qui peut tout faire. Donnez d’abord le statut "
    "de super-utilisateur à quelqu’un d’autre."
)


class PersonForm(forms.ModelForm):
    def clean(self):
        """Held until the page has saved, which it does in one transaction."""
        cleaned = super().clean()
        could = self.instance.pk and self.instance.is_superuser and self.instance.is_active
        if could and not all(cleaned.get(name, True) for name in ("is_superuser", "is_active")):
            try:
                accounts.keep_a_superuser(without=[self.instance.pk])
            except accounts.LastSuperuser as error:
                raise ValidationError(LAST_SUPERUSER) from error
        return cleaned


@admin.register(User)
class UserAdmin(SearchAdmin):
    form = PersonForm
    feminine = True
    list_display = ["email", "name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["email", *folded("name")]
    fields = ["email", "name", "is_active", *RIGHTS, "joined_at", "last_login"]
    readonly_fields = ["joined_at", "last_login"]
    filter_horizontal = ["groups", "user_permissions"]

    def lookup_allowed(self, lookup, value, request):
        """Not the password, which one could guess a character at a time."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request, obj=None):
        how = _(
            "Chaque personne change elle-même son adresse, en prouvant qu’elle lit la nouvelle. Si "
            "elle ne lit plus l’ancienne, supprimez ce compte, puis invitez-la à la nouvelle. "
            "Désactivé, un compte quitte l’équipe de ses fiches\xa0; rouvert, il n’y revient pas."
        )
        return [
            (None, {"fields": self.get_fields(request, obj), "description": how if obj else ""})
        ]

    def get_readonly_fields(self, request, obj=None):
        """The address is what one signs in by: typed wrong, it would open the account to whoever
        reads it; typed on purpose, to whoever typed it."""
        fields = [*super().get_readonly_fields(request, obj), *(["email"] if obj else [])]
        return fields if request.user.is_superuser else [*fields, *RIGHTS]

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self.may_touch(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self.may_touch(request, obj)

    def may_touch(self, request, obj):
        """Who closes the account of a colleague is somebody who gave them their rights."""
        return obj is None or request.user.is_superuser or not (obj.is_staff or obj.is_superuser)

    def formfield_for_manytomany(self, db_field, request=None, **kwargs):
        if db_field.name == "user_permissions":
            # Each label names its content type: without this, one query a permission.
            kwargs["queryset"] = db_field.remote_field.model.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.set_unusable_password()
        elif "is_active" in form.changed_data and not obj.is_active:
            representatives.discharge_everywhere(user=obj, by=request.user)
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """Who decides of somebody's rights leaves a trace, and ends their sign-ins: the next one
        starts with the rights of the day."""
        super().save_related(request, form, formsets, change)
        person = form.instance
        changed = [name for name in [*RIGHTS, "is_active"] if name in form.changed_data]
        if changed:
            audit.record(
                act="person.rights",
                by=request.user,
                subject=person,
                before={name: plain(form.initial.get(name, False)) for name in changed},
                after={name: plain(form.cleaned_data[name]) for name in changed},
            )
        if change and changed and person != request.user:
            accounts.close_sessions(user=person)

    def delete_view(self, request, object_id, extra_context=None):
        try:
            return super().delete_view(request, object_id, extra_context)
        except accounts.LastSuperuser:
            self.message_user(request, LAST_SUPERUSER, messages.ERROR)
            return redirect("admin:directory_user_change", object_id)

    def response_action(self, request, queryset):
        """All or nothing, whatever the act."""
        try:
            with transaction.atomic():
                return super().response_action(request, queryset)
        except accounts.LastSuperuser:
            self.message_user(request, LAST_SUPERUSER, messages.ERROR)
            return redirect(request.get_full_path())

    def delete_model(self, request, obj):
        accounts.keep_a_superuser(without=[obj.pk])
        accounts.leave(user=obj, by=request.user)

    def delete_queryset(self, request, queryset):
        people = list(queryset)
        accounts.keep_a_superuser(without=[person.pk for person in people])
        for person in people:
            accounts.leave(user=person, by=request.user)

    # --- A telephone lost

    actions = ["remove_factors"]

    @admin.action(
        description=gettext_lazy("Retirer les seconds facteurs (téléphone ou clé perdus)")
    )
    def remove_factors(self, request, queryset):
        """Once staff are sure of who asks: the person sets up another at their next sign-in."""
        with transaction.atomic():
            people = [person for person in queryset if self.may_touch(request, person)]
            for person in people:
                Authenticator.objects.filter(user=person).delete()
                audit.record(act="person.factors_removed", by=request.user, subject=person)
                notify(person, _("l’équipe du Pôle a retiré vos seconds facteurs"))
                if person != request.user:
                    accounts.close_sessions(user=person)
        self.message_user(
            request,
            ngettext(
                "Les seconds facteurs de %(n)d personne sont retirés.",
                "Les seconds facteurs de %(n)d personnes sont retirés.",
                len(people),
            )
            % {"n": len(people)},
            messages.SUCCESS,
        )

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.is_superuser:
            actions.pop("remove_factors", None)
        return actions


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(PlainAdmin, GroupAdmin):
    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if {"name", "permissions"} & set(form.changed_data):
            audit.record(
                act="group.rights",
                by=request.user,
                subject=form.instance,
                before=plain(form.initial.get("permissions", [])),
                after=plain(form.cleaned_data["permissions"]),
            )

    def delete_model(self, request, obj):
        audit.record(act="group.deleted", by=request.user, subject=obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        for group in queryset:
            audit.record(act="group.deleted", by=request.user, subject=group)
        super().delete_queryset(request, queryset)
