"""That the person at the keyboard is the one who signed in: asked before what cannot be undone, or
what would let another in. By their second factor if they have one, else by a code sent to them."""

import time
from datetime import timedelta
from functools import wraps

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from directory import codes, second_factor
from directory.authentication import safe_next
from directory.views.entrance import ask, leading, limited
from directory.views.guards import shown_or_sent

RECENT = timedelta(minutes=15)


def recent(request):
    """Whether they proved who they are a moment ago, by their second factor if they have one."""
    records = get_authentication_records(request, request.user)
    if second_factor.has_one(request.user):
        records = [record for record in records if record["method"] == "mfa"]
    return any(time.time() - record["at"] < RECENT.total_seconds() for record in records)


def to_prove(request):
    """Those who have not are led to the page where they do, and back; None for the others. For what
    a page asks of one of its acts, once it is known to be theirs."""
    if request.user.is_authenticated and not recent(request):
        return redirect(leading("account_reauthenticate", request.path))
    return None


def recently_proven(view):
    """The same for a whole page."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        return to_prove(request) or view(request, *args, **kwargs)

    return guarded


@never_cache
@shown_or_sent
@limited
def reauthenticate(request):
    going = safe_next(request)
    types = Authenticator.objects.filter(user=request.user, type__in=second_factor.FACTORS)
    found = set(types.values_list("type", flat=True))
    if Authenticator.Type.TOTP in found:
        return redirect(leading("mfa_reauthenticate", going))
    if found:
        return redirect(leading("mfa_reauthenticate_webauthn", going))
    if request.method == "POST":
        return ask(request, codes.IDENTITY, request.user.email, going=going, user=request.user.pk)
    return render(request, "account/reauthenticate.html", {"going": going})
