"""How often each profile is opened: counted beside the page, never in its way.

What a process counts it keeps in memory, and adds to the database within a minute in one statement,
and when it ends. Nothing says who: no cookie, no address. A page that the browser had kept (304) is
counted as the others are; programs that say what they are, and pages fetched before anyone asks for
them, are not.
"""

import atexit
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.db import Error, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from directory.models import Enterprise, ProfileVisits

logger = logging.getLogger(__name__)

EVERY = 60.0  # seconds between two writes
#: Listings of which a process keeps the count between two writes.
MOST = 20_000
LONGEST_SLUG = Enterprise._meta.get_field("slug").max_length or 0
PROGRAMS = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|monitor|scan|curl|wget|python|java/|go-http|okhttp"
    r"|headless|lighthouse|facebookexternal|embed",
    re.IGNORECASE,
)
# In the order of their keys, so that two processes never wait for each other.
ADD = """
INSERT INTO directory_profilevisits AS v (enterprise_id, month, views)
SELECT e.id, said.month, said.views
FROM unnest(%s::text[], %s::date[], %s::int[]) AS said (slug, month, views)
JOIN directory_enterprise e ON e.slug = said.slug AND e.state = 'published'
ORDER BY e.id, said.month
ON CONFLICT (enterprise_id, month) DO UPDATE SET views = v.views + excluded.views
"""

_lock = threading.Lock()
_tally: Counter[tuple[str, date]] = Counter()
_timer: threading.Timer | None = None


def counted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Count each time that a person is shown the profile of `slug`."""

    @wraps(view)
    def answered(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponse:
        response = view(request, slug=slug, **arguments)
        if response.status_code in (200, 304) and by_a_person(request):
            count(slug)
        return response

    return answered


def by_a_person(request: HttpRequest) -> bool:
    """Whether a browser asked for it, as far as it says."""
    headers = request.headers
    ahead = headers.get("Sec-Purpose", headers.get("Purpose", ""))
    program = headers.get("User-Agent", "")[:400]
    asked = request.method == "GET" and "prefetch" not in ahead
    return asked and bool(program) and not PROGRAMS.search(program)


def count(slug: str) -> None:
    """One more visit of this listing, to be written within a minute."""
    global _timer
    key = (slug, timezone.localdate().replace(day=1))
    with _lock:
        # An address that is no listing's may come here (a 304 asks nothing of the database).
        if len(slug) > LONGEST_SLUG or key not in _tally and len(_tally) >= MOST:
            return
        _tally[key] += 1
        if _timer is None:
            _timer = threading.Timer(EVERY, _write_apart)
            _timer.daemon = True
            _timer.start()


def write() -> None:
    """Add what was counted to the database; kept for the next time where that fails."""
    global _timer
    with _lock:
        said, _timer = dict(_tally), None
        _tally.clear()
    if not said:
        return
    slugs, months = zip(*said, strict=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(ADD, [list(slugs), list(months), list(said.values())])
    except (Error, InterfaceError):
        with _lock:
            _tally.update(said)
        raise


def _write_apart() -> None:
    try:
        write()
    except Error:
        logger.exception("Visits could not be written; they are kept for the next time")
    finally:
        connection.close()


def forget() -> None:
    """Leave out what was counted and not written, as a process that is killed does."""
    global _timer
    with _lock:
        _tally.clear()
        if _timer is not None:
            _timer.cancel()
        _timer = None


@atexit.register
def _write_at_the_end() -> None:
    if _tally:
        _write_apart()


def of_last_months(enterprise: Enterprise, months: int) -> list[tuple[date, int]]:
    """The first day of each of the last `months`, this one first, and how many visits it had."""
    first = timezone.localdate().replace(day=1)
    days = [first]
    while len(days) < months:
        last = days[-1]
        days.append(date(last.year - (last.month == 1), (last.month - 2) % 12 + 1, 1))
    rows = ProfileVisits.objects.filter(enterprise=enterprise, month__gte=days[-1])
    views = dict(rows.values_list("month", "views"))
    return [(day, views.get(day, 0)) for day in days]
