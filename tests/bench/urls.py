"""The site's addresses, and two that answer without working: what a page is compared with."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from config.urls import *  # noqa: F403
from config.urls import urlpatterns as site_urls

#: Contexts of the floor pages, by name, as the bench caught them.
CONTEXTS = {}


@login_not_required
def hello(request):
    return HttpResponse("bonjour")


@login_not_required
def floor(request, name):
    return render(request, "directory/list.html", CONTEXTS[name])


urlpatterns = [
    path("bench/hello/", hello),
    path("bench/floor/<str:name>/", floor),
    *site_urls,
]
