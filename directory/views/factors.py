"""Passkeys, codes of an application, recovery codes: allauth's pages, in our words and under our
limits. Each class changes what a page says, when it is counted and where it leads."""

from allauth.mfa.base.views import AuthenticateView, IndexView, ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    LoginWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from directory import codes, sealing, second_factor, throttling
from directory.authentication import safe_next
from directory.models import User
from directory.views.entrance import limited, sign_in
from directory.views.identity import recently_proven

HOME = reverse_lazy("mfa_index")


class Page:
    """allauth gives its pages another `site` than ours."""

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        context.pop("site", None)
        return context | {"going": safe_next(self.request)}


class Counted(Page):
    """Where a factor is given: as often as a code is typed, from one place and for one person."""

    def person(self):
        return f"user {self.request.user.pk}"

    def dispatch(self, request, *args, **kwargs):
        self.request = request
        return super().dispatch(request, *args, **kwargs)

    def post(self, request, *args, **kwargs):
        codes.count(
            "factor given",
            (throttling.address(request), codes.BY_CLIENT),
            (f"for {self.person()}", codes.BY_EMAIL),
        )
        return super().post(request, *args, **kwargs)


def guarded(view):
    return method_decorator(never_cache, name="dispatch")(
        method_decorator(recently_proven, name="dispatch")(view)
    )


def counted(view):
    return method_decorator(limited, name="dispatch")(
        method_decorator(never_cache, name="dispatch")(view)
    )


# --- Signing in


@method_decorator(login_not_required, name="dispatch")
@counted
class Authenticate(Counted, AuthenticateView):
    """The second step of a sign-in."""

    template_name = "account/factor.html"

    def person(self):
        return f"user {self.stage.login.user.pk}"


@method_decorator(login_not_required, name="dispatch")
@counted
class PasskeySignIn(Counted, LoginWebAuthnView):
    """Without a code: the passkey says whose it is."""

    def person(self):
        return f"at {throttling.address(self.request)}"

    def form_invalid(self, form):
        return sign_in(self.request, refused=True)


# --- Giving it again


class Again(Counted):
    def get_context_data(self, **kwargs):
        mine = Authenticator.objects.filter(user=self.request.user)
        return super().get_context_data(**kwargs) | {
            "again": True,
            "types": set(mine.values_list("type", flat=True)),
        }

    def form_valid(self, form):
        response = super().form_valid(form)
        second_factor.renew(self.request)
        return response


@counted
class FactorAgain(Again, ReauthenticateView):
    template_name = "account/factor.html"


@counted
class PasskeyAgain(Again, ReauthenticateWebAuthnView):
    template_name = "account/passkey.html"

    def form_invalid(self, form):
        return self.render_to_response(self.get_context_data(form=form, refused=True))


# --- Keeping them


@method_decorator(never_cache, name="dispatch")
class Factors(Page, IndexView):
    template_name = "account/factors.html"

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        found = context["authenticators"]
        return context | {
            "passkeys": found.get(Authenticator.Type.WEBAUTHN, []),
            "application": found.get(Authenticator.Type.TOTP),
            "recovery": found.get(Authenticator.Type.RECOVERY_CODES),
            "required": second_factor.required(self.request.user),
        }


class Added:
    """A factor just set up opens what it protects, and the way one was going."""

    def form_valid(self, form):
        response = super().form_valid(form)
        newest = Authenticator.objects.filter(
            user=self.request.user, type__in=second_factor.FACTORS
        ).latest("pk")
        second_factor.added(self.request, newest)
        if newest.type == Authenticator.Type.TOTP:
            second_factor.spend(newest, form.cleaned_data["code"])
        return response


@guarded
@method_decorator(limited, name="dispatch")
class ActivateApplication(Added, Counted, ActivateTOTPView):
    template_name = "account/application.html"

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        drawing = context["totp_svg"]
        # Drawn here from the address alone, without its XML declaration.
        return context | {
            "drawing": mark_safe(drawing[drawing.index("<svg") :]),
            "secret": context["form"].secret,
        }


class Removed(Page):
    """Of staff, the last one stays: without it nothing of theirs opens."""

    done = ""

    def form_valid(self, form):
        with transaction.atomic():
            # Held: of two removed at once, one stays.
            held = User.objects.select_for_update(no_key=True).get(pk=self.request.user.pk)
            if second_factor.has_to_stay(held):
                text = _("C’est votre seul second facteur\xa0: ajoutez-en un autre d’abord.")
                messages.error(self.request, text)
                return redirect(HOME)
            response = super().form_valid(form)
        messages.success(self.request, self.done)
        return response


@guarded
class RemoveApplication(Removed, DeactivateTOTPView):
    template_name = "account/remove_factor.html"
    success_url = HOME
    done = gettext_lazy("L’application est retirée.")


@guarded
@method_decorator(limited, name="dispatch")
class AddPasskey(Added, Counted, AddWebAuthnView):
    template_name = "account/add_passkey.html"

    def get_context_data(self, **kwargs):
        form = kwargs.get("form") or self.get_form()
        return super().get_context_data() | {"form": form}


@guarded
class RemovePasskey(Removed, RemoveWebAuthnView):
    template_name = "account/remove_factor.html"
    success_url = HOME
    done = gettext_lazy("La clé d’accès est retirée.")


@guarded
class RecoveryCodes(Page, ViewRecoveryCodesView):
    template_name = "account/recovery_codes.html"

    def get(self, request, *args, **kwargs):
        try:
            return super().get(request, *args, **kwargs)
        except sealing.Unreadable:
            return redirect("mfa_generate_recovery_codes")


@guarded
class NewRecoveryCodes(Page, GenerateRecoveryCodesView):
    template_name = "account/new_recovery_codes.html"

    def get(self, request, *args, **kwargs):
        if not second_factor.has_one(request.user):
            return redirect("mfa_index")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs):
        try:
            return super().get_context_data(**kwargs)
        except sealing.Unreadable:  # none of them is of use: all that is left is to make others
            without = super(GenerateRecoveryCodesView, self).get_context_data(**kwargs)
            without.pop("site", None)
            return without | {"unused_code_count": 0}
