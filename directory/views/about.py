"""What the site says of itself: who keeps it, for whom it works, what it knows of people."""

from datetime import date, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from directory import bounces, freshness, reports, retention, wording
from directory.accounts import PRIVACY_TEXT
from directory.facets import CONFIRMED, RECOGNISED
from directory.models import Recognition
from directory.views.caching import kept_for_an_hour, kept_while_unchanged

#: The day on which the statement was last compared with what the site does; move it when it is.
ACCESSIBILITY_REVIEWED_ON = date(2026, 11, 22)


@require_safe
@login_not_required
@kept_while_unchanged
def about(request, current):
    whole = current.whole
    context = {
        "total": wording.number(whole.total),
        "recognised": wording.number(whole.counts.get(RECOGNISED, 0)),
        "confirmed": wording.number(whole.counts.get(CONFIRMED, 0)),
        "share_confirmed": freshness.share_confirmed(current),
        "criteria": Recognition.Criterion.labels,
    }
    return render(request, "directory/about.html", context)


@require_safe
@login_not_required
@kept_for_an_hour
def accessibility(request):
    context = {"reviewed": wording.day(ACCESSIBILITY_REVIEWED_ON)}
    return render(request, "directory/accessibility.html", context)


@require_safe
@login_not_required
@kept_for_an_hour
def privacy(request):
    context = {
        "reviewed": wording.day(PRIVACY_TEXT),
        "officer": settings.PRIVACY_OFFICER_NAME,
        "officer_title": settings.PRIVACY_OFFICER_TITLE,
        "officer_email": settings.PRIVACY_OFFICER_EMAIL or settings.POLE_EMAIL,
        "log_days": settings.LOG_DAYS,
        # The one thing that may come from elsewhere.
        "kept": wording.span(reports.KEPT_ONCE_HANDLED),
        "kept_at_most": wording.span(reports.KEPT_AT_MOST),
        "session": wording.span(timedelta(seconds=settings.SESSION_COOKIE_AGE)),
        "bounced": wording.span(bounces.COUNTS_FOR),
        "lines": retention.LINES,
        "tiles": urlsplit(settings.MAP_TILE_URL).netloc,
    }
    return render(request, "directory/privacy.html", context)
