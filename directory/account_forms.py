"""What people type to sign in and to keep their account."""

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from directory import codes, sealing, second_factor
from directory.authentication import Adapter
from directory.forms import LineField


class AccountForm(forms.Form):
    use_required_attribute = False  # the page says what is missing, in French

    def __init__(self, *args, **kwargs):
        super().__init__(*args, auto_id="%s", label_suffix="", **kwargs)


class EmailForm(AccountForm):
    email = forms.EmailField(
        label=_("Votre courriel"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "email"}),
        error_messages={
            "required": _("Écrivez votre adresse de courriel."),
            "invalid": _("Écrivez une adresse complète, comme nom@exemple.org."),
        },
    )

    def clean_email(self):
        return self.cleaned_data["email"].lower()


class NewEmailForm(EmailForm):
    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["email"].label = gettext("Votre nouvelle adresse")

    def clean_email(self):
        email = super().clean_email()
        if email == self.user.email:
            raise ValidationError(gettext("C’est déjà l’adresse de votre compte."))
        return email


class NameForm(AccountForm):
    name = LineField(
        label=_("Votre nom"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
        error_messages={"required": _("Écrivez votre nom, comme on vous connaît au travail.")},
    )


class SignUpForm(NameForm, EmailForm):
    field_order = ["name", "email", "agreed"]

    agreed = forms.BooleanField(
        label=_("J’ai lu ce que le site fait des renseignements personnels, et j’y consens."),
        error_messages={"required": _("Sans votre accord, aucun compte ne peut être créé.")},
    )


class CodeForm(AccountForm):
    """The code sent by mail; asks `codes.prove` whether it is right."""

    code = forms.CharField(
        label=_("Code reçu par courriel"),
        max_length=40,
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}
        ),
        error_messages={"required": _("Écrivez le code que nous vous avons envoyé.")},
    )

    def __init__(self, *args, session=None, client="", known="", **kwargs):
        super().__init__(*args, **kwargs)
        self.session, self.client, self.known, self.proven = session, client, known, None

    def clean_code(self):
        code = self.cleaned_data["code"]
        self.proven = codes.prove(
            session=self.session, client=self.client, known=self.known, code=code
        )
        if self.proven is None:
            left = codes.TRIES - codes.awaited(self.session).tries
            raise ValidationError(
                ngettext(
                    "Ce code n’est pas le bon. Il vous reste %(n)d essai.",
                    "Ce code n’est pas le bon. Il vous reste %(n)d essais.",
                    left,
                )
                % {"n": left}
            )
        return code


class DeleteForm(AccountForm):
    sure = forms.BooleanField(
        label=_("Oui, supprimer mon compte. Je sais que c’est définitif."),
        error_messages={"required": _("Cochez la case pour supprimer votre compte.")},
    )


# --- Those of allauth, worded as ours


class OneTimeCode(AccountForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code de l’application, ou code de secours")
        field.max_length = 40
        field.error_messages["required"] = _("Écrivez le code.")
        field.widget.attrs = {"autocomplete": "one-time-code", "class": "code"}

    def clean_code(self):
        try:
            code = super().clean_code()
        except sealing.Unreadable as lost:
            raise ValidationError(
                gettext(
                    "Le site ne peut plus lire ce second facteur. Si vous avez une clé d’accès, "
                    "servez-vous-en\xa0; sinon, écrivez à %(email)s pour le faire retirer."
                )
                % {"email": settings.POLE_EMAIL}
            ) from lost
        given = self.authenticator
        if given.type == Authenticator.Type.TOTP and not second_factor.spend(given, code):
            raise ValidationError(
                gettext("Ce code a déjà servi. Attendez le suivant, puis recommencez.")
            )
        return code


class FactorForm(OneTimeCode, AuthenticateForm):
    pass


class FactorAgainForm(OneTimeCode, ReauthenticateForm):
    pass


class ActivateForm(AccountForm, ActivateTOTPForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = _("Code que montre l’application")
        field.max_length = 40
        field.error_messages["required"] = _("Écrivez le code que montre l’application.")
        field.widget.attrs = {
            "autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"
        }  # fmt: skip

    def clean_code(self):
        try:
            return super().clean_code()
        except ValidationError as error:
            raise ValidationError(Adapter.error_messages["incorrect_code"]) from error


class CredentialField(forms.JSONField):
    LONGEST = 20_000  # characters; a real one has two or three thousand

    def to_python(self, value):
        if isinstance(value, str) and len(value) > self.LONGEST:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class Credential(AccountForm):
    """What a passkey says, or whoever writes in its place: read by a library that takes it for
    what it should be, and fails in as many ways as there are of being something else."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        wrong = _("La clé n’a pas répondu. Recommencez, ou essayez une autre clé.")
        self.fields["credential"] = CredentialField(
            widget=forms.HiddenInput, error_messages={"required": wrong, "invalid": wrong}
        )

    def refuse_what_breaks(self, read):
        try:
            return read()
        except ValidationError:
            raise
        except Exception as error:
            raise ValidationError(gettext("Cette clé d’accès n’est pas lisible.")) from error


class PasskeyAnswer(Credential):
    def clean_credential(self):
        return self.refuse_what_breaks(super().clean_credential)


class PasskeySignInForm(PasskeyAnswer, LoginWebAuthnForm):
    pass


class PasskeyFactorForm(PasskeyAnswer, AuthenticateWebAuthnForm):
    pass


class PasskeyAgainForm(PasskeyAnswer, ReauthenticateWebAuthnForm):
    pass


class PasskeyForm(Credential, AddWebAuthnForm):
    name = LineField(label=_("Comment l’appeler"), max_length=80, required=False)

    def clean(self):
        return self.refuse_what_breaks(super().clean)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].label = _("Me connecter avec cette clé seule, sans code")
        self.fields["passwordless"].help_text = ""
        self.fields["passwordless"].initial = True
