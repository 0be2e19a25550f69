from datetime import date
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from directory import (
    chores,
    completeness,
    drafts,
    freshness,
    representatives,
    revisions,
    sections,
    sheets,
    state,
    visits,
    wording,
)
from directory.models import Claim, Enterprise, Revision, Section
from directory.profile import TO_BUYERS, profiles
from directory.views.gone import at_its_address
from directory.views.profile import profile

OWNER = Enterprise.Source.OWNER
MONTHS = 6  # of visits shown
PERIODS = [3, 6, 12]  # months between two confirmations


def while_it_is_theirs(view):
    """Who was taken off the team, or whose listing was deleted, while they were sending finds
    nothing any more: asked again once the listing is held."""

    @wraps(view)
    def found_or_not(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except (Enterprise.DoesNotExist, Revision.DoesNotExist) as gone:
            raise Http404 from gone

    return found_or_not


@require_safe
@never_cache
def mine(request):
    enterprises = Enterprise.objects.editable_by(request.user).with_due_on().select_related("city")
    rows = list(enterprises.order_by("name", "pk"))
    if len(rows) == 1:
        return redirect("directory:mine_listing", rows[0].slug)
    today = timezone.localdate()
    asked = Claim.objects.filter(user=request.user, state__in=["code", "waiting"])
    context = {
        "enterprises": [
            {
                "name": row.name,
                "city": row.city.name,
                "due": row.state == Enterprise.State.PUBLISHED
                and row.due_on is not None
                and row.due_on <= today,
                "url": reverse("directory:mine_listing", args=[row.slug]),
            }
            for row in rows
        ],
        "claims": [claim.enterprise.name for claim in asked.select_related("enterprise")],
    }
    return render(request, "directory/mine.html", context)


@require_safe
@never_cache
@at_its_address(Enterprise.objects.editable_by)
def listing(request, slug):
    enterprise = get_object_or_404(
        Enterprise.objects.editable_by(request.user)
        .with_due_on()
        .select_related("city", "borough"),
        slug=slug,
    )
    current = state.current()
    said = sections.present_all(enterprise)
    measured = completeness.measure(said)
    begun = drafts.sections_begun(enterprise, request.user)
    published = enterprise.state == Enterprise.State.PUBLISHED
    due_on = enterprise.due_on if published else None
    todo = chores.this_month(
        due_on=due_on, said=said, measured=measured, drafts=begun, today=current.today
    )
    confirmed, stale = wording.freshness(enterprise.confirmed_on, current.today)
    context = {
        "enterprise": enterprise,
        "published": published,
        "todo": [
            {"text": chore.text, "url": chore.section and _address(enterprise, chore.section)}
            for chore in todo
        ],
        "confirmed": confirmed,
        "stale": stale,
        "confirmed_today": enterprise.confirmed_on == current.today,
        "due_on": due_on and due_on > current.today and wording.day(due_on),
        "measured": measured,
        "next": [
            {"text": part.advice, "url": _address(enterprise, part.section), "weight": part.weight}
            for part in measured.missing[:3]
        ],
        "waiting": [
            _waiting(revision, current.labels) for revision in revisions.waiting(enterprise)
        ],
        "sections": [
            {
                "name": section.label,
                "url": _address(enterprise, section),
                "begun": section in begun,
            }
            for section in Section
        ],
        # Those who manage the team are told at once of who asks to join it, or to replace them.
        "asked": list(enterprise.claims.waiting().select_related("user"))
        if representatives.may_manage(request.user, enterprise)
        else [],
        "visits": _visits(visits.of_last_months(enterprise, MONTHS)),
        "periods": PERIODS,
        "e": seen_by_buyers(enterprise, current),
    }
    return render(request, "directory/mine_listing.html", context)


def seen_by_buyers(enterprise, current):
    """The listing in words, as a registered buyer reads it."""
    rows = Enterprise.objects.filter(pk=enterprise.pk)
    return profile(profiles(of=rows, seen=TO_BUYERS).get(), current)


def _address(enterprise, section):
    return reverse("directory:section", args=[enterprise.slug, section])


def _waiting(revision, labels):
    return {
        "pk": revision.pk,
        "by": revision.submitted_by,
        "on": wording.day(timezone.localdate(revision.submitted_at)),
        "fields": [
            {
                "label": sections.LABELS[name],
                "before": sections.shown(name, said["before"], labels),
                "proposed": sections.shown(name, said["proposed"], labels),
            }
            for name, said in revision.changes.items()
        ],
    }


def _visits(months: list[tuple[date, int]]):
    most = max(views for _day, views in months)
    return {
        "any": most > 0,
        "total": wording.number(sum(views for _day, views in months)),
        "months": [
            {
                "name": date_format(day, "F Y"),
                "views": wording.number(views),
                "share": round(100 * views / most) if most else 0,
            }
            for day, views in months
        ],
    }


@require_POST
@at_its_address(Enterprise.objects.editable_by)
@while_it_is_theirs
def confirm(request, slug):
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    if enterprise.confirmed_on != timezone.localdate() or enterprise.confirmed_by != OWNER:
        freshness.confirm(enterprise=enterprise, source=OWNER, by=request.user)
    messages.success(request, _("Merci! Votre fiche dit que tout est exact aujourd’hui."))
    return redirect("directory:mine_listing", slug)


@require_POST
@at_its_address(Enterprise.objects.editable_by)
@while_it_is_theirs
def reminders(request, slug):
    """How often the enterprise wants to be asked whether all is true."""
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    months = {str(period): period for period in PERIODS}.get(request.POST.get("mois", ""))
    if months is None:
        messages.error(request, _("Choisissez 3, 6 ou 12 mois."))
        return redirect("directory:mine_listing", slug)
    chores.ask_every(enterprise=enterprise, months=months, by=request.user)
    said = _("C’est noté\xa0: nous vous demanderons de confirmer votre fiche tous les %(n)d mois.")
    messages.success(request, said % {"n": months})
    return redirect("directory:mine_listing", slug)


@require_POST
@at_its_address(Enterprise.objects.editable_by)
@while_it_is_theirs
def withdraw(request, slug, pk):
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    revision = get_object_or_404(Revision, pk=pk, enterprise=enterprise)
    if revisions.withdraw(revision=revision, by=request.user):
        messages.success(
            request, _("Votre proposition est retirée. La fiche reste comme elle est.")
        )
    else:
        messages.info(request, _("Cette proposition n’attendait déjà plus."))
    return redirect("directory:mine_listing", slug)


@require_safe
@never_cache
@at_its_address(Enterprise.objects.editable_by)
def sheet(request, slug):
    """The listing on one page, to join to a bid."""
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    current = state.current()
    page = seen_by_buyers(enterprise, current)
    file = sheets.draw(
        page,
        logo=enterprise.logo.name or "",
        address=request.build_absolute_uri(enterprise.get_absolute_url()),
        today=wording.day(current.today),
    )
    response = HttpResponse(file, content_type="application/pdf")
    name = content_disposition_header(as_attachment=True, filename=f"{enterprise.slug}.pdf")
    response.headers["Content-Disposition"] = name
    return response
