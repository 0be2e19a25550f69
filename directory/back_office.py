"""The admin's own pages, apart from its tables (admin/), which are imported once it exists."""

from dataclasses import dataclass
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.i18n import JavaScriptCatalog

from directory.authentication import safe_next

#: What Django's admin has for passwords.
PASSWORDS = {"password_change", "password_change_done"}


@dataclass(frozen=True)
class Group:
    """Tables that one work needs, in its order; `closed` where they are seldom opened."""

    slug: str
    name: Any
    models: tuple[str, ...]
    closed: bool = True


MENU = [
    Group("fiches", _("Entreprises"), ("Enterprise", "Recognition", "BulkAct"), closed=False),
    Group("imports", _("Imports"), ("ImportBatch", "SavedMapping"), closed=False),
    Group(
        "personnes",
        _("Personnes et demandes"),
        ("User", "Group", "Representative", "Claim", "Invitation", "Suggestion", "ErrorReport"),
        closed=False,
    ),
    Group(
        "courriels",
        _("Courriels et appels"),
        ("Mail", "Unsubscription", "ConsentBasis", "Reminder", "PhoneCall"),
        closed=False,
    ),
    Group(
        "parties",
        _("Ce qui compose une fiche"),
        ("Offering", "Contact", "Certification", "EnterpriseBenefit", "Permit", "Reference"),
    ),
    Group(
        "vocabulaires",
        _("Vocabulaires"),
        ("Sector", "Status", "Benefit", "PurchasingCategory", "SynonymGroup", "Synonym"),
    ),
    Group(
        "territoires",
        _("Territoires"),
        ("City", "Borough", "RegionalCounty", "Region", "PostalArea"),
    ),
    Group("traces", _("Traces et registres"), ("AuditEntry", "Incident")),
]
#: Written by the site for itself: opened by their address alone.
OFF_THE_MENU = {"Listing", "SeededKey"}


class Words(JavaScriptCatalog):
    """What Django's scripts say, with our own wording of it."""

    def get_paths(self, packages):
        return [*super().get_paths(packages), *settings.LOCALE_PATHS]


class Site(admin.AdminSite):
    """Django's, with no password: its sign-in page leads to ours."""

    site_url = None  # our header has a link of its own

    def get_app_list(self, request, app_label=None):
        """By work rather than by app: what each group has that this person may open."""
        # What Django's own makes, before it sorts by names translated at each comparison: four of
        # the six milliseconds that it took a page.
        models = {
            model["object_name"]: model
            for app in self._build_app_dict(request, app_label).values()
            for model in app["models"]
        }
        groups = []
        for group in MENU:
            tables = [models[name] for name in group.models if name in models]
            if tables:
                here = any(request.path.startswith(row["admin_url"] or "-") for row in tables)
                groups.append(
                    {
                        "name": group.name,
                        "app_label": group.slug,
                        "models": tables,
                        "open": here or not group.closed,
                    }
                )
        return groups

    def i18n_javascript(self, request, extra_context=None):
        return Words.as_view(packages=["django.contrib.admin"])(request)

    @method_decorator(login_not_required)
    @method_decorator(never_cache)
    @method_decorator(secure_admin_login)
    def login(self, request, extra_context=None):
        return redirect(safe_next(request) or f"{self.name}:index")

    def get_urls(self):
        return [url for url in super().get_urls() if getattr(url, "name", "") not in PASSWORDS]
