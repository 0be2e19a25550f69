from functools import wraps
from hashlib import sha256

from django.http import HttpResponseNotModified
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control

from directory import state

#: For a form that is one person's: asked for again rather than forbidden to be kept, so that who
#: goes back finds what they wrote.
kept_by_nobody_else = cache_control(private=True, no_cache=True)


def kept_while_unchanged(view):
    """Call the view with the state of the data; a browser that has the page of this state, this
    day and this release is told so instead, before anything else is read.

    For what anonymous readers see alone: a person signed in gets the page anew, kept by nobody.
    """

    @wraps(view)
    def kept(request, *args, **kwargs):
        if "Cookie" in request.headers and request.user.is_authenticated:
            response = _answered(view, request, state.current(), *args, **kwargs)
            patch_cache_control(response, private=True, no_cache=True)
            return response
        current = state.current()
        etag = f'W/"{current.etag}-{get_language()}-{"h" if request.htmx else "p"}"'
        if etag in parse_etags(request.headers.get("If-None-Match", "")):
            response = HttpResponseNotModified()
        else:
            response = _answered(view, request, current, *args, **kwargs)
        response.headers["ETag"] = etag
        patch_cache_control(response, public=True, max_age=0, must_revalidate=True)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return kept


def _answered(view, request, current, *args, **kwargs):
    """The view's answer; once more where a row bore a label that is younger than `current`."""
    try:
        return view(request, *args, current=current, **kwargs)
    except KeyError:
        renewed = state.current()
        if renewed.version == current.version:
            raise
        return view(request, *args, current=renewed, **kwargs)


def kept_for_an_hour(view):
    """For a page that says the same whatever the data: for anonymous readers, no question to the
    database, and a browser that has this very text is told so once the hour has passed."""

    @wraps(view)
    def kept(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        etag = f'W/"{sha256(response.content).hexdigest()[:20]}"'
        if etag in parse_etags(request.headers.get("If-None-Match", "")):
            response = HttpResponseNotModified()
        response.headers["ETag"] = etag
        if "Cookie" in request.headers and request.user.is_authenticated:
            # Its header is theirs, and so is what the site has just told them.
            patch_cache_control(response, private=True, no_cache=True)
        else:
            patch_cache_control(response, public=True, max_age=3600)
        return response

    return kept
