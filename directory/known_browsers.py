"""Browsers in which somebody has signed in: strangers who ask for codes in the name of a person do
not use up what that person may ask for there.

Told by a cookie that only pages of accounts are sent, kept a year: a number drawn at random, and a
keyed hash of it with the address. Nothing is kept here; the cookie says of whom to nobody who does
not know the address and the site's key. It opens nothing: a code is asked for all the same.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

from directory.models import User

KEPT = timedelta(days=365)
PATH = "/compte/"
NUMBER = 22  # characters


def allowance(request: HttpRequest, email: str) -> str:
    """Under what name what is asked for this address is counted apart: the person themself, signed
    in; a browser that they know. "" for whoever else asks."""
    user = request.user
    if user.is_authenticated and user.email == email:
        return f"user {user.pk}"
    number = known(request, email)
    return f"browser {number}" if number else ""


def known(request: HttpRequest, email: str) -> str:
    """The number of this browser, where whoever has this address signed in last; "" elsewhere."""
    number, _dot, said = request.COOKIES.get(settings.BROWSER_COOKIE_NAME, "").partition(".")
    good = len(number) == NUMBER and constant_time_compare(said, mark(number, email))
    return number if good else ""


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """That this person signed in here, instead of whoever did before."""
    number = known(request, user.email) or get_random_string(NUMBER)
    response.set_cookie(
        settings.BROWSER_COOKIE_NAME,
        f"{number}.{mark(number, user.email)}",
        max_age=KEPT,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def mark(number: str, email: str) -> str:
    said = f"{number}|{email}"
    return salted_hmac("directory.known_browsers", said, algorithm="sha256").hexdigest()
