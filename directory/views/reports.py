"""What anyone may tell the Pôle, without an account.

No cookie is set here, so no token can be bound to one. None is needed either: these forms act in
the name of nobody, so a site that has a visitor send one gains nothing that it could not send
itself. What is left of the risk, a page elsewhere that floods the queue through its visitors, is
met by asking the browser where the request comes from, and by the limit of each address.
See docs/decisions/0007.
"""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from directory import reports, state, throttling
from directory.forms import ErrorReportForm, SuggestionForm, mistakes
from directory.lookalikes import lookalikes
from directory.models import City, Enterprise, ErrorReport, Suggestion
from directory.views.caching import kept_by_nobody_else
from directory.views.gone import gone, moved, shown_once
from directory.views.guards import shown_or_sent


@shown_or_sent
@login_not_required
@csrf_exempt
@kept_by_nobody_else
def suggest(request):
    if request.method != "POST":
        form = SuggestionForm(initial={"name": request.GET.get("nom", "")[:200]})
        return render(request, "directory/suggest.html", shown(form))
    refuse_other_sites(request)
    labels = state.current().labels
    form = SuggestionForm(request.POST, labels=labels)
    if not form.is_valid():
        return answer(request, "directory/suggest.html", form)
    said = form.cleaned_data
    if not said.pop("another") and (alike := lookalikes(said["name"])):
        rows = [
            {
                "name": name,
                "url": reverse("directory:detail", args=[slug]),
                "city": labels.city(city).full_name,
            }
            for name, slug, city in alike
        ]
        return render(request, "directory/suggest.html", shown(form) | {"alike": rows})
    said["city"] = City.objects.get(code=said["city"].official)
    return kept(request, "directory/suggest.html", form, reports.suggest, said)


@shown_or_sent
@login_not_required
@csrf_exempt
@kept_by_nobody_else
def report(request, slug):
    enterprise = shown_once().filter(slug=slug).first()
    if enterprise is None:
        return moved(request, slug)
    if enterprise.state == Enterprise.State.ARCHIVED:
        return gone(request, enterprise)
    about = {"enterprise": {"name": enterprise.name, "url": enterprise.get_absolute_url()}}
    if request.method != "POST":
        return render(request, "directory/report.html", shown(ErrorReportForm()) | about)
    refuse_other_sites(request)
    form = ErrorReportForm(request.POST)
    if not form.is_valid():
        return answer(request, "directory/report.html", form, about)
    said = form.cleaned_data | {"enterprise": enterprise}
    return kept(request, "directory/report.html", form, reports.report, said, about)


@require_safe
@login_not_required
@kept_by_nobody_else
def thanks(request, reference):
    """The number of a message just sent; loaded again, it sends nothing."""
    report = ErrorReport.objects.filter(reference=reference).select_related("enterprise").first()
    if not report and not Suggestion.objects.filter(reference=reference).exists():
        raise Http404
    context = {"reference": reference}
    if report and report.enterprise.state == Enterprise.State.PUBLISHED:
        read = report.enterprise
        context["enterprise"] = {"name": read.name, "url": read.get_absolute_url()}
    return render(request, "directory/thanks.html", context)


def shown(form):
    """A form as its page shows it: questions, the sender's apart, mistakes with their place."""
    sender = [form["sender_name"], form["sender_email"]]
    apart = {"sender_name", "sender_email", "another"}
    return {
        "form": form,
        "questions": [field for field in form if field.name not in apart],
        "sender": sender,
        "errors": mistakes(form),
        "days": reports.KEPT_ONCE_HANDLED.days,
        "days_at_most": reports.KEPT_AT_MOST.days,
    }


def refuse_other_sites(request):
    """As browsers tell where a form comes from. Those too old to tell are let in: a program that
    lies needs no browser."""
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get("Origin", "")
    if site:
        allowed = site in {"same-origin", "none"}
    else:
        allowed = origin in {"", f"{request.scheme}://{request.get_host()}"}
    if not allowed:
        raise PermissionDenied


def answer(request, template, form, about=None, status=200):
    """The form with its mistakes and all that was typed."""
    status = 403 if form.expired else status
    return render(request, template, shown(form) | (about or {}), status=status)


def kept(request, template, form, keep, said, about=None):
    """Keep what was said and give its number; over the limit, show it again and say when."""
    try:
        message = keep(**said, form=form.key, client=throttling.address(request))
    except reports.TooMany as refusal:
        minutes = -(-refusal.seconds // 60)
        form.add_error(
            None,
            ngettext(
                "Trop de messages sont venus de votre adresse. Ce que vous avez écrit est "
                "ci-dessous\xa0: envoyez-le de nouveau dans %(n)d minute, ou écrivez à %(email)s.",
                "Trop de messages sont venus de votre adresse. Ce que vous avez écrit est "
                "ci-dessous\xa0: envoyez-le de nouveau dans %(n)d minutes, ou écrivez à %(email)s.",
                minutes,
            )
            % {"n": minutes, "email": settings.POLE_EMAIL},
        )
        response = answer(request, template, form, about, status=429)
        response.headers["Retry-After"] = str(refusal.seconds)
        return response
    return redirect("directory:thanks", message.reference)
