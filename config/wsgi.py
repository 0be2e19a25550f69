import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

site = get_wsgi_application()
# Before the server forks: each worker would load them at its first request, from the code of then.
get_resolver().url_patterns  # noqa: B018
# What is loaded stays: no worker looks through it for what could be freed, and so copies it.
gc.collect()
gc.freeze()


def application(environ, start_response):
    """The site, told of a body's type and boundary only.

    Django reads addresses with whatever codec of Python's the header names (`charset=base64`),
    while it makes the request: what fails there fails before any layer that makes pages.
    """
    kind, *parameters = environ.get("CONTENT_TYPE", "").split(";")
    kept = [part for part in parameters if part.strip().lower().startswith("boundary=")]
    environ["CONTENT_TYPE"] = ";".join([kind, *kept])
    return site(environ, start_response)
