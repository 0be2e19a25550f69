"""What a person sees and keeps of their own account."""

from datetime import date

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory import accounts, codes, personal_data, representatives, second_factor
from directory.account_forms import DeleteForm, NameForm, NewEmailForm
from directory.models import Consent, Representative
from directory.views.entrance import ask, keep, limited
from directory.views.guards import shown_or_sent
from directory.views.identity import recently_proven
from directory.wording import day


@never_cache
@shown_or_sent
def home(request):
    user = request.user
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"]
        user.save(update_fields=["name"])
        messages.success(request, _("Votre nom est enregistré."))
        return redirect("account_home")
    representing = Representative.objects.filter(user=user).select_related("enterprise")
    factors = Authenticator.objects.filter(user=user, type__in=second_factor.FACTORS)
    context = {
        "form": form,
        "representations": [
            {
                "name": one.enterprise.name,
                "url": reverse("directory:mine_listing", args=[one.enterprise.slug]),
                "role": one.get_role_display(),
            }
            for one in representing.order_by("enterprise__name", "pk")
        ],
        "passkeys": factors.filter(type=Authenticator.Type.WEBAUTHN).count(),
        "application": factors.filter(type=Authenticator.Type.TOTP).exists(),
        "sessions": len(UserSession.objects.purge_and_list(user)),
        "consents": [
            {
                "given": one.given,
                "version": day(date.fromisoformat(one.text_version)),
                "day": day(on(one.at)),
            }
            for one in Consent.objects.filter(user=user, purpose=accounts.PRIVACY)
        ],
        "joined": day(on(user.joined_at)),
    }
    return render(request, "account/home.html", context)


def on(moment):
    return timezone.localtime(moment).date()


# --- Address


@never_cache
@shown_or_sent
@recently_proven
@limited
def email(request):
    form = NewEmailForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        return ask(request, codes.EMAIL, form.cleaned_data["email"], user=request.user.pk)
    return render(request, "account/email.html", {"form": form})


# --- Open sign-ins

BROWSERS = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
            ("Safari/", "Safari")]  # fmt: skip
SYSTEMS = [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("Mac OS", "Mac"), ("Linux", "Linux")]  # fmt: skip


def device(user_agent):
    """As its owner would call it, from what a browser says of itself."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s sur %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Navigateur inconnu")


@never_cache
@shown_or_sent
def sessions(request):
    if request.method == "POST":
        if one := request.POST.get("session"):
            if not one.isascii() or not one.isdigit() or len(one) > 18:
                one = "0"
            get_object_or_404(UserSession, user=request.user, pk=one).end()
            messages.success(request, _("La connexion est fermée."))
        else:
            accounts.close_sessions(user=request.user)
            keep(request)
            messages.success(request, _("Toutes les autres connexions sont fermées."))
        return redirect("usersessions_list")
    current = request.session.session_key
    listed = [
        {
            "pk": one.pk,
            "device": device(one.user_agent),
            "since": day(on(one.created_at)),
            "time": timezone.localtime(one.created_at),
            "ip": one.ip,
            "current": one.session_key == current,
        }
        for one in UserSession.objects.purge_and_list(request.user)
    ]
    listed.sort(key=lambda one: (not one["current"], one["time"]))
    return render(request, "account/sessions.html", {"sessions": listed})


# --- One's data, and leaving


@never_cache
@require_safe
@recently_proven
def data(request):
    response = JsonResponse(
        personal_data.everything(request.user),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
    )
    response.headers["Content-Disposition"] = 'attachment; filename="mes-donnees.json"'
    return response


@never_cache
@shown_or_sent
@recently_proven
def delete(request):
    form = DeleteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.leave(user=request.user)
        except accounts.LastSuperuser:
            form.add_error(
                None,
                _("Vous êtes la seule personne qui peut donner des droits. Donnez-les d’abord à "
                  "quelqu’un d’autre."),
            )  # fmt: skip
        else:
            logout(request)
            return redirect("account_deleted")
    context = {"form": form, "last_owned": representatives.answered_by_alone(request.user)}
    return render(request, "account/delete.html", context)


@login_not_required
@never_cache
@require_safe
def deleted(request):
    return render(request, "account/deleted.html", {"home": reverse("directory:home")})
