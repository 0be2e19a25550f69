"""The back office of the Pôle: every table, plainly, in Django's own admin."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from directory.admin import enterprises, people, places, reports, vocabularies

__all__ = ["enterprises", "people", "places", "reports", "vocabularies"]

admin.site.site_header = _("Répertoire – administration")
admin.site.site_title = _("Répertoire – administration")
admin.site.index_title = _("Administration")

# Whose they are sees to them in their account; staff have no business with keys and sessions.
for model in (EmailAddress, Authenticator, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
