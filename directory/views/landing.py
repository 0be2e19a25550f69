"""The pages one comes in by: home, a sector, a city."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import cards, results, wording
from directory.facets import STEP, Dimension
from directory.models import Sector
from directory.results import Criteria
from directory.views.caching import kept_while_unchanged

EXAMPLES = [
    {"q": "traiteur"},
    {"q": "entretien ménager"},
    {"q": "impression"},
    {"statut": "entreprise-adaptee"},
]


@require_safe
@login_not_required
@kept_while_unchanged
def home(request, current):
    labels, whole = current.labels, current.whole
    counts = whole.counts
    cities = [
        labels.by_key[Dimension.CITY][key]
        for key in settings.SITE_CITIES
        if key in labels.by_key[Dimension.CITY]
    ]
    context = {
        "total": wording.number(whole.total),
        "sectors": [
            {
                "name": label.name,
                "url": reverse("directory:sector", args=[label.key]),
                "count": wording.number(counts.get(label.code, 0)),
            }
            for label in labels.of(Dimension.SECTOR)
            if not label.retired
        ],
        "cities": [
            {
                "name": city.full_name,
                "slug": city.key,
                "url": reverse("directory:city", args=[city.key]),
                "count": wording.number(counts.get(city.code, 0)),
            }
            for city in cities
        ],
        "recent": [cards.summary(card, labels) for card in whole.recent],
        "examples": [example(values, labels) for values in EXAMPLES],
    }
    return render(request, "directory/home.html", context)


def example(values, labels):
    known = labels.by_key[Dimension.CITY] | labels.by_key[Dimension.STATUS]
    words = [known[value].name if value in known else value for value in values.values()]
    return {
        "label": ", ".join(words),
        "url": f"{reverse('directory:list')}?{urlencode(values)}",
    }


@require_safe
@login_not_required
@kept_while_unchanged
def sector(request, slug, current):
    label = current.labels.by_key[Dimension.SECTOR].get(slug)
    if not label:
        raise Http404
    context = landing(current, label, Dimension.SECTOR, Dimension.CITY)
    # One description, read for its page alone.
    descriptions = Sector.objects.filter(slug=label.key).values_list("description", flat=True)
    context["intro"] = descriptions.first() or ""
    return render(request, "directory/sector.html", context)


@require_safe
@login_not_required
@kept_while_unchanged
def city(request, slug, current):
    label = current.labels.by_key[Dimension.CITY].get(slug)
    if not label or label.key != slug:
        raise Http404
    context = landing(current, label, Dimension.CITY, Dimension.SECTOR)
    context["intro"] = _("%(county)s, région : %(region)s") % {
        "county": current.labels.by_code[label.county].name,
        "region": current.labels.by_code[label.region].name,
    }
    return render(request, "directory/city.html", context)


PARAMETERS = {Dimension.SECTOR: "secteur", Dimension.CITY: "ville"}


def landing(current, label, dimension, breakdown):
    """The enterprises of one sector or city, and how they divide by the other."""
    criteria = Criteria(facets={dimension: frozenset([label.code])})
    found = results.find(criteria, current)
    path = reverse("directory:list")
    search_url = f"{path}?{urlencode({PARAMETERS[dimension]: label.key})}"
    rows = sorted(
        (
            (current.labels.by_code[code], count)
            for code, count in found.counts.items()
            if code // STEP == breakdown
        ),
        key=lambda row: (-row[1], row[0].name),
    )
    return {
        "title": getattr(label, "full_name", label.name),
        "total_label": wording.enterprises(found.total, found.exact),
        "search_url": search_url,
        "breakdown": [
            {
                "name": getattr(other, "full_name", other.name),
                "url": f"{search_url}&{urlencode({PARAMETERS[breakdown]: other.key})}",
                "count": wording.count(count, found.exact_counts),
            }
            for other, count in rows[:20]
        ],
        "cards": cards.cards(found.rows, criteria.query, current),
        "next_url": f"{search_url}&page=2" if found.total > criteria.size else "",
    }
