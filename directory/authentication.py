"""What Django and allauth ask of us about whoever signs in.

No password exists: the backend finds people, and recognises nobody by a secret. Who they are is
proven by a code sent to their address (codes.py) or a passkey."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import known_browsers, outbox, sealing, throttling, wording
from directory.doors import doors
from directory.models import User

# What allauth tells of by mail, as our one text says it.
NOTICES = {
    "mfa/email/totp_activated": gettext_lazy("une application de codes a été ajoutée"),
    "mfa/email/totp_deactivated": gettext_lazy("l’application de codes a été retirée"),
    "mfa/email/webauthn_added": gettext_lazy("une clé d’accès a été ajoutée"),
    "mfa/email/webauthn_removed": gettext_lazy("une clé d’accès a été retirée"),
    "mfa/email/recovery_codes_generated": gettext_lazy(
        "de nouveaux codes de secours ont été créés"
    ),
}


class Backend(ModelBackend):
    def authenticate(self, request, **credentials):
        return None

    def get_user(self, user_id):
        return User.objects.present(user_id)


class Adapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_code": gettext_lazy("Ce code n’est pas le bon. Vérifiez-le, puis recommencez."),
    }

    def get_client_ip(self, request):
        return throttling.address(request).partition("/")[0]

    def is_safe_url(self, url):
        """A path of this site, whatever the browser makes of it."""
        return bool(url) and url.startswith("/") and url_has_allowed_host_and_scheme(url, None)

    def get_login_redirect_url(self, request):
        """Where one who was going nowhere goes: to what they keep."""
        return doors(request.user)[0].url

    def get_signup_redirect_url(self, request):
        return self.get_login_redirect_url(request)

    def post_login(self, request, user, **said):
        response = super().post_login(request, user, **said)
        known_browsers.remember(request, response, user)
        return response

    def add_message(self, *args, **kwargs):
        """Nothing of allauth's own: our pages say what happened."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise NotImplementedError(template_prefix)  # what is not in NOTICES is sent by nobody

    def send_notification_mail(self, template_prefix, user, context=None, email=None):
        notify(user, str(NOTICES[template_prefix]))


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": Adapter.error_messages["incorrect_code"],
    }

    def encrypt(self, text):
        return sealing.seal(text)

    def decrypt(self, encrypted_text):
        return sealing.unseal(encrypted_text)

    def get_totp_issuer(self):
        return settings.SITE_NAME

    def get_public_key_credential_rp_entity(self):
        return super().get_public_key_credential_rp_entity() | {"name": settings.SITE_NAME}

    def generate_authenticator_name(self, user, type):  # noqa: A002 allauth's own name
        return _("Clé du %(day)s") % {"day": wording.day(timezone.localdate())}


def notify(user: User, what: str, *, to: str = "") -> None:
    """Tell a person, at their address or at the one they had, what was done to their account."""
    outbox.queue(
        kind="account_changed",
        to=to or user.email,
        context={"what": what, "pole_email": settings.POLE_EMAIL},
        dedupe_key=f"account:{user.pk}:{get_random_string(22)}",
    )


def safe_next(request: HttpRequest) -> str:
    """Where the reader was going, if it is a page of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if Adapter(request).is_safe_url(url) else ""
