"""What is typed to join an enterprise, to invite somebody, to answer who asks."""

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import bulk_invitations
from directory.forms import LineField, paragraph
from directory.models import City, Enterprise, Role, Sector

JOIN, TAKEOVER = "join", "takeover"


class PageForm(forms.Form):
    """One whose page says all that is missing at once, and in French."""

    use_required_attribute = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, auto_id="%s", label_suffix="", **kwargs)


class CodeForm(PageForm):
    code = LineField(
        label=_("Code reçu par courriel"),
        help_text=_(
            "Huit lettres et chiffres\xa0; les majuscules et le trait d’union sont sans importance."
        ),
        max_length=40,
        error_messages={"required": _("Écrivez le code.")},
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )


class ClaimForm(PageForm):
    """`owned` is whether there is somebody to ask or to replace; `editing`, whether the person is
    an editor already, and so may only replace."""

    kind = forms.ChoiceField(
        label=_("Que demandez-vous?"),
        choices=[
            (JOIN, _("Me joindre aux personnes qui tiennent la fiche")),
            (TAKEOVER, _("Je remplace la personne responsable")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez ce que vous demandez.")},
    )
    function = LineField(
        label=_("Votre fonction dans l’entreprise"),
        help_text=_(
            "Par exemple\xa0: direction générale, adjointe administrative, membre du conseil."
        ),
        max_length=120,
        error_messages={"required": _("Écrivez votre fonction dans l’entreprise.")},
    )
    grounds = paragraph(
        _("Comment le vérifier"),
        _(
            "Qui peut le confirmer, ou ce qui le montre\xa0: une page de votre site, le registre "
            "des entreprises."
        ),
        _("Dites comment vérifier que vous parlez au nom de l’entreprise."),
    )
    phone = LineField(
        label=_("Téléphone pour vous joindre"),
        max_length=40,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "tel"}),
        validators=[
            RegexValidator(
                r"^(\D*\d){10}", _("Un téléphone compte dix chiffres\xa0: 450 555-0123.")
            )
        ],
        error_messages={"required": _("Écrivez un numéro où vous joindre.")},
    )

    def __init__(self, data=None, *, owned=False, editing=False, **kwargs):
        super().__init__(data, **kwargs)
        if not owned or editing:
            del self.fields["kind"]
        self.editing = editing

    @property
    def takeover(self):
        return self.editing or self.cleaned_data.get("kind") == TAKEOVER


def role_field():
    return forms.ChoiceField(
        label=_("Rôle"),
        choices=[
            (Role.EDITOR, _("Peut modifier la fiche")),
            (Role.OWNER, _("Responsable\xa0: modifie la fiche, invite et retire des collègues")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez un rôle.")},
    )


class InvitationForm(PageForm):
    email = forms.EmailField(
        label=_("Courriel de la personne"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={
            "required": _("Écrivez le courriel de la personne."),
            "invalid": _("Écrivez une adresse complète, comme nom@exemple.org."),
        },
    )
    role = role_field()

    def __init__(self, data=None, *, roles=Role.values, **kwargs):
        """`roles` are those that whoever invites gives."""
        super().__init__(data, **kwargs)
        given = self.fields["role"].choices
        self.fields["role"].choices = [choice for choice in given if choice[0] in roles]

    def clean_email(self):
        return self.cleaned_data["email"].lower()


class RoleForm(PageForm):
    role = role_field()


class RefusalForm(PageForm):
    reason = paragraph(
        _("Pourquoi vous refusez"),
        _("La personne lira ce motif."),
        _("Dites à la personne pourquoi vous refusez."),
    )


class ProspectsForm(PageForm):
    """Which of the enterprises to invite are looked at."""

    ville = forms.ModelChoiceField(
        label=_("Municipalité"),
        queryset=City.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label=_("Toutes"),
        error_messages={
            "invalid_choice": _("Aucune entreprise à inviter dans cette municipalité.")
        },
    )
    secteur = forms.ModelChoiceField(
        label=_("Secteur"),
        queryset=Sector.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label=_("Tous"),
        error_messages={"invalid_choice": _("Ce secteur n’existe pas.")},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        listed = Enterprise.objects.published().filter(city=OuterRef("pk"))
        self.fields["ville"].queryset = City.objects.filter(Exists(listed)).order_by("name", "pk")
        self.fields["secteur"].queryset = Sector.objects.order_by("name", "pk")


class NumberField(forms.IntegerField):
    """A number of a row, whatever the page that sent it."""

    def __init__(self):
        super().__init__(min_value=1, max_value=2**63 - 1)


class SendForm(PageForm):
    """The recipients that staff saw and left ticked, and what tells this form from another."""

    key = forms.UUIDField()

    def clean(self):
        super().clean()
        try:
            chosen = [NumberField().clean(text) for text in self.data.getlist("enterprise")]
        except forms.ValidationError:
            raise forms.ValidationError(
                gettext(
                    "Ce formulaire n’est pas celui de cette page. Rechargez-la, puis recommencez."
                )
            ) from None
        if not chosen:
            raise forms.ValidationError(gettext("Choisissez au moins une entreprise."))
        if len(chosen) > bulk_invitations.MOST:
            raise forms.ValidationError(
                gettext("Envoyez au plus %(n)d invitations à la fois.")
                % {"n": bulk_invitations.MOST}
            )
        self.cleaned_data["enterprises"] = chosen
