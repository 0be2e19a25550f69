"""What stands at an address of listings where none is published any longer."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from directory import merging
from directory.models import Enterprise


def gone(request, slug, enterprise):
    """What stands at an address of a listing that is archived, or None where none has that slug:
    the way to the same address of the listing that it was merged into, or that was called so
    before, for good; else why it is there no more. Raises Http404 where none ever was."""
    kept = merging.successor(enterprise) if enterprise else called_before(slug)
    if kept:
        return redirect(
            request.resolver_match.view_name,
            slug=kept.slug,
            permanent=True,
            preserve_request=request.method == "POST",
        )
    if enterprise is None:
        raise Http404
    successor = enterprise.replaced_by
    if successor and successor.state != Enterprise.State.PUBLISHED:
        successor = None
    if enterprise.closing == Enterprise.Closing.CLOSED:
        reason = _("Fermée")
    elif successor:
        reason = _("Remplacée par %(name)s") % {"name": successor.name}
    else:
        reason = _("Fiche non publiée ; écrivez au Pôle")
    context = {
        "name": enterprise.name,
        "reason": reason,
        "replacement": successor and {"name": successor.name, "url": successor.get_absolute_url()},
    }
    return render(request, "directory/gone.html", context, status=410)


def called_before(slug):
    """The listing that last stood at this address, which nobody has taken since."""
    shown = Enterprise.history.filter(slug=slug).exclude(state=Enterprise.State.DRAFT)
    last = shown.order_by("-history_date", "-history_id").values("id")[:1]
    return Enterprise.objects.exclude(state=Enterprise.State.DRAFT).filter(pk__in=last).first()
