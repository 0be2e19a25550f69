"""The results on a map: the page, and the cells that it asks for as it moves."""

from dataclasses import astuple

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import clusters
from directory.criteria import CLOSEST
from directory.filters import MapFilter
from directory.pages import found_at
from directory.views.caching import kept_while_unchanged

#: Without tiles there is nothing to see closer; with them, streets.
CLOSEST_WITHOUT_TILES = 14
FARTHEST = 4


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_map(request, current):
    page = found_at(reverse("directory:map"), request.GET, current)
    context = page.context() | {"map": options(page)}
    template = "directory/_results.html" if request.htmx else "directory/map.html"
    return render(request, template, context)


def options(page):
    """What the script of the map needs, texts included."""
    criteria = page.criteria
    # The page may be that of a corrected text; and the map shows what is around a box too.
    asked = {"q": criteria.query.text, "boite": None, "page": None, "tri": None, "tout": None}
    return {
        "cells": page.at(reverse("directory:map_cells"), **asked),
        "records": page.at(reverse("directory:list_json"), **asked),
        "list": page.at(page.path, **asked),
        "view": [
            round(degrees, 5)
            for degrees in astuple(clusters.view(criteria, page.found, page.current))
        ],
        "near": criteria.near
        and {
            "lat": criteria.near.latitude,
            "lng": criteria.near.longitude,
            "name": criteria.near.name,
            "metres": criteria.radius * 1000,
        },
        "zooms": [FARTHEST, CLOSEST if settings.MAP_TILE_URL else CLOSEST_WITHOUT_TILES],
        "regions": static("geo/regions.json"),
        "counties": static("geo/counties.json"),
        "tiles": settings.MAP_TILE_URL,
        "box": page.first("boite") if criteria.box else "",
        "credits": settings.MAP_TILE_ATTRIBUTION,
        "texts": texts(),
    }


def texts():
    return {
        "in": _("Agrandir la carte"),
        "out": _("Réduire la carte"),
        "close": _("Fermer"),
        "zoom": _("agrandir"),
        "open": _("voir les noms"),
        "all": _("Voir toutes ces entreprises dans la liste"),
        "wait": _("Chargement…"),
        "shown": _("Entreprises sur cette partie de la carte :"),
        "about": ["", _("environ ")],
        "none": _("Aucune entreprise sur cette partie de la carte."),
        "again": _("Réessayer"),
        "failed": _("La carte n’a pas pu être mise à jour. Vérifiez votre connexion."),
        "ground": format_html(
            '{} <a href="https://creativecommons.org/licenses/by/4.0/deed.fr">CC BY 4.0</a>',
            _("Limites simplifiées : MRNF,"),
        ),
    }


@require_safe
@login_not_required
@kept_while_unchanged
def map_cells(request, current):
    """The cells of the box looked at; that of the search itself would be the same parameter."""
    filters = MapFilter(request.GET, current.labels)
    answer = clusters.read(filters.criteria, current)
    return JsonResponse(
        answer | {"notices": filters.notices},
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )
