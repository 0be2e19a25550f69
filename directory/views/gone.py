"""What stands at the address of an enterprise that left the directory."""

from django.shortcuts import render
from django.utils.translation import gettext as _

from directory.models import Enterprise


def gone(request, enterprise):
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
