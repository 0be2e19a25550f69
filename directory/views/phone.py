"""The telephone list and the page that one calls from, for the Pôle's staff."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from directory import freshness, invitations, phone_calls, undone_calls, wording
from directory.models import City, Contact, Enterprise, PhoneCall, Sector
from directory.phone_forms import CallInvitationForm, NumberForm, PhoneCallForm
from directory.reports import TooMany
from directory.views.gone import at_its_address, every_listing
from directory.views.guards import for_staff, shown_or_sent
from directory.views.team import already_owned, own_address

A_PAGE = 50
Outcome = PhoneCall.Outcome
#: What the address asks, of which table, and where it is looked for.
FILTERS = {"ville": (City, "city__slug"), "secteur": (Sector, "sectors__slug")}


@require_safe
@for_staff("add_phonecall")
@never_cache
def phone_list(request):
    queue = chosen(request)
    page = Paginator(queue.select_related("city"), A_PAGE).get_page(request.GET.get("page"))
    rows = list(page)
    calls = phone_calls.under_way(rows)
    waiting = phone_calls.waiting()
    with_number = {row.pk for row in rows if row.phone} | set(
        Contact.objects.filter(enterprise__in=rows)
        .exclude(phone="")
        .values_list("enterprise_id", flat=True)
    )
    context = {
        "pages": around(request, page),
        "rows": [
            row(enterprise, calls.get(enterprise.pk), request.user)
            | {"reachable": enterprise.pk in with_number}
            for enterprise in rows
        ],
        "done": just_noted(request.user),
        "total": page.paginator.count,
        "waiting": waiting.count(),
        "everything": "tous" in request.GET,
        "asked": asked(request),
        "cities": City.objects.filter(enterprise__in=waiting).distinct().order_by("name", "pk"),
        "sectors": Sector.objects.filter(enterprise__in=waiting).distinct().order_by("name", "pk"),
        "city": request.GET.get("ville", ""),
        "sector": request.GET.get("secteur", ""),
        "start": phone_calls.following(queue, request.user),
    }
    return render(request, "directory/phone_list.html", context)


def chosen(request):
    """The listings that the filters of the address keep; what they do not know keeps none out."""
    queue = phone_calls.waiting() if "tous" in request.GET else phone_calls.to_call_now()
    for name, (model, path) in FILTERS.items():
        slug = request.GET.get(name)
        if slug and model.objects.filter(slug=slug).exists():
            queue = queue.filter(**{path: slug})
    return queue


def asked(request):
    """The filters, as the end of an address."""
    filters = kept(request)
    return f"?{urlencode(filters)}" if filters else ""


def kept(request):
    return {name: request.GET[name] for name in (*FILTERS, "tous") if request.GET.get(name)}


def around(request, page):
    """The way to the pages before and after, with the same filters."""

    def address(number):
        return "?" + urlencode(kept(request) | {"page": number})

    return {
        "number": page.number,
        "count": page.paginator.num_pages,
        "previous_url": address(page.number - 1) if page.has_previous() else "",
        "next_url": address(page.number + 1) if page.has_next() else "",
    }


def row(enterprise, call, user):
    return {
        "name": enterprise.name,
        "slug": enterprise.slug,
        "city": enterprise.city.name,
        "phone": spoken(enterprise),
        "due": due(enterprise),
        "unanswered": enterprise.unanswered or 0,
        "unreachable": enterprise.is_unreachable,
        "last": last_call(enterprise),
        "other": call.by if call and call.by_id != user.pk else None,
    }


def last_call(enterprise):
    if not enterprise.last_outcome:
        return ""
    outcome = Outcome(enterprise.last_outcome)
    if outcome == Outcome.CALL_BACK:
        return _("À rappeler le %(day)s") % {"day": wording.day(enterprise.call_back_on)}
    return _("%(outcome)s, le %(day)s") % {
        "outcome": str(outcome.label).capitalize(),
        "day": wording.day(timezone.localdate(enterprise.last_at)),
    }


@require_POST
@for_staff("add_phonecall")
@at_its_address(every_listing)
def take(request, slug):
    """Say that one is calling, and open the page to call from."""
    enterprise = get_object_or_404(Enterprise.objects.published(), slug=slug)
    phone_calls.take(enterprise=enterprise, by=request.user)
    return to_call(request, enterprise)


def to_call(request, enterprise):
    response = redirect("directory:phone_call", enterprise.slug)
    response["Location"] += asked(request)
    return response


@shown_or_sent
@for_staff("add_phonecall")
@never_cache
@at_its_address(every_listing)
def phone_call(request, slug):
    enterprise = listed(slug)
    form = PhoneCallForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return note(request, enterprise, form.cleaned_data)
    return call_page(request, enterprise, form=form)


def listed(slug):
    rows = Enterprise.objects.published().with_due_on().select_related("city")
    return get_object_or_404(rows, slug=slug)


def call_page(request, enterprise, *, form=None, number=None, invitation=None):
    form = form or PhoneCallForm()
    calls = enterprise.phone_calls.select_related("by").order_by("-at", "-pk")[:5]
    other = phone_calls.under_way([enterprise]).get(enterprise.pk)
    contacts = [person(contact) for contact in enterprise.contacts.order_by("position", "pk")]
    may_invite = invitations.may_invite(request.user, enterprise)
    context = {
        "enterprise": {
            "name": enterprise.name,
            "slug": enterprise.slug,
            "pk": enterprise.pk,
            "url": enterprise.get_absolute_url(),
            "city": enterprise.city.name,
            "phone": enterprise.phone and wording.phone(enterprise.phone),
            "extension": enterprise.phone_extension,
            "tel": wording.phone_href(enterprise.phone, enterprise.phone_extension),
            "confirmed_on": enterprise.confirmed_on and wording.day(enterprise.confirmed_on),
            "published_on": enterprise.published_on and wording.day(enterprise.published_on),
            "due_on": due(enterprise),
        },
        "contacts": contacts,
        "reachable": bool(enterprise.phone) or any(one["phone"] for one in contacts),
        "facts": freshness.facts(enterprise),
        "calls": [
            {
                "outcome": call.get_outcome_display(),
                "day": wording.day(timezone.localdate(call.at)),
                "by": call.by,
                "note": call.note,
            }
            for call in calls
        ],
        "other": other.by if other and other.by_id != request.user.pk else None,
        "form": form,
        "number": number or NumberForm(),
        "invitation": (invitation or CallInvitationForm(email=enterprise.email))
        if may_invite
        else None,
        "errors": [
            {"text": text, "at": name if name in form.fields else ""}
            for name, texts in form.errors.items()
            for text in texts
        ],
        "asked": asked(request),
        "done": just_noted(request.user),
    }
    return render(request, "directory/phone_call.html", context)


def due(enterprise):
    """Since when a listing is to be confirmed, and whether it ever was."""
    day = wording.day(enterprise.due_on) if enterprise.due_on else ""
    if not day or enterprise.due_on > timezone.localdate():
        return ""
    if enterprise.confirmed_on:
        return _("À confirmer depuis le %(day)s") % {"day": day}
    return _("À confirmer depuis le %(day)s, jamais vérifiée") % {"day": day}


def just_noted(user):
    """The call that this person may still take back."""
    call = undone_calls.last(user)
    if call is None:
        return None
    return {
        "name": call.enterprise.name,
        "slug": call.enterprise.slug,
        "outcome": call.get_outcome_display(),
        "day": call.call_back_on and wording.day(call.call_back_on),
        "pk": call.pk,
    }


@require_POST
@for_staff("add_phonecall")
@at_its_address(every_listing)
def take_back(request, slug):
    """Undo a call that one noted by mistake, and be before it again."""
    key = request.POST.get("appel", "")
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404
    call = get_object_or_404(
        PhoneCall.objects.select_related("enterprise"),
        pk=key,
        by=request.user,
        enterprise__slug=slug,
    )
    try:
        undone_calls.undo(call=call, by=request.user)
    except undone_calls.TooLate as error:
        messages.error(request, str(error))
        response = redirect("directory:phone_list")
        response["Location"] += asked(request)
        return response
    text = _("%(name)s\xa0: l’appel est annulé, rien n’est noté.")
    messages.success(request, text % {"name": call.enterprise.name})
    phone_calls.take(enterprise=call.enterprise, by=request.user)
    return to_call(request, call.enterprise)


@require_POST
@for_staff("add_phonecall")
@at_its_address(every_listing)
def number(request, slug):
    """The number of a listing that has none, found by who would call it."""
    enterprise = listed(slug)
    if enterprise.phone:
        messages.info(request, _("La fiche a maintenant un numéro\xa0: le voici."))
        return to_call(request, enterprise)
    form = NumberForm(request.POST)
    if not form.is_valid():
        return call_page(request, enterprise, number=form)
    phone = form.cleaned_data["phone"]
    written = phone_calls.number_found(enterprise=enterprise, phone=phone, by=request.user)
    said = {"phone": wording.phone(phone)}
    if written:
        messages.success(request, _("Le numéro %(phone)s est écrit à la fiche.") % said)
    else:
        text = _("Le numéro %(phone)s est transmis à la modération\xa0; vous pouvez appeler.")
        messages.success(request, text % said)
    return to_call(request, enterprise)


@require_POST
@for_staff("add_phonecall")
@at_its_address(every_listing)
def invite(request, slug):
    """Send the invitation promised on the telephone."""
    enterprise = listed(slug)
    if not invitations.may_invite(request.user, enterprise):
        raise Http404
    form = CallInvitationForm(request.POST)
    if form.is_valid():
        email = form.cleaned_data["email"]
        # To answer for it where nobody does, else to help whoever does.
        role = invitations.roles_of(request.user, enterprise)[-1]
        try:
            sent = invitations.invite(
                enterprise=enterprise, email=email, role=role, by=request.user
            )
        except invitations.OwnAddress:
            form.add_error("email", own_address())
        except invitations.AlreadyOwned:
            form.add_error("email", already_owned())
        except invitations.AlreadyThere:
            form.add_error("email", _("Cette personne tient déjà la fiche."))
        except TooMany:
            form.add_error("email", _("Vous avez beaucoup invité\xa0: attendez un peu."))
        else:
            said = (
                _("L’invitation part à %(email)s.")
                if sent.queued
                else _("L’invitation vient déjà de partir à %(email)s.")
            )
            messages.success(request, said % {"email": email})
            return to_call(request, enterprise)
    return call_page(request, enterprise, invitation=form)


def spoken(reached):
    """The number of an enterprise or a person, as one says it; "" where there is none."""
    return reached.phone and wording.phone(reached.phone, reached.phone_extension)


def person(contact):
    return {
        "name": contact.name,
        "function": contact.function,
        "phone": spoken(contact),
        "tel": wording.phone_href(contact.phone, contact.phone_extension),
    }


def note(request, enterprise, said):
    """Keep what came of the call, then open the next of the same list."""
    kept = phone_calls.record(enterprise=enterprise, by=request.user, **said)
    if kept and Enterprise.objects.unreachable().filter(pk=enterprise.pk).exists():
        text = _("%(name)s ne paraît plus dans les résultats tant que personne n’aura répondu.")
        messages.warning(request, text % {"name": enterprise.name})
    upcoming = phone_calls.following(chosen(request), request.user, after=enterprise)
    if upcoming is None:
        response = redirect("directory:phone_list")
        response["Location"] += asked(request)
        return response
    phone_calls.take(enterprise=upcoming, by=request.user)
    return to_call(request, upcoming)
