"""The pages one comes in by: home, a sector, a region, a city."""

from collections import defaultdict

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import cards, results, search, wording
from directory.criteria import Criteria
from directory.facets import STEP, Dimension
from directory.models import Sector
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
        # Where the site has no cities of its own.
        "regions": [] if cities else inhabited_regions(current)[0],
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
    if label.key != slug:  # merged into another
        return redirect("directory:sector", label.key, permanent=True)
    context = landing(current, label, Dimension.SECTOR, Dimension.CITY)
    # One description, read for its page alone.
    rows = Sector.objects.filter(slug=label.key).values_list("description", flat=True)
    context["intro"] = rows.first() or ""
    return render(request, "directory/sector.html", context)


@require_safe
@login_not_required
@kept_while_unchanged
def city(request, slug, current):
    label = current.labels.by_key[Dimension.CITY].get(slug)
    if not label or label.key != slug:
        raise Http404
    context = landing(current, label, Dimension.CITY, Dimension.SECTOR)
    region = current.labels.by_code[label.region]
    context |= {
        "crumbs": [
            all_regions(),
            {"name": region.name, "url": reverse("directory:region", args=[region.key])},
        ],
        "region": region.name,
        "intro": current.labels.by_code[label.county].name,
        "serving": {
            "url": f"{reverse('directory:list')}?{urlencode({'dessert': label.key})}",
            "city": label.full_name,
        },
    }
    return render(request, "directory/city.html", context)


@require_safe
@login_not_required
@kept_while_unchanged
def regions(request, current):
    inhabited, empty = inhabited_regions(current)
    context = {
        "total_label": wording.enterprises(current.whole.total),
        "regions": inhabited,
        "empty": empty,
    }
    return render(request, "directory/regions.html", context)


def all_regions():
    return {"name": _("Régions"), "url": reverse("directory:regions")}


def inhabited_regions(current):
    """The regions where enterprises are, and those where none is yet."""
    counts = current.whole.counts
    inhabited, empty = [], []
    for label in current.labels.of(Dimension.REGION):
        count = counts.get(label.code, 0)
        row = {
            "name": label.name,
            "url": reverse("directory:region", args=[label.key]),
            "count": wording.number(count),
        }
        (inhabited if count else empty).append(row)
    return inhabited, empty


#: Newly listed enterprises that the page of a region shows.
NEWEST = 10


@require_safe
@login_not_required
@kept_while_unchanged
def region(request, slug, current):
    label = current.labels.by_key[Dimension.REGION].get(slug)
    if not label or label.key != slug:
        raise Http404
    criteria = Criteria(
        facets={Dimension.REGION: frozenset([label.code])}, sort="recent", size=NEWEST
    )
    found = results.find(criteria, current)
    context = shown(current, label, Dimension.REGION, Dimension.SECTOR, criteria, found)
    context |= {
        "crumbs": [all_regions()],
        "counties": counties(current, label, current.whole.counts),
        # From the first again: there they are twenty a page.
        "next_url": f"{context['search_url']}&tri=recent" if found.total > NEWEST else "",
    }
    return render(request, "directory/region.html", context)


def counties(current, region, counts):
    """The MRCs of a region where enterprises are, each with its municipalities that have some."""
    labels = current.labels
    cities = defaultdict(list)
    for label in labels.of(Dimension.CITY):
        if label.region == region.code and label.code in counts:
            cities[label.county].append(label)
    return [
        county(labels.by_code[code], members, counts)
        for code, members in sorted(
            cities.items(), key=lambda row: search.fold(labels.by_code[row[0]].name)
        )
    ]


def county(label, cities, counts):
    rows = [
        {
            "name": city.full_name,
            "url": reverse("directory:city", args=[city.key]),
            "count": wording.number(counts[city.code]),
        }
        for city in sorted(cities, key=lambda city: search.fold(city.name))
    ]
    if [row["name"] for row in rows] == [label.name]:
        return rows[0]  # a city that is its own county is not named twice
    return {
        "name": label.name,
        "url": f"{reverse('directory:list')}?{urlencode({'mrc': label.key})}",
        "count": wording.number(counts[label.code]),
        "cities": rows,
    }


PARAMETERS = {
    Dimension.SECTOR: "secteur",
    Dimension.CITY: "ville",
    Dimension.REGION: "region",
}


def landing(current, label, dimension, breakdown):
    """The enterprises of one sector or city, and how they divide by the other."""
    criteria = Criteria(facets={dimension: frozenset([label.code])})
    return shown(current, label, dimension, breakdown, criteria, results.find(criteria, current))


def shown(current, label, dimension, breakdown, criteria, found):
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
