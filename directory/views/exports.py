"""A search as a file, and the page where one chooses which."""

import tempfile
from urllib.parse import quote, urlencode
from wsgiref.util import FileWrapper

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import dictionary, exports, results, wording
from directory.addresses import absolute
from directory.correction import corrected
from directory.exports import MOST_IN_WORKBOOK
from directory.filters import ExportFilter
from directory.help import help_for
from directory.licence import licence
from directory.models import Visibility
from directory.pages import Page
from directory.profile import audiences
from directory.resources import PRESETS
from directory.selection import comes_by_name, every_id
from directory.views.caching import kept_while_unchanged

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON = "application/geo+json"
PIECE = 64 * 1024
#: Characters of the header that says what was ignored: proxies refuse large ones.
LONGEST_NOTICE = 300
#: Parameters of a page of results that say nothing of what was searched for.
OF_THE_PAGE = {"page", "taille", "tout", "colonnes"}


class Asked:
    """What a request asks to be given: the search with its mistyped word corrected as on the page,
    the keys of all it finds, and what was ignored of it."""

    def __init__(self, request, current):
        self.request = request
        self.current = current
        self.filters = ExportFilter(request.GET, current.labels)
        self.columns = self.filters.columns
        self.seen = audiences(request.user)
        self.ids = every_id(self.filters.criteria, current)
        if not self.ids and self.criteria.query:
            self.correct()

    @property
    def criteria(self):
        return self.filters.criteria

    @property
    def notices(self):
        return self.filters.notices

    def correct(self):
        correction = corrected(self.criteria, help_for(self.criteria, self.current), self.current)
        if not correction:
            return
        self.filters.criteria = correction.criteria
        self.ids = every_id(self.criteria, self.current)
        if self.ids:
            self.notices.append(_("Résultats pour « %(text)s ».") % {"text": correction.text})

    def file(self, extension, content_type, stream):
        """The file that `stream` gives piece by piece; a HEAD is told all but those."""
        pieces = () if self.request.method == "HEAD" else stream
        response = StreamingHttpResponse(pieces, content_type=content_type)
        name = f"entreprises-{self.current.today:%Y-%m-%d}.{extension}"
        response.headers["Content-Disposition"] = content_disposition_header(True, name)
        if self.notices:
            response.headers["X-Notices"] = quote(" | ".join(self.notices)[:LONGEST_NOTICE])
        return response


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_csv(request, current):
    asked = Asked(request, current)
    lines = exports.csv_lines(asked.ids, asked.columns, asked.seen, current)
    return asked.file("csv", CSV, lines)


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_geojson(request, current):
    asked = Asked(request, current)
    features = exports.geojson(asked.ids, asked.criteria.near, asked.notices, current)
    return asked.file("geojson", GEOJSON, features)


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_xlsx(request, current):
    asked = Asked(request, current)
    if len(asked.ids) > MOST_IN_WORKBOOK:
        refusal = _(
            "Un classeur Excel contient au plus %(most)s entreprises et cette recherche en donne "
            "%(count)s. Prenez le CSV, qu’Excel ouvre aussi, ou précisez la recherche."
        ) % {"most": wording.number(MOST_IN_WORKBOOK), "count": wording.number(len(asked.ids))}
        return render(request, PANEL, panel(asked) | {"refusal": refusal}, status=400)
    book = () if request.method == "HEAD" else workbook(asked)
    return asked.file("xlsx", XLSX, book)


def workbook(asked):
    """A workbook, whole, in a file that is gone once the answer is."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 closed with the response
    try:
        exports.write_workbook(
            file, asked.ids, asked.columns, asked.seen, asked.current, about(asked)
        )
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileWrapper(file, PIECE)


def about(asked):
    """What a workbook says of itself."""
    page = f"{reverse('directory:list')}{query_of(asked)}"
    rows = [
        (_("Source"), f"{settings.SITE_NAME}, {settings.POLE_NAME}"),
        (_("Recherche"), absolute(asked.request, page)),
        (_("Date"), asked.current.today),
        (_("Entreprises"), len(asked.ids)),
        (_("Coordonnées"), reserved(asked.seen)),
        (_("Licence"), licence()["text"]),
    ]
    return rows + [(_("À noter"), notice) for notice in asked.notices]


def reserved(seen):
    if Visibility.STAFF in seen:
        return _("toutes, celles de l’équipe du Pôle comprises ; ne pas diffuser")
    if Visibility.BUYERS in seen:
        return _("publiques et réservées aux acheteurs publics ; ne pas diffuser")
    return _("publiques seulement")


def query_of(asked, **more):
    """The search of `asked` as it stands in an address, « ? » included."""
    parameters = {
        name: asked.request.GET.getlist(name)
        for name in asked.filters.filters
        if name not in OF_THE_PAGE and any(asked.request.GET.getlist(name))
    }
    query = urlencode(parameters | more, doseq=True)
    return f"?{query}" if query else ""


# --- The page

PANEL = "directory/download.html"


@require_safe
@login_not_required
@kept_while_unchanged
def download(request, current):
    asked = Asked(request, current)
    return render(request, PANEL, panel(asked))


def panel(asked):
    """The formats, and the columns to choose from: which are ticked is in the address, so that it
    can be kept."""
    here = reverse("directory:download")
    found = results.Results(len(asked.ids), [], {})
    page = Page(here, asked.request.GET, asked.filters, found, None, None, asked.current)
    labels = {
        "registre": _("Registre de fournisseurs"),
        "coordonnees": _("Coordonnées"),
        "tout": _("Tout"),
    }
    named = next((name for name in PRESETS if PRESETS[name] == asked.columns), None)
    chosen = named or ",".join(asked.columns)
    return {
        "total": len(asked.ids),
        "by_name": comes_by_name(asked.filters.criteria, len(asked.ids)),
        "heading": page.heading(),
        "chips": page.chips(),
        "list_url": f"{reverse('directory:list')}{query_of(asked)}",
        "notices": asked.notices,
        "fields": [
            {"name": name, "value": value}
            for name, values in page.parameters.items()
            if name not in OF_THE_PAGE
            for value in values
        ],
        "presets": [
            {
                "label": label,
                "count": len(PRESETS[name]),
                "url": f"{here}{query_of(asked, colonnes=name)}#colonnes",
                "current": name == named,
            }
            for name, label in labels.items()
        ],
        "groups": [
            {
                "title": title,
                "columns": [
                    {
                        "name": entry.name,
                        "label": entry.header,
                        "meaning": entry.meaning,
                        "ticked": entry.name in asked.columns,
                    }
                    for entry in entries
                ],
            }
            for title, entries in dictionary.entries()
        ],
        "keep_url": f"{here}{query_of(asked, colonnes=chosen)}",
        "geojson_url": f"{reverse('directory:list_geojson')}{query_of(asked)}",
        "json_url": f"{reverse('directory:list_json')}{query_of(asked)}",
        "reserved": reserved(asked.seen),
    }
