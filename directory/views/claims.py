"""« C’est votre entreprise? »: the way from a public profile to tending it."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from directory import claims, representatives, wording
from directory.forms import mistakes
from directory.models import Claim, Enterprise, Role
from directory.reports import TooMany
from directory.team_forms import ClaimForm, CodeForm
from directory.views.gone import gone, moved, shown_once
from directory.views.guards import shown_or_sent


@shown_or_sent
@never_cache
def claim(request, slug):
    enterprise = shown_once().filter(slug=slug).first()
    if enterprise is None:
        return moved(request, slug)
    if enterprise.state == Enterprise.State.ARCHIVED:
        return gone(request, enterprise)
    if request.method != "POST":
        return shown(request, enterprise)
    act = ACTS.get(request.POST.get("action", ""))
    if act is None:
        raise BadRequest("No such act.")
    try:
        return act(request, enterprise)
    except claims.NotOffered:
        # Sent twice, or somebody came first: the page says what is so now.
        return redirect("directory:claim", enterprise.slug)
    except TooMany as refusal:
        # What was asked for in words is shown again, as it was typed.
        form = claim_form(request, enterprise, request.POST) if act is ask else None
        response = shown(request, enterprise, form=form, error=too_many(refusal), status=429)
        response.headers["Retry-After"] = str(refusal.seconds)
        return response


def by_domain(request, enterprise):
    claims.claim_by_domain(enterprise=enterprise, by=request.user)
    return welcome(request, enterprise)


def send_code(request, enterprise):
    claims.send_code(enterprise=enterprise, by=request.user)
    return redirect("directory:claim", enterprise.slug)


def prove(request, enterprise):
    form = CodeForm(request.POST)
    if not form.is_valid():
        return shown(request, enterprise, code_form=form)
    try:
        found = claims.prove(enterprise=enterprise, by=request.user, code=form.cleaned_data["code"])
    except claims.WrongCode as wrong:
        if not wrong.left:
            return shown(request, enterprise, error=too_often())
        form.add_error("code", wrong_code(wrong.left))
        return shown(request, enterprise, code_form=form)
    except claims.NoCode:
        expired = _("Ce code a expiré, ou il a déjà servi. Demandez-en un autre.")
        return shown(request, enterprise, error=expired)
    if found is None:
        return redirect("directory:claim", enterprise.slug)
    return welcome(request, enterprise)


def ask(request, enterprise):
    form = claim_form(request, enterprise, request.POST)
    if not form.is_valid():
        return shown(request, enterprise, form=form)
    said = form.cleaned_data
    claims.ask(
        enterprise=enterprise,
        by=request.user,
        function=said["function"],
        grounds=said["grounds"],
        phone=said["phone"],
        takeover=form.takeover,
    )
    return redirect("directory:claim", enterprise.slug)


def withdraw(request, enterprise):
    if claims.withdraw(enterprise=enterprise, by=request.user):
        messages.success(request, _("Votre demande est retirée."))
    return redirect("directory:claim", enterprise.slug)


ACTS = {
    "domain": by_domain,
    "code": send_code,
    "prove": prove,
    "ask": ask,
    "withdraw": withdraw,
}


def shown(request, enterprise, *, form=None, code_form=None, error="", status=200):
    """The page as things stand: already a representative, waiting, a code to type, or the ways."""
    user = request.user
    role = enterprise.representatives.filter(user=user).values_list("role", flat=True).first()
    current = claims.current(enterprise=enterprise, user=user)
    ways = claims.ways(enterprise=enterprise, user=user)
    open_claim = current if current and current.state != Claim.State.REFUSED else None
    if role == Role.OWNER:
        stage = "attached"
    elif open_claim and open_claim.state == Claim.State.WAITING:
        stage = "waiting"
    elif open_claim and claims.awaits_code(open_claim):
        stage = "code"
    else:
        stage = "ways"
    form = form or claim_form(request, enterprise)
    errors = [{"text": error, "at": ""}] if error else [*mistakes(form)]
    if code_form:
        errors += mistakes(code_form)
    context = {
        "enterprise": {"name": enterprise.name, "url": enterprise.get_absolute_url()},
        "stage": stage,
        "editing": role == Role.EDITOR,
        "team": reverse("directory:team", args=[enterprise.slug]),
        "ways": ways,
        "claim": open_claim,
        "sent_to": wording.masked(open_claim.sent_to) if open_claim else "",
        "refusal": current.reason if current and not open_claim else "",
        "form": form,
        "code_form": code_form or CodeForm(),
        "minutes": claims.CODE_GOOD_FOR.seconds // 60,
        "errors": errors,
        # The only way is shown open; so is a form that came back.
        "unfolded": form.is_bound or not (ways.address or ways.listed),
    }
    return render(request, "directory/claim.html", context, status=status)


def claim_form(request, enterprise, data=None):
    editing = enterprise.representatives.filter(user=request.user, role=Role.EDITOR).exists()
    owned = representatives.owners(enterprise).exists()
    return ClaimForm(data, owned=owned, editing=editing and owned)


def welcome(request, enterprise):
    """To the enterprise's own pages, which say that they are theirs now."""
    messages.success(
        request,
        _("La fiche de «\xa0%(name)s\xa0» est maintenant entre vos mains.")
        % {"name": enterprise.name},
    )
    return redirect(home(enterprise))


def home(enterprise):
    """Where one tends this listing."""
    return reverse("directory:mine_listing", args=[enterprise.slug])


def wrong_code(left):
    return ngettext(
        "Ce n’est pas ce code. Il vous reste %(n)d essai.",
        "Ce n’est pas ce code. Il vous reste %(n)d essais.",
        left,
    ) % {"n": left}


def too_often():
    return _("Ce code a été mal saisi trop souvent\xa0: il ne vaut plus. Demandez-en un autre.")


def too_many(refusal):
    minutes = -(-refusal.seconds // 60)
    return ngettext(
        "Vous avez fait beaucoup de demandes en peu de temps. Recommencez dans %(n)d minute, ou "
        "écrivez à %(email)s.",
        "Vous avez fait beaucoup de demandes en peu de temps. Recommencez dans %(n)d minutes, ou "
        "écrivez à %(email)s.",
        minutes,
    ) % {"n": minutes, "email": settings.POLE_EMAIL}
