"""What a caller notes of a call: one tap for most, a date or a few words for the rest."""

from datetime import date, timedelta

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.editing.fields import PhoneField
from directory.models import PhoneCall

Outcome = PhoneCall.Outcome
LONGEST_WAIT = timedelta(days=366)
SATURDAY = 5


class PhoneCallForm(forms.Form):
    #: What tells this form from another, drawn when it is shown.
    key = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9]{32}\Z")]
    )
    outcome = forms.ChoiceField(
        label=_("Ce que l’appel a donné"),
        choices=Outcome.choices,
        error_messages={"required": _("Dites ce que l’appel a donné.")},
    )
    call_back_on = forms.DateField(
        label=_("Rappeler le"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Écrivez la date ainsi\xa0: 2026-03-31.")},
    )
    note = forms.CharField(
        label=_("Ce qui a été dit"),
        help_text=_("Ce qui a changé, qui a répondu, quand rappeler. L’équipe la lira."),
        required=False,
        max_length=1_000,
        widget=forms.Textarea({"rows": 2}),
    )
    consent_email = forms.EmailField(
        label=_("Courriel où elle accepte qu’on lui écrive"),
        help_text=_(
            "Seulement si la personne vient de l’accepter\xa0; les prochains rappels iront là."
        ),
        required=False,
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={"invalid": _("Écrivez une adresse complète, comme nom@exemple.org.")},
    )

    use_required_attribute = False

    def __init__(self, data=None, **kwargs):
        initial = {"key": get_random_string(32)}
        super().__init__(data, auto_id="%s", label_suffix="", initial=initial, **kwargs)
        self.fields["call_back_on"].help_text = gettext(
            "Sans date, «\xa0À rappeler\xa0» prend le %(day)s."
        ) % {"day": date_format(next_working_day(), "l j F")}

    def clean(self):
        super().clean()
        outcome, day = self.cleaned_data.get("outcome"), self.cleaned_data.get("call_back_on")
        if outcome == Outcome.CHANGED and not self.cleaned_data.get("note"):
            self.add_error("note", _("Dites en quelques mots ce qui a changé."))
        if outcome == Outcome.CALL_BACK and "call_back_on" not in self.errors:
            today = timezone.localdate()
            if day is None:
                self.cleaned_data["call_back_on"] = next_working_day()
            elif not today <= day <= today + LONGEST_WAIT:
                self.add_error("call_back_on", _("Choisissez un jour d’ici un an."))


class NumberForm(forms.Form):
    """The telephone of a listing that has none, as a caller found it."""

    phone = PhoneField(
        label=_("Le numéro trouvé"),
        help_text=_("Sur son site, au registre des entreprises, dans un annuaire."),
    )
    use_required_attribute = False

    def __init__(self, data=None):
        super().__init__(data, auto_id="%s", label_suffix="")

    def clean_phone(self):
        phone = self.cleaned_data["phone"]
        if not phone:
            raise forms.ValidationError(gettext("Écrivez le numéro, par exemple 450 555-0123."))
        return phone


class CallInvitationForm(forms.Form):
    """Where to send the invitation that a caller promised."""

    email = forms.EmailField(
        label=_("Courriel de la personne à inviter"),
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={
            "required": _("Écrivez l’adresse que la personne vous a donnée."),
            "invalid": _("Écrivez une adresse complète, comme nom@exemple.org."),
        },
    )
    use_required_attribute = False

    def __init__(self, data=None, *, email=""):
        super().__init__(data, auto_id="%s", label_suffix="", initial={"email": email})


def next_working_day() -> date:
    """Tomorrow, or the Monday after."""
    day = timezone.localdate() + timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day
