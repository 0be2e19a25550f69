"""The admin's own pages, apart from its tables (admin/), which are imported once it exists."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from directory.authentication import safe_next

#: What Django's admin has for passwords.
PASSWORDS = {"password_change", "password_change_done"}


class Site(admin.AdminSite):
    """Django's, with no password: its sign-in page leads to ours."""

    @method_decorator(login_not_required)
    @method_decorator(never_cache)
    @method_decorator(secure_admin_login)
    def login(self, request, extra_context=None):
        return redirect(safe_next(request) or f"{self.name}:index")

    def get_urls(self):
        return [url for url in super().get_urls() if getattr(url, "name", "") not in PASSWORDS]
