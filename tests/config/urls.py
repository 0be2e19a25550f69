"""The site's addresses, and some that go wrong in every way a page can."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import Http404, HttpResponse
from django.urls import path
from django.utils import timezone

from config import errors
from config.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def raising(exception):
    @login_not_required
    def view(request):
        raise exception(f"canari {request.GET.get('q', '')} {request.POST.get('courriel', '')}")

    return view


@login_not_required
def form(request):
    return HttpResponse(request.POST.get("x", ""))


@login_not_required
def slow(request):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)")


@login_not_required
def too_many(request):
    return errors.page(request, 429)


@login_not_required
def now(request):
    return HttpResponse(timezone.now().isoformat())


urlpatterns = [
    *urlpatterns,
    path("essai/panne/", raising(ValueError)),
    path("essai/base/", raising(OperationalError)),
    path("essai/refus/", raising(PermissionDenied)),
    path("essai/absent/", raising(Http404)),
    path("essai/louche/", raising(SuspiciousOperation)),
    path("essai/formulaire/", form),
    path("essai/lent/", slow),
    path("essai/limite/", too_many),
    path("essai/heure/", now),
]
