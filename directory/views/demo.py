"""The people of the demonstration, a button to sign in as each, and the mail they get. Nowhere
else: the addresses are not in the resolver, and the views answer as if they were not
(settings.DEMO_SIGN_IN, checks.py)."""

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory import demo_people
from directory.authentication import safe_next
from directory.models import Mail, User
from directory.views.guards import shown_or_sent

SHOWN = 20


@login_not_required
@never_cache
@require_safe
def mailbox(request):
    """The last mails, which the demonstration sends to nobody: the codes that its pages ask for."""
    if not settings.DEMO_SIGN_IN:
        raise Http404
    mails = Mail.objects.order_by("-created_at", "-pk")[:SHOWN]
    return render(request, "account/mailbox.html", {"mails": mails})


@login_not_required
@never_cache
@shown_or_sent
def people(request):
    if not settings.DEMO_SIGN_IN:
        raise Http404
    if request.method == "POST":
        known = {person.email for person in demo_people.PEOPLE}
        user = get_object_or_404(
            User, email=request.POST.get("email", ""), email__in=known, is_active=True
        )
        if request.user.is_authenticated:
            logout(request)
        record_authentication(request, user, method="demo")
        return perform_login(request, Login(user=user, redirect_url=safe_next(request) or None))
    found = {
        user.email: user
        for user in User.objects.filter(email__in=[p.email for p in demo_people.PEOPLE])
    }
    shown = [
        {"person": person, "user": found[person.email]}
        for person in demo_people.PEOPLE
        if person.email in found
    ]
    return render(request, "account/demo.html", {"people": shown, "going": safe_next(request)})
