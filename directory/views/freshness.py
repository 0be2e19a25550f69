"""What a reminder's link opens, and what stops mails: pages without an account.

The link itself is what allows the act, and nobody else has it: there is no session to protect and
no cookie to set. A GET changes nothing, since mail scanners follow links; a POST does.
"""

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from directory import freshness, mailings, outbox, wording
from directory.views.guards import shown_or_sent


@shown_or_sent
@login_not_required
@csrf_exempt
@never_cache
def confirm(request, token):
    link = freshness.confirm_by_link(token) if request.method == "POST" else None
    if link and link.state == "good":
        # Shown by a GET: loaded again, it sends nothing, and says that it is done.
        return redirect("directory:confirm", token)
    link = link or freshness.read_link(token)
    if link is None:
        return render(request, "directory/broken_link.html", status=404)
    enterprise = link.enterprise
    context = {
        "enterprise": {"name": enterprise.name, "url": enterprise.get_absolute_url()},
        "state": link.state,
        "facts": freshness.facts(enterprise),
        "confirmed_on": enterprise.confirmed_on and wording.day(enterprise.confirmed_on),
        "due_on": wording.day(enterprise.due_on),
        "change_url": change_address(enterprise),
    }
    return render(request, "directory/confirm.html", context)


def change_address(enterprise):
    """Where whoever speaks for the enterprise changes its listing; who does not yet, asks to."""
    represented = enterprise.representatives.active().exists()
    name = "directory:mine_listing" if represented else "directory:claim"
    return reverse(name, args=[enterprise.slug])


@shown_or_sent
@login_not_required
@csrf_exempt
@never_cache
def unsubscribe(request, token):
    """Also what a mailbox's own button calls (RFC 8058), without a cookie."""
    about = outbox.unsubscription(token)
    if about is None:
        return render(request, "directory/broken_link.html", status=404)
    email, kind = about
    if request.method == "POST":
        outbox.unsubscribe(email=email, kind=kind)
    context = {
        "email": email,
        "kind": mailings.label(kind),
        "done": outbox.unsubscribed(email, kind),
    }
    return render(request, "directory/unsubscribe.html", context)
