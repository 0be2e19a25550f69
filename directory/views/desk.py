"""The desk: all that awaits a decision of the Pôle, one item after the other."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from directory import (
    claims,
    contact_details,
    desk,
    moderation,
    representatives,
    roles,
    section_words,
    sections,
    state,
    wording,
)
from directory.desk_forms import OF_CLAIMS, OF_REPORTS, OF_SUGGESTIONS, AnswerForm, DecisionForm
from directory.facets import Dimension
from directory.forms import mistakes
from directory.lookalikes import lookalikes
from directory.models import Claim, Enterprise, ErrorReport, Revision, Suggestion
from directory.models.reports import Message
from directory.views.guards import for_staff, shown_or_sent
from directory.views.team import changed_claim, own_case

#: Parameters of the queue, kept from one item to the next.
KIND, CITY, LISTING, PAGE = "sorte", "ville", "entreprise", "page"


# --- The queue


@require_safe
@never_cache
def queue(request):
    kinds = desk.allowed(request.user)
    if not kinds:
        raise Http404
    filters = asked(request)
    kind, city, listing = (filters.get(name, "") for name in (KIND, CITY, LISTING))
    try:
        page = int(request.GET.get(PAGE, "1")[:6])
    except ValueError:
        page = 1
    found = desk.queue(user=request.user, kind=kind, city=city, listing=listing, page=page)
    # Of one enterprise, all is of one city.
    cities = set() if listing else desk.cities(request.user)
    context = {
        "queue": found,
        "items": [
            {
                "item": item,
                "url": item.address + kept(filters),
                "wait": waited(item.at),
                "tick": item.kind.slug == desk.TO_READ,
            }
            for item in found.items
        ],
        "kinds": [
            {
                "label": one.label,
                "number": found.counts[one.slug],
                "url": "?" + urlencode(filters | {KIND: one.slug}),
                "current": one.slug == kind,
            }
            for one in kinds
        ],
        "all": reverse("directory:desk")
        + kept({name: value for name, value in filters.items() if name != KIND}),
        "filtered": bool(filters),
        "of": listing and Enterprise.objects.filter(slug=listing).first(),
        "everything": sum(found.counts.values()),
        "kind": kind,
        "ticking": any(item.kind.slug == desk.TO_READ for item in found.items),
        "city": city,
        "cities": [
            {"slug": label.key, "name": label.full_name}
            for label in state.current().labels.of(Dimension.CITY)
            if label.key in cities
        ],
        "before": page_url(filters, found.page - 1) if found.page > 1 else "",
        "after": page_url(filters, found.page + 1) if found.page < found.pages else "",
    }
    return render(request, "directory/desk.html", context)


def asked(request):
    """The filters of the queue that are used."""
    given = {name: request.GET.get(name, "")[:100] for name in (KIND, CITY, LISTING)}
    if given[KIND] not in desk.KINDS:
        del given[KIND]
    return {name: value for name, value in given.items() if value}


def kept(filters):
    """The filters of the queue, for the address of an item."""
    return f"?{urlencode(filters)}" if filters else ""


def page_url(filters, page):
    return "?" + urlencode(filters | {PAGE: page})


def waited(at):
    days = (timezone.localdate() - timezone.localdate(at)).days
    if days < 1:
        return _("aujourd’hui")
    return ngettext("depuis %(n)d jour", "depuis %(n)d jours", days) % {"n": days}


@require_POST
@for_staff("moderate_revision")
@never_cache
def accept(request):
    """The ticked ones that are on line already are marked looked at, together."""
    sent = request.POST.getlist("modification")
    # No key has more digits; Python refuses to read thousands of them.
    keys = [int(key) for key in sent if key.isdecimal() and len(key) < 19]
    ticked = Revision.objects.filter(pk__in=keys[: desk.PER_PAGE])
    done, left = moderation.accept_all(revisions=ticked, by=request.user)
    text = ngettext("%(n)d modification relue.", "%(n)d modifications relues.", done)
    messages.success(request, text % {"n": done})
    if left:
        text = ngettext(
            "%(n)d autre attend une décision, ou vient d’en recevoir une.",
            "%(n)d autres attendent une décision, ou viennent d’en recevoir une.",
            len(left),
        )
        messages.warning(request, text % {"n": len(left)})
    return redirect(reverse("directory:desk") + kept(asked(request)))


def on_to_the_next(request, kind, row):
    """Once an item is decided: the next of the same list, else the queue."""
    return redirect(
        following(request, kind, row) or reverse("directory:desk") + kept(asked(request))
    )


def following(request, kind, row):
    """The address of the item after this one, in the list that the person reads; "" if none."""
    filters = asked(request)
    item = desk.after(
        user=request.user,
        kind=filters.get(KIND, ""),
        city=filters.get(CITY, ""),
        listing=filters.get(LISTING, ""),
        item=(kind, row.pk),
        at=getattr(row, desk.KINDS[kind].at),
    )
    return item.address + kept(filters) if item else ""


def told(request, decided, name):
    """It was decided already, by somebody else or by the same person in another window."""
    when = wording.day(timezone.localdate(decided.at)) if decided.at else ""
    if decided.by == request.user:
        text = _("%(name)s\xa0: rien n’a été changé, vous aviez déjà décidé le %(day)s.")
    else:
        text = _("%(name)s\xa0: rien n’a été changé, %(by)s avait déjà décidé le %(day)s.")
    by = decided.by or _("une autre personne")
    messages.warning(request, text % {"by": by, "day": when, "name": name})


# --- Revisions


@shown_or_sent
@for_staff("moderate_revision")
@never_cache
def revision(request, pk):
    rows = Revision.objects.select_related("enterprise__city", "submitted_by", "decided_by")
    found = get_object_or_404(rows, pk=pk)
    if found.state not in {Revision.State.WAITING, Revision.State.APPLIED}:
        if request.method == "POST":
            first = moderation.AlreadyDecided(found.decided_by, found.decided_at)
            told(request, first, found.enterprise.name)
            return on_to_the_next(request, "modifications", found)
        return render(request, "directory/desk_revision.html", revision_page(request, found))
    if moderation.is_own(found, request.user):
        return own_revision(request, found)
    applied = found.state == Revision.State.APPLIED
    kind = desk.TO_READ if applied else "modifications"
    labels = {name: str(sections.LABELS.get(name, name)) for name in found.changes}
    form = DecisionForm(sent(request), fields_of=labels, applied=applied)
    if request.method != "POST" or not form.is_valid():
        return shown_revision(request, found, form)
    try:
        moderation.decide(
            revision=found,
            decisions=form.decisions(),
            seen=form.seen(),
            reason=form.said(),
            by=request.user,
        )
    except moderation.Changed:
        form.add_error(
            None,
            _(
                "La fiche a changé depuis que vous avez ouvert cette page. Rien n’a été "
                "enregistré\xa0: relisez ce qu’elle dit maintenant, puis décidez de nouveau."
            ),
        )
        return shown_revision(request, found, form, status=409)
    except moderation.OwnCase:
        return own_revision(request, found)
    except moderation.AlreadyDecided as decided:
        told(request, decided, found.enterprise.name)
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            field = f"choix-{name}"
            form.add_error(field if field in form.fields else None, texts)
        return shown_revision(request, found, form)
    else:
        name = found.enterprise.name
        messages.success(request, _("C’est décidé pour «\xa0%(name)s\xa0».") % {"name": name})
    return on_to_the_next(request, kind, found)


def shown_revision(request, found, form, status=200):
    context = revision_page(request, found) | {"form": form, "errors": mistakes(form)}
    seen = moderation.seen(found)
    for field in context["fields"]:
        field["choice"] = form[f"choix-{field['name']}"]
        # Always what is before the reader now: it is of this that they decide.
        field["seen"] = seen.get(field["name"], "")
    return render(request, "directory/desk_revision.html", context, status=status)


def own_revision(request, found):
    """What there is to read of it, and nothing to decide."""
    text = _("C’est votre entreprise ou votre proposition\xa0: une autre personne en décide.")
    status = 403 if request.method == "POST" else 200
    context = revision_page(request, found) | {"own": text}
    return render(request, "directory/desk_revision.html", context, status=status)


def revision_page(request, found):
    labels = state.current().labels
    now = sections.present(found.enterprise, found.section)
    applied = found.state == Revision.State.APPLIED
    fields = []
    for name, change in found.changes.items():
        sides = [
            section_words.shown(name, value, labels)
            for value in (change["before"], now.get(name), change["proposed"])
        ]
        fields.append(
            {
                "name": name,
                "label": sections.LABELS.get(name, name),
                "before": marked(sides[0], sides[2]),
                "now": marked(sides[1], sides[2]),
                "proposed": marked(sides[2], sides[0]),
                # Neither what it was nor what is proposed: somebody changed it meanwhile.
                "moved": now.get(name) not in (change["before"], change["proposed"]),
                "untouched": now.get(name) == change["before"],
                "same": applied and now.get(name) == change["proposed"],
                "decision": found.decisions.get(name, ""),
                "image": name == "logo"
                and now.get(name)
                and reverse("directory:logo", args=[now[name]]),
            }
        )
    return {
        "revision": found,
        "enterprise": found.enterprise,
        "section": found.get_section_display(),
        "applied": applied,
        "decided": found.decided_at and closed(found),
        "fields": fields,
        "wait": waited(found.submitted_at),
        "next": following(request, desk.TO_READ if applied else "modifications", found),
        "back": reverse("directory:desk") + kept(asked(request)),
    }


def closed(found):
    """What became of a revision that awaits nothing any more, and its reason."""
    day = wording.day(timezone.localdate(found.decided_at))
    if found.state == Revision.State.WITHDRAWN:
        said = _("N’est plus à décider depuis le %(day)s.") % {"day": day}
    elif found.decided_by:
        said = _("Décidé par %(by)s le %(day)s.") % {"by": found.decided_by, "day": day}
    else:
        said = _("Décidé le %(day)s.") % {"day": day}
    return f"{said} {found.reason}".strip()


def marked(lines, other):
    """Lines, each with whether the other side lacks it."""
    return [{"text": line, "differs": line not in other} for line in lines]


# --- Claims, suggestions, error reports


@shown_or_sent
@for_staff("change_claim")
@never_cache
def claim(request, pk):
    rows = Claim.objects.exclude(state=Claim.State.CODE)
    found = get_object_or_404(rows.select_related("enterprise", "user", "decided_by"), pk=pk)
    form = AnswerForm(sent(request), reasons=OF_CLAIMS)
    context = {
        "claim": found,
        "seen": claims.digest(found),
        "own": found.user_id == request.user.pk,
        "enterprise": found.enterprise,
        "owners": representatives.owners(found.enterprise),
        "reached": [
            reached(found, name) for name in (contact_details.PHONE, contact_details.EMAIL)
        ],
        "next": following(request, "demandes", found),
    }
    if request.method != "POST":
        return answer_page(request, "directory/desk_claim.html", form, context)
    action = button(request, "accept", "refuse")
    if action == "refuse":
        form.refuse()
    if not form.is_valid():
        return answer_page(request, "directory/desk_claim.html", form, context)
    name = {"name": str(found.user)}
    decision = {"by": request.user, "reason": form.said(), "seen": request.POST.get("seen", "")}
    try:
        if action == "accept":
            called = form.cleaned_data["called"]
            claims.accept(claim=found, called=called, **decision)
            messages.success(request, _("%(name)s peut maintenant modifier la fiche.") % name)
        else:
            claims.refuse(claim=found, **decision)
            messages.success(request, _("La demande de %(name)s est refusée.") % name)
    except claims.AlreadyDecided as decided:
        other = decided.claim
        first = moderation.AlreadyDecided(other.decided_by, other.decided_at)
        told(request, first, found.enterprise.name)
    except claims.Changed:
        form.add_error(None, changed_claim())
        return answer_page(request, "directory/desk_claim.html", form, context, status=409)
    except claims.OwnCase:
        form.add_error(None, own_case())
        return answer_page(request, "directory/desk_claim.html", form, context, status=403)
    except claims.NotCalled:
        form.add_error("called", _("Rappelez d’abord le numéro de la fiche."))
        return answer_page(request, "directory/desk_claim.html", form, context)
    except claims.AccountClosed:
        form.add_error(None, _("Cette personne n’a plus de compte\xa0: refusez sa demande."))
        return answer_page(request, "directory/desk_claim.html", form, context)
    except claims.NotOffered:
        form.add_error(None, _("Cette fiche est archivée\xa0: refusez la demande en le disant."))
        return answer_page(request, "directory/desk_claim.html", form, context)
    return on_to_the_next(request, "demandes", found)


def reached(claim, name):
    """How the listing says to reach the enterprise, and how it said so before what proves nothing
    to the claimant."""
    changes = contact_details.doubtful(claim.enterprise, name, claim.user)
    shown, scheme = (wording.phone, "tel") if name == contact_details.PHONE else (str, "mailto")
    now = getattr(claim.enterprise, name)
    before = changes[-1].before if changes else ""
    return {
        "label": _("Téléphone de la fiche") if scheme == "tel" else _("Courriel de la fiche"),
        "now": now and shown(now),
        "href": "" if changes or not now else f"{scheme}:{now}",
        "before": before and shown(before),
        "before_href": f"{scheme}:{before}" if before else "",
        "changes": [
            {"by": change.by, "day": wording.day(timezone.localdate(change.at))}
            for change in changes
        ],
    }


@shown_or_sent
@for_staff("change_suggestion")
@never_cache
def suggestion(request, pk):
    found = get_object_or_404(Suggestion.objects.select_related("city", "handled_by"), pk=pk)
    labels = state.current().labels
    context = {
        "suggestion": found,
        "may_list": roles.may(request.user, "add_enterprise"),
        "alike": [
            {
                "name": name,
                "url": reverse("directory:detail", args=[slug]),
                "city": labels.city(city).full_name,
            }
            for name, slug, city in lookalikes(found.name)
        ],
    }
    return message_answered(
        request, found, "directory/desk_suggestion.html", "suggestions", context
    )


@shown_or_sent
@for_staff("change_errorreport")
@never_cache
def report(request, pk):
    rows = ErrorReport.objects.select_related("enterprise__city", "handled_by")
    found = get_object_or_404(rows, pk=pk)
    context = {
        "report": found,
        "enterprise": found.enterprise,
        "may_change": roles.may(request.user, "change_enterprise"),
    }
    return message_answered(request, found, "directory/desk_report.html", "erreurs", context)


def message_answered(request, found, template, kind, context):
    reasons = OF_SUGGESTIONS if kind == "suggestions" else OF_REPORTS
    form = AnswerForm(sent(request), reasons=reasons)
    if not found.sender_email:
        said = _("Gardé au dossier\xa0: il n’y a pas d’adresse où l’envoyer.")
        form.fields["reason"].help_text = said
    context |= {"next": following(request, kind, found)}
    if request.method != "POST":
        return answer_page(request, template, form, context)
    action = button(request, "handle", "refuse", *(["list"] if context.get("may_list") else []))
    if action == "refuse":
        form.refuse()
    if action == "list" and form.is_valid() and not form.cleaned_data["legal_form"]:
        form.add_error("legal_form", _("Choisissez la forme juridique."))
    if not form.is_valid():
        return answer_page(request, template, form, context)
    try:
        if action == "list":
            made = moderation.list_suggestion(
                suggestion=found, legal_form=form.cleaned_data["legal_form"], by=request.user
            )
            messages.success(request, _("Brouillon créé\xa0: complétez-le, puis publiez-le."))
            return redirect("admin:directory_enterprise_change", made.pk)
        state_said = Message.State.HANDLED if action == "handle" else Message.State.REFUSED
        moderation.answer(message=found, state=state_said, reason=form.said(), by=request.user)
        handled = action == "handle"
        text = _("%(number)s est traité.") if handled else _("%(number)s est refusé.")
        messages.success(request, text % {"number": found.reference})
    except moderation.AlreadyDecided as decided:
        told(request, decided, found.reference)
    return on_to_the_next(request, kind, found)


def sent(request):
    """What was sent, be it nothing; None where the page is only opened."""
    return request.POST if request.method == "POST" else None


def button(request, *known):
    action = request.POST.get("action", "")
    if action not in known:
        raise BadRequest("No such act.")
    return action


def answer_page(request, template, form, context, status=200):
    said = {
        "form": form,
        "errors": mistakes(form),
        "back": reverse("directory:desk") + kept(asked(request)),
    }
    return render(request, template, context | said, status=status)
