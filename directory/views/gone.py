"""What stands at the address of an enterprise that left the directory."""

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from directory import merging
from directory.models import Enterprise


def gone(request, enterprise):
    """What stands at an address of an archived listing: where it was merged, the way to the same
    address of the listing that was kept, for good."""
    if kept := merging.successor(enterprise):
        return redirect(
            request.resolver_match.view_name,
            slug=kept.slug,
            permanent=True,
            preserve_request=request.method == "POST",
        )
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
