"""What is answered at the desk."""

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.forms import LineField, TextField
from directory.models import Enterprise
from directory.restoring import FIELDS, LONGEST_REASON
from directory.sections import LABELS
from directory.team_forms import PageForm

ACCEPT, REFUSE = "accepter", "refuser"
#: Reasons often given, as whole sentences: whoever proposed, asked or wrote reads them.
OF_CHANGES = (
    _("Le Registraire des entreprises dit autre chose. Corrigez d’abord votre dossier chez lui."),
    _("Il manque un document qui le prouve. Envoyez-le-nous, puis proposez de nouveau."),
    _("Ce texte parle d’autre chose que de ce que vous offrez."),
    _("Ce changement avait déjà été fait."),
)
OF_CLAIMS = (
    _("L’entreprise, jointe au numéro de sa fiche, ne confirme pas que vous parlez pour elle."),
    _("Nous n’avons joint personne au numéro de la fiche. Demandez de nouveau plus tard."),
    _("Quelqu’un de l’entreprise tient déjà cette fiche et peut vous inviter."),
)
OF_REPORTS = (
    _("La fiche dit déjà cela."),
    _("Nous n’avons pas pu le vérifier."),
)
OF_SUGGESTIONS = (
    _("Cette entreprise est déjà au répertoire."),
    _("Rien ne montre que ce soit une entreprise d’économie sociale."),
    _("Nous n’avons pas pu le vérifier."),
)


class ReasonForm(PageForm):
    """Why: one of the usual reasons, words of one's own, or both."""

    usual = forms.ChoiceField(label=_("Motif courant"), required=False)
    reason = TextField(
        label=_("En vos mots"),
        help_text=_("La personne qui a écrit lira ce motif."),
        required=False,
        max_length=1_000,
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, data=None, *, reasons=OF_CHANGES, **kwargs):
        super().__init__(data, **kwargs)
        self.reasons = reasons
        usual = [(str(number), text) for number, text in enumerate(reasons)]
        self.fields["usual"].choices = [("", _("Aucun")), *usual]

    def said(self):
        """The whole reason; "" where none was given."""
        usual = self.cleaned_data.get("usual")
        parts = [gettext(str(self.reasons[int(usual)]))] if usual else []
        if own := self.cleaned_data.get("reason"):
            parts.append(own.strip())
        return " ".join(part for part in parts if part)


class DecisionForm(ReasonForm):
    """A choice for each field of a revision, and what the reviewer had before them.

    `fields_of` is name → label; of those on line already, « accepter » is proposed."""

    def __init__(self, data=None, *, fields_of, applied, **kwargs):
        super().__init__(data, **kwargs)
        self.names = list(fields_of)
        choose = (
            _("%(label)s\xa0: gardez, ou remettez comme avant.")
            if applied
            else _("%(label)s\xa0: acceptez ou refusez.")
        )
        for name, label in fields_of.items():
            undecided = choose % {"label": label}
            self.fields[f"choix-{name}"] = forms.ChoiceField(
                label=label,
                choices=[
                    (ACCEPT, _("Garder") if applied else _("Accepter")),
                    (REFUSE, _("Remettre comme avant") if applied else _("Refuser")),
                ],
                initial=ACCEPT if applied else None,
                widget=forms.RadioSelect,
                error_messages={"required": undecided, "invalid_choice": undecided},
            )
            self.fields[f"vu-{name}"] = forms.CharField(
                required=False, max_length=32, widget=forms.HiddenInput
            )

    def clean(self):
        if REFUSE in self.decided().values() and not self.said():
            self.add_error("reason", gettext("Dites pourquoi vous refusez."))

    def decided(self):
        given = {name: self.cleaned_data.get(f"choix-{name}") for name in self.names}
        return {name: choice for name, choice in given.items() if choice}

    def decisions(self):
        return {name: choice == ACCEPT for name, choice in self.decided().items()}

    def seen(self):
        return {name: self.cleaned_data.get(f"vu-{name}", "") for name in self.names}


class AnswerForm(ReasonForm):
    """What becomes of a claim, a suggestion, a report: `action` is the button."""

    called = forms.BooleanField(
        label=_("J’ai rappelé le numéro de la fiche, et la personne l’a confirmé."), required=False
    )
    legal_form = forms.ChoiceField(
        label=_("Forme juridique"),
        required=False,
        choices=[("", _("À choisir")), *Enterprise.LegalForm.choices],
    )

    def refuse(self):
        """Whether a refusal is complete."""
        if self.is_valid() and not self.said():
            self.add_error("reason", gettext("Dites pourquoi vous refusez."))
        return self.is_valid()


class RestoreForm(PageForm):
    """Which fields go back to what they said, and why; the page says what it showed (`seen`) and
    when (`opened`)."""

    ticked = forms.MultipleChoiceField(
        choices=[(name, LABELS[name]) for name in FIELDS],
        error_messages={"required": _("Cochez au moins un champ.")},
    )
    reason = LineField(
        label=_("Motif"),
        help_text=_("Une ligne, que l’entreprise lira dans son historique."),
        max_length=LONGEST_REASON,
        error_messages={"required": _("Dites pourquoi vous revenez à cette version.")},
    )
    seen = forms.CharField(required=False)
    opened = forms.IntegerField(required=False)
