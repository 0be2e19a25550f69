"""The second factor: asked of the Pôle's staff on every page but those of their own account, from
their first sign-in; of the others who chose to have one, when they sign in.

Off in the demonstration alone (`DEMO_SIGN_IN`).
"""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from directory.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: Where one may be without it: to give it, to set it up, to sign out.
OPEN = ("/compte/", "/demo/", "/sante/", settings.STATIC_URL, settings.MEDIA_URL)


def required(user: User) -> bool:
    return (user.is_staff or user.is_superuser) and not settings.DEMO_SIGN_IN


def has_one(user: User) -> bool:
    return mine(user).exists()


def mine(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, type__in=FACTORS)


def has_to_stay(user: User) -> bool:
    """Whether it is the only one of somebody who has to have one."""
    return required(user) and mine(user).count() < 2


def used(request: HttpRequest) -> bool:
    """Whether this session gave one; a recovery code counts, once."""
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" for record in records)


def added(request: HttpRequest, authenticator: Authenticator) -> None:
    """Setting it up proved that one has it."""
    record_authentication(
        request, authenticator.user, "mfa", id=authenticator.pk, type=authenticator.type
    )
    renew(request)


def renew(request: HttpRequest) -> None:
    """Give the session another number, now that it may do more."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def spend(authenticator: Authenticator, code: str) -> bool:
    """Use the code of an application, once: False for it or an older one afterwards, in whatever
    process (RFC 6238, 5.2)."""
    with transaction.atomic():
        kept = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        secret = decrypt(kept.data["secret"])
        typed = "".join(character for character in code if character.isdigit())
        matching = [
            counter
            for counter in yield_hotp_counters_from_time()
            if f"{hotp_value(secret, counter):06}" == typed
        ]
        if not matching or max(matching) <= kept.data.get("counter", 0):
            return False
        kept.data["counter"] = max(matching)
        kept.save(update_fields=["data"])
    authenticator.data = kept.data
    return True


class SecondFactorMiddleware:
    """Lead staff who have not given their second factor to where they set it up or give it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> Any:
        # Without the cookie nobody is signed in: nothing is asked of the session.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith(OPEN):
            return None
        user = request.user
        if not user.is_authenticated or not required(user):
            return None
        has = has_one(user)
        if has and used(request):
            return None
        page = "account_reauthenticate" if has else "mfa_index"
        came_from = request.get_full_path() if request.method == "GET" else ""
        return redirect_to_login(came_from or reverse("account_home"), reverse(page))
