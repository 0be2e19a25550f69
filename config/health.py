"""Two addresses for whoever watches the site: is the process alive, can it serve?"""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

app_name = "health"


@require_safe
@never_cache
@login_not_required
def alive(request):
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def ready(request):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM public.directory_version")
            cursor.fetchone()
    except DatabaseError:
        return HttpResponse("base de données injoignable", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("vivant", alive, name="alive"),
    path("pret", ready, name="ready"),
]
