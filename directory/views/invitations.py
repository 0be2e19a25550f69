"""The link of an invitation, and the invitations that staff send to many."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory import bulk_invitations, invitations, wording
from directory.forms import mistakes
from directory.models import Invitation, Role
from directory.team_forms import ProspectsForm, SendForm
from directory.views.claims import home
from directory.views.guards import for_staff, shown_or_sent

#: Set apart, as many of each reason as a page shows.
MOST_APART = 50


@shown_or_sent
@login_not_required
@never_cache
def invitation(request, token):
    """Opened, it does nothing; sent back by whoever is invited, it makes them a representative."""
    found = invitations.find(token)
    if found is None:
        response = render(request, "directory/invitation.html", {"stage": "unknown"}, status=404)
    elif request.method == "POST":
        response = accept(request, token, found)
    else:
        response = shown(request, found)
    # The address of the page is the secret: no other page is told where its reader came from.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def accept(request, token, found):
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    try:
        invitations.accept(token=token, by=request.user)
    except (invitations.Unusable, invitations.NotInvited, Invitation.DoesNotExist):
        # As it is now: another may have come first.
        found = invitations.find(token)
        if found is None:
            return render(request, "directory/invitation.html", {"stage": "unknown"}, status=404)
        return shown(request, found, refused=True)
    messages.success(
        request,
        _("Bienvenue! Vous pouvez maintenant modifier la fiche de «\xa0%(name)s\xa0».")
        % {"name": found.enterprise.name},
    )
    return redirect(home(found.enterprise))


def shown(request, found, *, refused=False):
    """What the reader can do with it: accept, sign in first, change accounts, or nothing more."""
    user, enterprise = request.user, found.enterprise
    stage = invitations.standing(found)
    if stage == "accepted" and enterprise.representatives.filter(user_id=user.pk).exists():
        stage = "yours"
    elif stage == "open" and user.is_authenticated:
        stage = "invited" if invitations.is_invited(found, user) else "other"
    # Without the address, which the page hides from whoever was given the link.
    going = urlencode({"next": request.path})
    host = found.invited_by
    context = {
        "stage": stage,
        "enterprise": {"name": enterprise.name, "url": enterprise.get_absolute_url()},
        "owner": found.role == Role.OWNER,
        "host": "" if host is None or host.is_staff else host.email,
        "address": wording.masked(found.email),
        "expires": wording.day(timezone.localdate(found.expires_at)),
        "days": invitations.GOOD_FOR.days,
        "home": home(enterprise),
        "claim": reverse("directory:claim", args=[enterprise.slug]),
        "sign_in": f"{reverse('account_login')}?{going}",
        "sign_up": f"{reverse('account_signup')}?{going}",
        "sign_out": reverse("account_logout"),
    }
    statuses = {"open": 200, "invited": 200, "yours": 200, "other": 403 if refused else 200}
    return render(request, "directory/invitation.html", context, status=statuses.get(stage, 410))


# --- Staff: many at once


@shown_or_sent
@for_staff("add_invitation")
@never_cache
def bulk(request):
    """Who would be invited, what they would read, who would not be and why; then the sending."""
    filters = ProspectsForm(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {}
    form = SendForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid():
        key = form.cleaned_data["key"]
        bulk_invitations.send(
            enterprises=form.cleaned_data["enterprises"], key=key, by=request.user
        )
        return redirect("directory:invitations_sent", key)
    rows = bulk_invitations.prospects(city=chosen.get("ville"), sector=chosen.get("secteur"))
    inviting = rows.filter(apart="")
    recipients = list(inviting[: bulk_invitations.MOST])
    subject, text = ("", "")
    if recipients:
        subject, text = bulk_invitations.preview(recipients[0], request.user)
    context = {
        "filters": filters,
        "errors": mistakes(filters) + (mistakes(form) if form else []),
        "recipients": recipients,
        "total": inviting.count(),
        "apart": set_apart(rows),
        "subject": subject,
        "text": text,
        "key": form.data.get("key", "") if form else uuid.uuid4(),
    }
    status = 400 if form and "key" in form.errors else 200
    return render(request, "directory/invitations.html", context, status=status)


@require_safe
@for_staff("add_invitation")
@never_cache
def sent(request, key):
    result = bulk_invitations.result(key)
    if result is None:
        raise Http404
    apart = [(bulk_invitations.REASONS[why], number) for why, number in result.apart.items()]
    context = {"result": result, "apart": apart, "days": invitations.GOOD_FOR.days}
    return render(request, "directory/invitations_sent.html", context)


def set_apart(rows):
    """By reason, the first of those that are not invited, and how many there are."""
    parts = []
    for why, label in bulk_invitations.REASONS.items():
        if count := rows.filter(apart=why).count():
            parts.append(
                {"label": label, "count": count, "rows": rows.filter(apart=why)[:MOST_APART]}
            )
    return parts
