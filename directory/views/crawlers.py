"""What programs read of the site: search engines, browsers, those who look for weaknesses."""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from directory import search, sitemaps
from directory.addresses import absolute, origin
from directory.suggestions import suggest
from directory.views.caching import kept_for_an_hour, kept_while_unchanged

#: RFC 9116 wants an end, at most a year ahead; it moves on every day.
SECURITY_TEXT_LASTS = timedelta(days=180)

# Addresses with parameters are combinations of filters without number, whose every listing the map
# of the site names already. They say "noindex" too, for whoever reads one all the same.
RULES = """\
Disallow: /*?
Allow: /nouveautes/?page=
Disallow: /admin/
Disallow: /entreprises.
Disallow: /entreprises/suggestions/
Disallow: /entreprises/*/signaler/
Disallow: /entreprises/*/reclamer/
Disallow: /entreprises/*.vcf
Disallow: /invitation/
Disallow: /merci/
"""


@require_safe
@login_not_required
@kept_for_an_hour
def robots(request):
    # A demonstration would be found in place of the real enterprises.
    rules = "Disallow: /\n" if settings.DEMO else RULES
    address = absolute(request, reverse("directory:sitemap"))
    return HttpResponse(
        f"User-agent: *\n{rules}\nSitemap: {address}\n", content_type="text/plain; charset=utf-8"
    )


@require_safe
@login_not_required
@kept_while_unchanged
def sitemap(request, current):
    context = {
        "sitemaps": [
            {"location": absolute(request, reverse("directory:sitemap_section", args=[name]))}
            for name in sitemaps.sections(current)
        ]
    }
    return render(request, "sitemap_index.xml", context, content_type="application/xml")


@require_safe
@login_not_required
@kept_while_unchanged
def sitemap_section(request, name, current):
    paths = sitemaps.paths(name, current)
    if paths is None:
        raise Http404
    base = origin(request)
    context = {"urlset": [{"location": base + path, "lastmod": changed} for path, changed in paths]}
    return render(request, "sitemap.xml", context, content_type="application/xml")


@require_safe
@login_not_required
@kept_for_an_hour
def opensearch(request):
    context = {"origin": origin(request)}
    return render(
        request,
        "directory/opensearch.xml",
        context,
        content_type="application/opensearchdescription+xml; charset=utf-8",
    )


@require_safe
@login_not_required
@kept_while_unchanged
def opensearch_suggestions(request, current):
    """The suggestions of the site in the form that browsers read."""
    text = request.GET.get("q", "")[: search.LONGEST_TEXT]
    found = suggest(text, current)
    answer = [
        text,
        [row["label"] for row in found],
        [row["kind"] for row in found],
        [absolute(request, row["url"]) for row in found],
    ]
    return JsonResponse(
        answer,
        safe=False,
        json_dumps_params={"ensure_ascii": False},
        content_type="application/x-suggestions+json",
    )


@require_safe
@login_not_required
@kept_for_an_hour
def security(request):
    expires = datetime.combine(timezone.now() + SECURITY_TEXT_LASTS, time.min, UTC)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fr, en",
        f"Canonical: {absolute(request, reverse('directory:security'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
