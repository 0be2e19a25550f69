"""How often somebody may do something, counted in the database: exact across processes, and with
nothing kept that says who.

A counter's key is a keyed hash of what is done, by whom and in which span of time; the key of the
hash is the site's secret and the day's date, so that two days cannot be joined and, once the
counters are erased, nothing of an address is left.
"""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone


@dataclass(frozen=True)
class Limit:
    most: int
    within: timedelta


@dataclass
class TooMany(Exception):
    """Somebody did one thing as often as they may; `seconds` until they may again."""

    seconds: int


# Of those at their limit nothing is written, and nothing comes back.
COUNT = """
INSERT INTO directory_counter AS c (key, hits, expires_at) VALUES (%s, 1, %s)
ON CONFLICT (key) DO UPDATE SET hits = c.hits + 1 WHERE c.hits < %s
RETURNING hits
"""


def admit(*, purpose: str, client: str, limits: list[Limit]) -> int:
    """Count one more `purpose` of `client`; 0 if none of the limits was reached, else the seconds
    after which it is worth trying again, and nothing is counted.

    Within a transaction that is rolled back, nothing was counted either. Fails with the database:
    what is limited is then refused. Spans are those of the clock (an hour from 14:00 to 15:00)."""
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        # The longest first, always, so that two requests never wait for each other.
        for limit in sorted(limits, key=lambda limit: limit.within, reverse=True):
            until = _end(now, limit.within)
            cursor.execute(COUNT, [_key(purpose, client, limit, until), until, limit.most])
            if cursor.fetchone() is None:
                transaction.set_rollback(True)
                return int((until - now).total_seconds()) + 1
    return 0


def _end(now: datetime, span: timedelta) -> datetime:
    """The end of the span of time that `now` is in, counted from the epoch."""
    seconds = int(span.total_seconds())
    return datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)


def _key(purpose: str, client: str, limit: Limit, until: datetime) -> str:
    secret = f"{settings.SECRET_KEY} {until:%Y-%m-%d}"
    said = f"{purpose}|{limit.within}|{until.isoformat()}|{client}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def address(request: HttpRequest) -> str:
    """The address that a request comes from, as the nearest trusted proxy saw it.

    `PROXY_COUNT` proxies in front of the site each add to the end of X-Forwarded-For the address
    they were called from: what stands before those was written by whoever called, and says nothing.
    Of an IPv6 address, the network that one subscriber has (64 bits)."""
    seen = request.META.get("REMOTE_ADDR", "")
    if count := settings.PROXY_COUNT:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= count:
            seen = forwarded[-count].strip()
    try:
        parsed = ipaddress.ip_address(seen)
    except ValueError:
        return seen[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
