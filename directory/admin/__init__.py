"""The back office of the Pôle: every table, plainly, in Django's own admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from directory.admin import enterprises, people, places, reports, vocabularies

__all__ = ["enterprises", "people", "places", "reports", "vocabularies"]

admin.site.site_header = _("Répertoire – administration")
admin.site.site_title = _("Répertoire – administration")
admin.site.index_title = _("Administration")
