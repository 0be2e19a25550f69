"""What happened to a listing, for those who keep it; and the way back to what it said."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory import restoring, roles, section_words, sections, state, wording
from directory.desk_forms import RestoreForm
from directory.forms import mistakes
from directory.models import Enterprise
from directory.timeline import OWNERS, STAFF, events
from directory.views.gone import at_its_address, every_listing
from directory.views.guards import for_staff, shown_or_sent


@require_safe
@never_cache
@at_its_address(Enterprise.objects.editable_by)
def owner(request, slug):
    enterprise = get_object_or_404(Enterprise.objects.editable_by(request.user), slug=slug)
    back = reverse("directory:mine_listing", args=[slug])
    return page(request, enterprise, OWNERS, back)


@require_safe
@for_staff("view_enterprise")
@never_cache
@at_its_address(every_listing)
def staff(request, slug):
    enterprise = listing(slug)
    back = reverse("admin:directory_enterprise_change", args=[enterprise.pk])
    return page(request, enterprise, STAFF, back)


def listing(slug):
    return get_object_or_404(Enterprise.objects.select_related("city", "borough"), slug=slug)


def page(request, enterprise, audience, back):
    told = events(enterprise, audience)
    restores = audience == STAFF and roles.may(request.user, "change_enterprise")
    context = {
        "enterprise": enterprise,
        "events": [
            # The newest made the listing what it is.
            {"event": event, "restore": address(enterprise, event) if restores and rank else ""}
            for rank, event in enumerate(told)
        ],
        "back": back,
    }
    return render(request, "directory/history.html", context)


def address(enterprise, event):
    number = restoring.number(event.until)
    return reverse("directory:desk_restore", args=[enterprise.slug, number])


# --- Back to a version


@shown_or_sent
@for_staff("change_enterprise")
@never_cache
@at_its_address(every_listing)
def restore(request, slug, number):
    enterprise = listing(slug)
    form = RestoreForm(request.POST if request.method == "POST" else None)
    try:
        at = restoring.moment(number)
        if not form.is_valid():
            return preview(request, enterprise, at, form)
        restored = restoring.restore(
            enterprise=enterprise,
            at=at,
            fields=form.cleaned_data["ticked"],
            seen=form.cleaned_data["seen"],
            reason=form.cleaned_data["reason"],
            by=request.user,
        )
    except restoring.NoSuchVersion as error:
        raise Http404 from error
    except restoring.Changed:
        since = changed_since(enterprise, form.cleaned_data["opened"])
        return preview(request, enterprise, at, form, since=since, status=409)
    except ValidationError as error:
        return preview(request, enterprise, at, form, wrong=error.message_dict)
    if restored:
        names = [str(sections.LABELS[name]) for name in restoring.FIELDS if name in restored]
        text = _("La fiche dit de nouveau ce qu’elle disait le %(moment)s\xa0: %(fields)s.")
        said = {"moment": restoring.told(at), "fields": wording.enumeration(names)}
        messages.success(request, text % said)
    else:
        messages.info(request, _("La fiche disait déjà la même chose\xa0: rien n’a changé."))
    return redirect("directory:desk_history", slug)


def changed_since(enterprise, opened):
    """What happened to the listing since the page was opened, as it says."""
    try:
        moment = restoring.moment(opened or 0)
    except restoring.NoSuchVersion:
        return []
    return [{"event": event} for event in events(enterprise) if event.until > moment][:5]


def preview(request, enterprise, at, form, *, wrong=None, since=None, status=200):
    enterprise.refresh_from_db()
    opened = restoring.number(timezone.now())  # before the listing is read
    version = restoring.version(enterprise, at)
    wrong = wrong or {}
    said = {
        name: {"text": f"{sections.LABELS[name]}\xa0: {' '.join(texts)}", "at": f"remettre-{name}"}
        for name, texts in wrong.items()
        if name in version.fields
    }
    fields = shown_fields(version, form)
    for field in fields:
        field["error"] = " ".join(wrong.get(field["name"], ()))
    missing = form.errors.get("ticked") if form.is_bound else None
    errors = [error for error in mistakes(form) if error["at"] != "ticked"]
    if missing and fields:
        errors.insert(0, {"text": missing[0], "at": f"remettre-{fields[0]['name']}"})
    context = {
        "enterprise": enterprise,
        "moment": restoring.told(at),
        "version": version,
        "fields": fields,
        "lost": [(sections.LABELS[name], notes) for name, notes in version.lost.items()],
        "unknown": wording.enumeration([str(sections.LABELS[name]) for name in version.unknown]),
        "form": form,
        "errors": errors + list(said.values()),
        "stale": status == 409,
        "since": since,
        "opened": opened,
        "back": reverse("directory:desk_history", args=[enterprise.slug]),
    }
    return render(request, "directory/restore.html", context, status=status)


def shown_fields(version, form):
    labels = state.current().labels
    ticked = form.data.getlist("ticked") if form.is_bound else list(version.fields)
    shown = []
    for name, field in version.fields.items():
        now = section_words.shown(name, field.now, labels)
        then = section_words.shown(name, field.then, labels)
        shown.append(
            {
                "name": name,
                "label": sections.LABELS[name],
                "now": [{"text": line, "differs": line not in then} for line in now],
                "then": [{"text": line, "differs": line not in now} for line in then],
                "notes": field.notes,
                "ticked": name in ticked,
            }
        )
    return shown
