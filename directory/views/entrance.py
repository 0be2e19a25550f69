"""Signing in, signing up, signing out. Who asks for a code gets the same page whoever they are;
what the code is for decides what comes after it."""

from functools import wraps

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from directory import accounts, codes, known_browsers, second_factor, throttling
from directory.account_forms import CodeForm, EmailForm, SignUpForm
from directory.authentication import Adapter, safe_next
from directory.mailings import line
from directory.models import User
from directory.views.guards import shown_or_sent


def ask(request, purpose, email, **said):
    """Send a code and lead to where it is typed. Raises TooMany."""
    codes.ask(
        session=request.session,
        client=throttling.address(request),
        known=known_browsers.allowance(request, email),
        purpose=purpose,
        email=email,
        **said,
    )
    return redirect("account_code")


def too_many(request, seconds):
    """Instead of the page: when one may try again."""
    minutes = -(-seconds // 60)
    context = {
        "status": 429,
        "title": _("Trop d’essais en peu de temps"),
        "message": ngettext(
            "Pour protéger les comptes, le nombre d’essais par heure est limité. Vous pourrez "
            "recommencer dans %(n)d minute.",
            "Pour protéger les comptes, le nombre d’essais par heure est limité. Vous pourrez "
            "recommencer dans %(n)d minutes.",
            minutes,
        )
        % {"n": minutes},
        "request_id": getattr(request, "id", ""),
    }
    response = render(request, "error.html", context, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def limited(view):
    """Answer 429 where the view, or what it calls, met a limit."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except throttling.TooMany as refusal:
            return too_many(request, refusal.seconds)

    return wrapped


def leading(name, going, email=""):
    """The address of a page, which then leads to `going` and begins with this `email`."""
    said = {"next": going, "email": email}
    query = urlencode({key: value for key, value in said.items() if value})
    return reverse(name) + (f"?{query}" if query else "")


def proposed(request):
    """The address of mail that a link proposes to who follows it, an invitation's say: written in
    the form for them to send or to change, and looked up nowhere."""
    return line(request.GET.get("email", ""))[:254]


# --- In

ENTERING = {codes.SIGN_IN, codes.SIGN_UP}


@login_not_required
@never_cache
@shown_or_sent
@limited
def sign_in(request, refused=False):
    going = safe_next(request)
    if request.user.is_authenticated:
        return redirect(going or Adapter(request).get_login_redirect_url(request))
    email = proposed(request)
    sent = request.POST if request.method == "POST" and not refused else None
    form = EmailForm(sent, initial={"email": email})
    if request.method == "POST" and not refused and form.is_valid():
        return ask(request, codes.SIGN_IN, form.cleaned_data["email"], going=going)
    context = {
        "form": form,
        "going": going,
        "refused": refused,
        "sign_up": leading("account_signup", going, email),
    }
    return render(request, "account/sign_in.html", context)


@login_not_required
@never_cache
@shown_or_sent
@limited
def sign_up(request):
    going = safe_next(request)
    if request.user.is_authenticated:
        return redirect(going or "account_home")
    email = proposed(request)
    form = SignUpForm(request.POST or None, initial={"email": email})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        return ask(request, codes.SIGN_UP, said["email"], going=going, name=said["name"])
    context = {"form": form, "going": going, "sign_in": leading("account_login", going, email)}
    return render(request, "account/sign_up.html", context)


@login_not_required
@never_cache
@shown_or_sent
@limited
def code(request):
    """Where the code is typed, whatever it is for."""
    try:
        asked = codes.awaited(request.session)
        form = CodeForm(
            request.POST if request.method == "POST" else None,
            session=request.session,
            client=throttling.address(request),
            known=known_browsers.allowance(request, asked.email),
        )
        if request.method == "POST" and form.is_valid():
            return AFTER[asked.purpose](request, form.proven)
    except codes.Expired:
        again = "account_home" if request.user.is_authenticated else "account_login"
        return render(request, "account/code_expired.html", {"again": reverse(again)}, status=410)
    # Where one goes who mistyped the address, or got nothing.
    again = {
        codes.SIGN_IN: "account_login",
        codes.SIGN_UP: "account_signup",
        codes.EMAIL: "account_email",
        codes.IDENTITY: "account_reauthenticate",
    }[asked.purpose]
    going = asked.said.get("going", "")
    context = {
        "form": form,
        "email": asked.email,
        "purpose": asked.purpose,
        # To the forms that ask for an address, with the one to look at again.
        "again": leading(again, going, asked.email if asked.purpose in ENTERING else ""),
        "sign_up": leading("account_signup", going, asked.email),
        "minutes": int(codes.GOOD_FOR.total_seconds() // 60),
    }
    return render(request, "account/code.html", context)


def signed_in(request, proven):
    user = User.objects.filter(email=proven.email).first()
    if user is None:  # closed since the code left
        raise codes.Expired
    return enter(request, user, proven)


def signed_up(request, proven):
    user = accounts.sign_up(email=proven.email, name=proven.said["name"])
    return enter(request, user, proven)


def enter(request, user, proven):
    """Through the other steps of a sign-in, such as a second factor."""
    record_authentication(request, user, method="code", email=proven.email)
    going = proven.said.get("going") or None
    return perform_login(request, Login(user=user, email=proven.email, redirect_url=going))


def email_changed(request, proven):
    if not request.user.is_authenticated or proven.said["user"] != request.user.pk:
        raise codes.Expired
    try:
        accounts.change_email(user=request.user, email=proven.email)
    except accounts.Taken:
        messages.error(request, _("Un autre compte a cette adresse. La vôtre n’a pas changé."))
        return redirect("account_email")
    keep(request)
    messages.success(request, _("Votre adresse est changée. Les autres connexions sont fermées."))
    response = redirect("account_home")
    known_browsers.remember(request, response, request.user)
    return response


def identity_proven(request, proven):
    if not request.user.is_authenticated or proven.said["user"] != request.user.pk:
        raise codes.Expired
    record_authentication(request, request.user, method="code", reauthenticated=True)
    second_factor.renew(request)
    return redirect(proven.said["going"] or "account_home")


AFTER = {
    codes.SIGN_IN: signed_in,
    codes.SIGN_UP: signed_up,
    codes.EMAIL: email_changed,
    codes.IDENTITY: identity_proven,
}


def keep(request):
    """This sign-in, when all those of the account end."""
    update_session_auth_hash(request, request.user)
    UserSession.objects.create_from_request(request)


@login_not_required
@never_cache
@require_safe
def inactive(request):
    return render(request, "account/inactive.html", status=403)


# --- Out


@login_not_required
@never_cache
@shown_or_sent
def sign_out(request):
    if request.method == "POST":
        logout(request)
        return redirect(safe_next(request) or "directory:home")
    if not request.user.is_authenticated:
        return redirect("directory:home")
    return render(request, "account/sign_out.html")
