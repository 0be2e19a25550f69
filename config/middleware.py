import logging
import re
import time
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpResponse
from django.utils.crypto import get_random_string

from config import errors
from config.logs import current_request

log = logging.getLogger("site.request")

# Bytes that are not UTF-8, as Django writes them again; no address of the site has a percent sign.
BROKEN_PATH = re.compile("%[89A-F][0-9A-F]")
LENGTH = re.compile("[0-9]{0,18}")

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class RequestMiddleware:
    """Give the request an id, the answer its headers, and the log one line without personal data:
    no query string (people type names), no address, no e-mail."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.id = get_random_string(12, "abcdefghjkmnpqrstuvwxyz23456789")
        token = current_request.set(request)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            response.headers["X-Request-ID"] = request.id
            if response.cookies and "public" in response.headers.get("Cache-Control", ""):
                # Django answers a cookie that it cannot read with one of its own, or with none.
                # What anybody may be given says nothing to one reader.
                response.cookies.clear()
            log.info(
                "%s %s %s %.0f ms",
                request.method,
                request.path,
                response.status_code,
                (time.perf_counter() - started) * 1000,
            )
        finally:
            current_request.reset(token)
        return response


class WellFormedMiddleware:
    """Refuse once for all what no page of the site can mean: NUL, bytes that are not UTF-8,
    a query string longer than any search, a body larger than any form, methods that the site does
    not speak."""

    LONGEST_QUERY = 4096
    # Bytes: the forms of everyone take no file; what people signed in send may hold some.
    LARGEST_FORM, LARGEST_UPLOAD = 3_000_000, 50_000_000
    METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in self.METHODS:
            response = HttpResponse(status=405)
            response.headers["Allow"] = ", ".join(sorted(self.METHODS))
            return response
        # Django reads it as a number without looking; not every server in front refuses it.
        if not LENGTH.fullmatch(request.META.get("CONTENT_LENGTH") or ""):
            return errors.page(request, 400)
        signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
        most = self.LARGEST_UPLOAD if signed_in else self.LARGEST_FORM
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            return errors.page(request, 413)
        query = request.META.get("QUERY_STRING", "")
        if len(query) > self.LONGEST_QUERY:
            return errors.page(request, 414)
        if "\0" in request.path or BROKEN_PATH.search(request.path) or not _is_text(query):
            return errors.page(request, 400)
        # A quoted cookie may write NUL in digits, which no server in front would notice. Left out
        # rather than refused, or whoever was given one could open no page until it expires.
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)


def _is_text(query):
    raw = unquote_to_bytes(query.encode("latin-1", "replace"))
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False
