"""What stands at an address of listings where none is published any longer."""

from functools import wraps

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from directory import merging
from directory.models import Enterprise
from directory.slugs import stood_at


def shown_once():
    """The listings that are or were published: those that have an address."""
    listings = Enterprise.objects.exclude(state=Enterprise.State.DRAFT)
    return listings.select_related("replaced_by")


def gone(request, enterprise):
    """What stands at an address of an archived listing: where it was merged, the way to the same
    address of the listing that was kept, for good."""
    if kept := merging.successor(enterprise):
        return led_to(request, kept)
    successor = enterprise.replaced_by
    if successor and successor.state != Enterprise.State.PUBLISHED:
        successor = None
    if enterprise.closing == Enterprise.Closing.CLOSED:
        reason = _("Cette entreprise a cessé ses activités")
    elif successor:
        reason = _("Remplacée par %(name)s") % {"name": successor.name}
    else:
        reason = _("Fiche non publiée\xa0; écrivez au Pôle")
    context = {
        "name": enterprise.name,
        "reason": reason,
        "replacement": successor and {"name": successor.name, "url": successor.get_absolute_url()},
    }
    return render(request, "directory/gone.html", context, status=410)


def moved(request, slug):
    """The way to the same address of the listing that this one was of, for good. Raises Http404
    where there was none, or where it is a draft again."""
    kept = stood_at(slug, shown_once())
    if kept is None:
        raise Http404
    return led_to(request, kept)


def at_its_address(opened_by):
    """For a page of those who tend listings, of which a user opens those of `opened_by(user)`: the
    listing that had this address has another now, and what is sent there follows."""

    def decorate(view):
        @wraps(view)
        def found(request, slug, **kwargs):
            try:
                return view(request, slug=slug, **kwargs)
            except Http404:
                if not request.user.is_authenticated:
                    raise
                kept = stood_at(slug, opened_by(request.user).exclude(slug=slug))
                if kept is None:
                    raise
                return led_to(request, kept, permanent=False)

        return found

    return decorate


def every_listing(_user):
    """What `at_its_address` asks, on pages of the Pôle's staff."""
    return Enterprise.objects.all()


def led_to(request, kept, *, permanent=True):
    match = request.resolver_match
    address = reverse(match.view_name, kwargs=match.kwargs | {"slug": kept.slug})
    asked = request.META["QUERY_STRING"]
    return redirect(
        f"{address}?{asked}" if asked else address,
        permanent=permanent,
        preserve_request=request.method == "POST",
    )
