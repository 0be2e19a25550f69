"""What is new in the directory, as a page and as a feed."""

import math
import re
from datetime import datetime, time
from itertools import groupby

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory import cards, wording
from directory.addresses import absolute
from directory.news import newest
from directory.views.caching import kept_while_unchanged

PAGE_SIZE = 30
#: As in a search: what stands further is found by searching.
LAST_PAGE = 50
#: A feed reader that comes once a week misses nothing of a busy one.
ENTRIES = 50
# What XML cannot hold, however it is written.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@require_safe
@login_not_required
@kept_while_unchanged
def news(request, current):
    total = current.whole.total
    last = min(LAST_PAGE, max(1, math.ceil(total / PAGE_SIZE)))
    number, notice = page_asked(request.GET.get("page", "").strip(), last)
    rows = newest((number - 1) * PAGE_SIZE, PAGE_SIZE)
    path = reverse("directory:news")
    context = {
        "canonical": absolute(request, page_url(path, number)),
        "total_label": wording.enterprises(total),
        "months": [
            {"name": name, "rows": [line(row, current) for row in month]}
            for name, month in groupby(rows, key=lambda row: month_name(row.published_on))
        ],
        "notice": notice,
        "pages": {
            "number": number,
            "count": last,
            "previous_url": page_url(path, number - 1) if number > 1 else "",
            "next_url": page_url(path, number + 1) if number < last else "",
        },
        "cut": number == last and total > LAST_PAGE * PAGE_SIZE,
    }
    return render(request, "directory/news.html", context)


def page_url(path, number):
    return f"{path}?page={number}" if number > 1 else path


def page_asked(text, last):
    """The page that is meant, and what is to be said where there is none of that name."""
    if not text:
        return 1, ""
    if not re.fullmatch("[0-9]{1,3}", text) or not int(text):
        shown = text if len(text) <= 60 else text[:60] + "…"
        return 1, _("« %(value)s » n’est pas un numéro de page : voici la première.") % {
            "value": shown
        }
    if int(text) > last:
        return last, _("La page %(page)d n’existe pas : voici la dernière.") % {"page": int(text)}
    return int(text), ""


def month_name(day):
    return date_format(day, "F Y").capitalize()


def line(row, current):
    return cards.summary(row.card, current.labels) | {
        "day": wording.day(row.published_on),
        "iso": row.published_on.isoformat(),
        "form": cards.FORMS[row.card["form"]],
    }


@require_safe
@login_not_required
@kept_while_unchanged
def atom(request, current):
    path = reverse("directory:atom")
    feed = Atom1Feed(
        title=_("%(site)s : nouveautés") % {"site": settings.SITE_NAME},
        subtitle=_("Les entreprises nouvellement inscrites"),
        description=None,
        link=absolute(request, reverse("directory:news")),
        feed_url=absolute(request, path),
        feed_guid=absolute(request, path),
        author_name=settings.POLE_NAME,
        language="fr-CA",
    )
    for row in newest(0, ENTRIES):
        summary = cards.summary(row.card, current.labels)
        form = cards.FORMS[row.card["form"]]
        published = datetime.combine(row.published_on, time.min, timezone.get_current_timezone())
        feed.add_item(
            title=writable(summary["name"]),
            link=absolute(request, summary["url"]),
            unique_id=tag(request, row),
            pubdate=published,
            updateddate=max(published, row.updated_at),
            # Read as HTML.
            description=escape(writable(f"{summary['what']} – {form}, {summary['city']}")),
        )
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def writable(text):
    return UNWRITABLE.sub(" ", text)


def tag(request, row):
    """A name for the entry (RFC 4151) that stays when the enterprise changes its own, and with it
    its address: the site's, the day the enterprise was entered, its number."""
    host = absolute(request, "").partition("://")[2].partition(":")[0]
    day = timezone.localdate(row.created_at)
    return f"tag:{host},{day.isoformat()}:entreprise/{row.enterprise_id}"
