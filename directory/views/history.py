"""What happened to a listing, for those who keep it."""

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory.models import Enterprise
from directory.timeline import OWNERS, STAFF, events


@require_safe
@never_cache
def owner(request, slug):
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    back = reverse("directory:mine_listing", args=[slug])
    return page(request, enterprise, OWNERS, back)


@require_safe
@never_cache
def staff(request, slug):
    if not (request.user.is_staff and request.user.has_perm("directory.view_enterprise")):
        raise Http404
    enterprise = get_object_or_404(Enterprise, slug=slug)
    back = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    return page(request, enterprise, STAFF, back)


def page(request, enterprise, audience, back):
    context = {"enterprise": enterprise, "events": events(enterprise, audience), "back": back}
    return render(request, "directory/history.html", context)
