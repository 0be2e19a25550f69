"""The results, as a page and for programs."""

from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from directory import cards, search
from directory.correction import answer
from directory.filters import FileFilter
from directory.pages import found_at
from directory.suggestions import suggest
from directory.views.caching import kept_while_unchanged


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_list(request, current):
    page = found_at(reverse("directory:list"), request.GET, current)
    template = "directory/_results.html" if request.htmx else "directory/list.html"
    return render(request, template, page.context())


@require_safe
@login_not_required
@kept_while_unchanged
def enterprise_json(request, current):
    filters = FileFilter(request.GET, current.labels)
    found, _help, correction = answer(filters, current)
    return JsonResponse(
        {
            "total": found.total,
            "exact": found.exact,
            "page": filters.criteria.page,
            "corrected": correction and correction.text,
            "synonyms": [
                {"term": group.terms[0].text, "others": [other.text for other in group.widened]}
                for group in filters.criteria.query.groups
                if group.widened
            ],
            "city": filters.criteria.query.town and filters.criteria.query.town.name,
            "aside": list(filters.criteria.query.aside),
            "notices": filters.notices,
            "results": [cards.record(row, current) for row in found.rows],
        },
        json_dumps_params={"ensure_ascii": False},
    )


@require_safe
@login_not_required
@kept_while_unchanged
def suggestions(request, current):
    """What a person may mean while typing: names, offerings, sectors, cities."""
    found = suggest(request.GET.get("q", "")[: search.LONGEST_TEXT], current)
    return JsonResponse({"suggestions": found}, json_dumps_params={"ensure_ascii": False})
