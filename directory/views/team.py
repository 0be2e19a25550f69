"""Who tends a listing: seen by all of them, changed by its owners."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from directory import claims, invitations, representatives, wording
from directory.forms import mistakes
from directory.models import Claim, Invitation, Representative, Role
from directory.reports import TooMany
from directory.team_forms import InvitationForm, RefusalForm, RoleForm
from directory.views.claims import too_many
from directory.views.gone import at_its_address
from directory.views.guards import shown_or_sent
from directory.views.identity import to_prove


@shown_or_sent
@never_cache
@at_its_address(representatives.visible_to)
def team(request, slug):
    enterprise = get_object_or_404(representatives.visible_to(request.user), slug=slug)
    roles = invitations.roles_of(request.user, enterprise)
    if request.method != "POST":
        form = InvitationForm(roles=roles, initial={"role": Role.EDITOR})
        return shown(request, enterprise, form)
    if not invitations.may_invite(request.user, enterprise):
        raise Http404
    form = InvitationForm(request.POST, roles=roles)
    if not form.is_valid():
        return shown(request, enterprise, form)
    said = form.cleaned_data
    try:
        sent = invitations.invite(
            enterprise=enterprise, email=said["email"], role=said["role"], by=request.user
        )
    except invitations.AlreadyThere:
        form.add_error("email", _("Cette personne fait déjà partie de l’équipe."))
        return shown(request, enterprise, form)
    except invitations.OwnAddress:
        form.add_error("email", own_address())
        return shown(request, enterprise, form)
    except invitations.AlreadyOwned:
        form.add_error("role", already_owned())
        return shown(request, enterprise, form)
    except TooMany as refusal:
        form.add_error(None, too_many(refusal))
        return shown(request, enterprise, form, status=429)
    except representatives.NotAllowed:
        raise Http404 from None
    tell_sent(request, sent)
    return redirect("directory:team", enterprise.slug)


@shown_or_sent
@never_cache
@at_its_address(representatives.visible_to)
def colleague(request, slug, pk):
    """One of them: their role, and the way out. An editor has this page for themself alone."""
    enterprise = get_object_or_404(representatives.visible_to(request.user), slug=slug)
    managing = representatives.may_manage(request.user, enterprise)
    theirs = enterprise.representatives.select_related("user")
    if not managing:
        theirs = theirs.filter(user=request.user)
    found = get_object_or_404(theirs, pk=pk)
    found.enterprise = enterprise
    action = request.POST.get("action", "")
    typed = request.POST if action == "role" else None
    form = RoleForm(typed, initial={"role": found.role})
    if request.method == "POST":
        if action not in {"role", "remove"} or (action == "role" and not managing):
            raise BadRequest("No such act.")
        if action == "remove" and (first := to_prove(request)):
            return first
        if action == "remove" or form.is_valid():
            return changed(request, found, form, action)
    return shown_colleague(request, found, form, managing)


def changed(request, found, form, action):
    """Do it; a refusal is said on the page, which shows what is so now."""
    enterprise, me = found.enterprise, request.user
    try:
        if action == "remove":
            representatives.remove(representative=found, by=me)
        else:
            representatives.change_role(representative=found, role=form.cleaned_data["role"], by=me)
    except representatives.LastOwner:
        return shown_colleague(request, found, form, True, refusal=last_owner(), status=409)
    except (representatives.NotAllowed, Representative.DoesNotExist):
        raise Http404 from None
    name = {"name": str(found.user)}
    if action == "remove" and found.user_id == me.pk:
        messages.success(request, _("Vous ne faites plus partie de l’équipe."))
        return redirect(enterprise.get_absolute_url())
    if action == "remove":
        messages.success(request, _("%(name)s ne peut plus modifier la fiche.") % name)
    else:
        messages.success(request, _("Le rôle de %(name)s est changé.") % name)
    return redirect("directory:team", enterprise.slug)


@require_POST
@at_its_address(representatives.visible_to)
def invitation(request, slug, pk):
    """Send one again, or take it back."""
    enterprise = get_object_or_404(representatives.visible_to(request.user), slug=slug)
    found = get_object_or_404(Invitation, enterprise=enterprise, pk=pk)
    found.enterprise = enterprise
    if not invitations.may_invite(request.user, enterprise):
        raise Http404
    action = request.POST.get("action")
    try:
        if action == "resend":
            tell_sent(request, invitations.resend(invitation=found, by=request.user))
        elif action == "withdraw":
            if invitations.withdraw(invitation=found, by=request.user):
                text = _("L’invitation de %(email)s est retirée\xa0: son lien ne vaut plus.")
                messages.success(request, text % {"email": found.email})
        else:
            raise BadRequest("No such act.")
    except invitations.AlreadyOwned:
        messages.error(request, already_owned())
    except invitations.Unusable as refusal:
        messages.error(request, unusable(found, refusal.state))
    except TooMany as refusal:
        messages.error(request, too_many(refusal))
    except representatives.NotAllowed:
        raise Http404 from None
    return redirect("directory:team", enterprise.slug)


@shown_or_sent
@never_cache
@at_its_address(representatives.visible_to)
def answer(request, slug, pk):
    """An owner answers somebody who asks to join; a takeover is for staff alone."""
    enterprise = get_object_or_404(representatives.visible_to(request.user), slug=slug)
    if not representatives.may_manage(request.user, enterprise):
        raise Http404
    asked = Claim.objects.filter(enterprise=enterprise).select_related("user")
    found = get_object_or_404(asked.exclude(state=Claim.State.CODE), pk=pk)
    found.enterprise = enterprise
    action = request.POST.get("action")
    seen = request.POST.get("seen", "")
    if found.takeover and not seen:
        raise Http404
    form = RefusalForm(request.POST if action == "refuse" else None)
    if request.method != "POST":
        return shown_claim(request, found, form)
    if found.takeover:
        # What they read was not; they are told that staff decide it now.
        return shown_claim(request, found, RefusalForm(), changed=True)
    if action not in {"accept", "refuse"}:
        raise BadRequest("No such act.")
    if action == "refuse" and not form.is_valid():
        return shown_claim(request, found, form)
    name = {"name": str(found.user)}
    try:
        if action == "accept":
            claims.accept(claim=found, by=request.user, seen=seen)
            messages.success(request, _("%(name)s peut maintenant modifier la fiche.") % name)
        else:
            reason = form.cleaned_data["reason"]
            claims.refuse(claim=found, by=request.user, reason=reason, seen=seen)
            messages.success(request, _("La demande de %(name)s est refusée.") % name)
    except claims.AlreadyDecided as decided:
        messages.error(request, decided_first(decided.claim))
    except claims.OwnCase:
        messages.error(request, own_case())
    except claims.Changed:
        return shown_claim(request, found, form, changed=True)
    except claims.AccountClosed:
        messages.error(request, _("Cette personne n’a plus de compte\xa0: refusez sa demande."))
    except (claims.NotOffered, representatives.NotAllowed):
        raise Http404 from None
    return redirect("directory:team", enterprise.slug)


# --- Pages


def shown(request, enterprise, form, status=200):
    managing = representatives.may_manage(request.user, enterprise)
    inviting = invitations.may_invite(request.user, enterprise)
    rows = enterprise.representatives.select_related("user").order_by("-role", "since", "pk")
    people = [
        {
            "pk": row.pk,
            "name": row.user.name,
            "email": row.user.email,
            "role": row.get_role_display(),
            "since": wording.day(timezone.localdate(row.since)),
            "me": row.user_id == request.user.pk,
            "closed": not row.user.is_active,
            "changed": managing or row.user_id == request.user.pk,
        }
        for row in rows
    ]
    invited = [
        {
            "pk": row.pk,
            "email": row.email,
            "role": row.get_role_display(),
            "until": wording.day(timezone.localdate(row.expires_at)),
            "expired": row.expires_at <= timezone.now(),
        }
        for row in enterprise.invitations.open()
    ]
    asked = enterprise.claims.waiting().select_related("user") if managing else []
    context = {
        "enterprise": enterprise,
        "back": reverse("directory:mine_listing", args=[enterprise.slug])
        if any(person["me"] for person in people)
        else enterprise.get_absolute_url(),
        "people": people,
        "invited": invited,
        "asked": asked,
        "managing": managing,
        "inviting": inviting,
        "form": form,
        "errors": mistakes(form),
        "days": invitations.GOOD_FOR.days,
    }
    return render(request, "directory/team.html", context, status=status)


def shown_colleague(request, found, form, managing, refusal="", status=200):
    context = {
        "enterprise": found.enterprise,
        "person": found,
        "me": found.user_id == request.user.pk,
        "managing": managing,
        "only": representatives.only_owner(found),
        "form": form,
        "errors": mistakes(form) + ([{"text": refusal, "at": ""}] if refusal else []),
    }
    return render(request, "directory/colleague.html", context, status=status)


def shown_claim(request, found, form, changed=False):
    context = {
        "enterprise": found.enterprise,
        "claim": found,
        "decided": answered(found, request.user),
        "seen": claims.digest(found),
        "form": form,
        "errors": mistakes(form) + ([{"text": changed_claim(), "at": ""}] if changed else []),
    }
    status = 409 if changed else 200
    return render(request, "directory/team_claim.html", context, status=status)


def tell_sent(request, sent):
    email = {"email": sent.invitation.email}
    if sent.queued:
        messages.success(request, _("L’invitation part à %(email)s.") % email)
    else:
        messages.info(request, _("L’invitation à %(email)s vient déjà de partir.") % email)


def unusable(found, state):
    texts = {
        "accepted": _("%(email)s a déjà accepté son invitation."),
        "withdrawn": _("L’invitation de %(email)s est déjà retirée."),
    }
    return texts.get(state, _("L’invitation de %(email)s ne vaut plus.")) % {"email": found.email}


def own_address():
    return _("C’est votre adresse\xa0: personne ne s’invite soi-même.")


def already_owned():
    return _(
        "Cette fiche a déjà une personne responsable, qui seule en nomme une autre. Vous pouvez "
        "inviter quelqu’un à la modifier."
    )


def answered(claim, user):
    """Why there is nothing here for this person to decide; "" where there is."""
    if claim.state != Claim.State.WAITING:
        return decided_first(claim)
    if claim.user_id == user.pk:
        return own_case()
    if claim.takeover:
        return _(
            "Cette personne dit maintenant remplacer la personne responsable\xa0: l’équipe du Pôle "
            "téléphone avant de répondre."
        )
    return ""


def changed_claim():
    return _(
        "La demande a changé depuis que vous avez ouvert cette page. Rien n’a été enregistré\xa0: "
        "relisez-la, puis décidez de nouveau."
    )


def own_case():
    return _("C’est votre propre demande\xa0: une autre personne en décide.")


def decided_first(claim):
    texts = {
        Claim.State.ACCEPTED: _("Cette demande a déjà été acceptée."),
        Claim.State.REFUSED: _("Cette demande a déjà été refusée."),
    }
    return texts.get(claim.state, _("Cette demande a été retirée."))


def last_owner():
    return _(
        "C’est la seule personne responsable de la fiche, qui en garde toujours au moins une. "
        "Nommez-en une autre d’abord."
    )
