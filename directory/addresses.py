"""Whole addresses, for what leaves the site: feeds, maps for crawlers, links for other programs."""

from django.conf import settings
from django.http import HttpRequest


def origin(request: HttpRequest) -> str:
    """What every address of the site begins with: `SITE_URL`, else the name that was used to ask,
    which is one of `ALLOWED_HOSTS`."""
    return settings.SITE_URL or f"{request.scheme}://{request.get_host()}"


def absolute(request: HttpRequest, path: str) -> str:
    """The whole address of a path that is already quoted, such as `reverse` gives."""
    return origin(request) + path


def link(path: str) -> str:
    """The same for a mail, which is read elsewhere and later: never made of the name that a request
    gave. Without `SITE_URL` it leads to this machine."""
    return (settings.SITE_URL or "http://127.0.0.1:8000") + path
