"""The data for those who reuse them: what they are, their licence, what changed."""

import io
import re
from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import changes as changes_module
from directory import dictionary, exports, wording
from directory.changes import Since
from directory.facets import Dimension
from directory.licence import licence
from directory.models import Listing, Visibility
from directory.resources import PRESETS, EnterpriseResource
from directory.views.caching import kept_while_unchanged

#: Listings from which sizes are estimated and examples taken.
SAMPLE = 100
LONGEST_EXAMPLE = 90
PUBLIC = (Visibility.PUBLIC,)

VERSION = re.compile(r"[0-9]{1,18}", re.ASCII)
REST = re.compile(r"([0-9]{1,18}):([-\w]{1,100})", re.ASCII)


@require_safe
@login_not_required
@kept_while_unchanged
def open_data(request, current):
    total = current.whole.total
    key = ("open data", current.version)
    if key not in current.drawn:
        current.drawn[key] = sample(current)
    sizes, examples = current.drawn[key]
    changed_on = changes_module.last_day()
    context = {
        "total": wording.enterprises(total),
        "changed": changed_on and wording.day(changed_on),
        "licence": licence(),
        "files": [
            {
                "label": label,
                "url": reverse(f"directory:{name}"),
                "for": use,
                "size": wording.weight(sizes[name] * total / SAMPLE) if total else "",
            }
            for name, label, use in (
                ("list_csv", _("CSV"), _("Tableurs et bases de données ; s’ouvre dans Excel.")),
                ("list_xlsx", _("Excel"), _("Classeur prêt à filtrer, chaque valeur typée.")),
                ("list_geojson", _("GeoJSON"), _("Cartes ; une position par entreprise.")),
            )
        ],
        "groups": [
            {
                "title": title,
                "columns": [
                    {
                        "name": entry.name,
                        "header": entry.header,
                        "type": entry.type,
                        "meaning": entry.meaning,
                        "example": examples.get(entry.name, ""),
                    }
                    for entry in entries
                ],
            }
            for title, entries in dictionary.entries()
        ],
        "since_url": f"{reverse('directory:changes')}?depuis={current.today.replace(day=1)}",
        "version_url": f"{reverse('directory:changes')}?depuis={current.version}",
        "choice_url": f"{reverse('directory:list_csv')}?{urlencode(example(current))}",
        "demo": settings.DEMO,
    }
    return render(request, "directory/open_data.html", context)


def example(current):
    """The parameters of a search worth a file of its own: the sector of most enterprises."""
    counts, sectors = current.whole.counts, current.labels.of(Dimension.SECTOR)
    most = max(sectors, key=lambda label: counts.get(label.code, 0), default=None)
    return ({"secteur": most.key} if most else {}) | {"colonnes": "registre"}


def sample(current):
    """What some listings weigh in each format, for SAMPLE of them, and an example of each column.

    Every file is drawn whole only for whoever takes it."""
    ids = list(Listing.objects.order_by("position", "pk").values_list("pk", flat=True)[:SAMPLE])
    if not ids:
        return {}, {}
    names = PRESETS["tout"]
    workbook = io.BytesIO()
    exports.write_workbook(workbook, ids, names, PUBLIC, current, [])
    weights = {
        "list_csv": sum(map(len, exports.csv_lines(ids, names, PUBLIC, current))),
        "list_xlsx": workbook.tell(),
        "list_geojson": sum(map(len, exports.geojson(ids, None, [], current))),
    }
    resource = EnterpriseResource(current.labels)
    examples = {}
    for record in resource.records(ids, names, PUBLIC):
        for name, value in zip(names, resource.written(record, names), strict=True):
            if value not in ("", None):
                examples.setdefault(name, shortened(exports.text(value)))
    return {name: size * SAMPLE / len(ids) for name, size in weights.items()}, examples


def shortened(text):
    return text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE].rstrip() + "…"


@require_safe
@login_not_required
@kept_while_unchanged
def schema(request, current):
    return JsonResponse(
        dictionary.schema(),
        content_type="application/schema+json",
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )


@require_safe
@login_not_required
@kept_while_unchanged
def changes(request, current):
    """The listings published, changed and withdrawn since a day or a version of the data."""
    asked, notices = read_since(request.GET, current)
    found = changes_module.since(asked)
    rest = None
    if found.last:
        version, slug = found.last
        here = request.GET.copy()
        here["suite"] = f"{version}:{slug}"
        rest = f"{reverse('directory:changes')}?{here.urlencode()}"
    page = reverse("directory:list")
    return JsonResponse(
        {
            "since": str(asked.day or asked.version) if asked != Since() else None,
            "version": found.version,
            "published": [row | {"url": f"{page}{row['slug']}/"} for row in found.published],
            "changed": [row | {"url": f"{page}{row['slug']}/"} for row in found.changed],
            "withdrawn": found.withdrawn,
            "next": rest,
            "notices": notices,
        },
        json_dumps_params={"ensure_ascii": False},
    )


def read_since(parameters, current):
    """Where a reader stands, and what of the address was left out. From the beginning where it is
    not said: too much is safer than too little for whoever keeps a copy."""
    given, rest = (parameters.get(name, "").strip() for name in ("depuis", "suite"))
    day, version, notices = None, -1, []

    def ignore(name, value):
        notices.append(
            _("« %(name)s » : « %(value)s » ne se lit pas, tous les changements sont donnés.")
            % {"name": name, "value": value[:60]}
        )

    if VERSION.fullmatch(given):
        version = int(given)
        if version > current.version:
            # A copy older than the site may have been put back.
            version = -1
            ignore("depuis", given)
    elif given:
        try:
            day = date.fromisoformat(given) if len(given) == 10 else None
        except ValueError:
            day = None
        if day is None:
            ignore("depuis", given)
    found = REST.fullmatch(rest)
    if rest and not found:
        ignore("suite", rest)
    start = (int(found[1]), found[2]) if found else (-1, "")
    return Since(version, day, *start), notices
