"""What anyone may write to the Pôle, read and checked.

These forms are open to robots too. Two things sort most of them out without a third party, a
picture to read or JavaScript: a field that no person sees, and the time it takes to write. Neither
turns anybody away: the form is shown again with what was typed, and says what to do.
"""

import secrets
from datetime import timedelta

from django import forms
from django.conf import settings
from django.core import signing
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rapidfuzz import process
from rapidfuzz.distance import OSA

from directory.facets import Dimension
from directory.filters import SHORTEST_NAME, find_city
from directory.labels import place_key
from directory.models import City, ErrorReport
from directory.search import fold

SALT = "directory.forms"
#: The field that no person sees, named as nothing that a browser or a password manager fills in.
TRAP = "rien"
#: Within which a form is good, and before which no person has filled it in, whatever fills in
#: their name for them.
GOOD_FOR, TOO_FAST = timedelta(days=1), timedelta(seconds=2)
LONGEST_ANSWER = 1_000  # characters
#: Municipalities proposed for a name that is none, so many letters away at most.
CITIES_PROPOSED, LETTERS_AWAY = 3, 3


def mistakes(form):
    """What is wrong in a form, each with the id of the field that it is about."""
    return [
        {"text": text, "at": target(form[name]) if name in form.fields else ""}
        for name, texts in form.errors.items()
        for text in texts
    ]


def target(field):
    """The id of what a mistake is about: of several boxes, the first."""
    return f"{field.auto_id}_0" if field.use_fieldset else field.auto_id


class LineField(forms.CharField):
    """One line: whatever breaks lines is a space."""

    def to_python(self, value):
        return " ".join(super().to_python(value).split())


class CityField(LineField):
    """A municipality of Québec, by its name as the search takes it; `labels` is given by the form.

    A name that several share is refused until its MRC is said, « Sainte-Anne (La Matanie) »."""

    labels = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        #: What was written otherwise than it is called → the name of what was understood.
        self.understood = {}

    def clean(self, value):
        text = super().clean(value)
        names = {fold(city.full_name): city for city in self.labels.of(Dimension.CITY)}
        if city := names.get(fold(text)):
            return city
        city = find_city(text, self.labels)
        if city and city.shared:
            named = [other for other in names.values() if other.name == city.name]
            raise forms.ValidationError(
                gettext("Plusieurs municipalités portent ce nom. Précisez\xa0: %(names)s.")
                % {"names": _quoted(other.full_name for other in named)}
            )
        if not city:
            raise forms.ValidationError(self.unknown(text, names))
        if place_key(text) != place_key(city.name) and text not in (city.key, city.official):
            self.understood[text] = city.full_name
        return city

    def unknown(self, text, names):
        """That it is unknown, and what it may be: names that begin so, the site's own and the
        largest first, then those that are spelt nearly so."""
        begun = self.begun(text)
        close = process.extract(
            fold(text[:80]),
            names.keys(),
            scorer=OSA.distance,
            score_cutoff=LETTERS_AWAY,
            limit=CITIES_PROPOSED,
        )
        likely = [*begun, *(names[name].full_name for name, _distance, _place in close)]
        if not likely:
            return gettext(
                "Cette municipalité du Québec est inconnue. Écrivez son nom au complet, sans la "
                "province ni le code postal."
            )
        return gettext("Cette municipalité est inconnue. Est-ce %(names)s?") % {
            "names": _quoted(list(dict.fromkeys(likely))[:CITIES_PROPOSED])
        }

    def begun(self, text):
        start = place_key(text[:80]).rstrip("-")
        if len(start) < SHORTEST_NAME:
            return []
        found = [
            city
            for city in self.labels.of(Dimension.CITY)
            if place_key(city.name).startswith(f"{start}-")
        ]
        own = set(settings.SITE_CITIES)
        sizes = dict(
            City.objects.filter(code__in=[city.official for city in found]).values_list(
                "code", "population"
            )
        )
        found.sort(key=lambda city: (city.official not in own, -(sizes.get(city.official) or 0)))
        return [city.full_name for city in found]

    def prepare_value(self, value):
        return getattr(value, "full_name", value)


def _quoted(names):
    return ", ".join(f"«\xa0{name}\xa0»" for name in names)


class MessageForm(forms.Form):
    """What both forms ask last, and what tells a person from a robot."""

    sender_name = LineField(
        label=_("Votre nom"),
        required=False,
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    sender_email = forms.EmailField(
        label=_("Votre courriel"),
        required=False,
        widget=forms.EmailInput({"autocomplete": "email"}),
        error_messages={"invalid": _("Écrivez une adresse complète, comme nom@exemple.org.")},
    )

    trap = TRAP
    use_required_attribute = False  # the page says what is missing, all at once and in French

    def __init__(self, data=None, **kwargs):
        super().__init__(data, auto_id="%s", label_suffix="", **kwargs)
        #: What `issue` gave when the form was first shown; given back with it.
        self.issued = issue() if data is None else data.get("issued", "")[:200]
        #: Whether it came back too old, or from elsewhere.
        self.expired = False
        #: What tells this form from others.
        self.key = ""

    def clean(self):
        signer = signing.TimestampSigner(salt=SALT)
        try:
            self.key = signer.unsign(self.issued, max_age=GOOD_FOR)
        except signing.BadSignature:
            self.expired, self.issued = True, issue()
            self.add_error(
                None,
                gettext(
                    "Ce formulaire était ouvert depuis plus d’une journée, ou n’est pas venu de ce "
                    "site. Ce que vous avez écrit est ci-dessous\xa0: envoyez-le de nouveau."
                ),
            )
            return
        # Said of a form that would go otherwise: who corrects it takes the time.
        if not self.errors and just_issued(signer, self.issued):
            self.add_error(
                None,
                gettext(
                    "Votre message est parti très vite après l’ouverture de la page. Relisez-le, "
                    "puis envoyez-le de nouveau."
                ),
            )
        if self.data.get(TRAP):
            self.add_error(
                None,
                gettext(
                    "Un champ caché, qui sert à reconnaître les robots, a été rempli. Il est "
                    "maintenant vide\xa0: envoyez de nouveau."
                ),
            )


def issue():
    """A sign of when a form is shown, that nobody else can make; it is stored nowhere."""
    return signing.TimestampSigner(salt=SALT).sign(secrets.token_urlsafe(12))


def just_issued(signer, issued):
    try:
        signer.unsign(issued, max_age=TOO_FAST)
    except signing.SignatureExpired:
        return False
    return True


def paragraph(label, help_text, required):
    return forms.CharField(
        label=label,
        help_text=help_text,
        error_messages={"required": required},
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea({"rows": 4}),
    )


class SuggestionForm(MessageForm):
    name = LineField(
        label=_("Nom de l’entreprise"),
        max_length=200,
        error_messages={"required": _("Écrivez le nom de l’entreprise.")},
    )
    city = CityField(
        label=_("Municipalité où elle est établie"),
        help_text=_("Par exemple : Brossard, St-Bruno, Saint-Hubert."),
        max_length=120,
        error_messages={"required": _("Écrivez la municipalité où elle est établie.")},
    )
    website = forms.URLField(
        label=_("Site web"),
        help_text=_("Le site ou le téléphone : l’un des deux suffit."),
        required=False,
        max_length=200,
        assume_scheme="https",
        # As people write it: an address without https:// is no mistake.
        widget=forms.TextInput(
            {"inputmode": "url", "autocapitalize": "off", "spellcheck": "false"}
        ),
        error_messages={"invalid": _("Écrivez l’adresse du site, comme www.exemple.org.")},
    )
    phone = LineField(
        label=_("Téléphone"),
        required=False,
        max_length=40,
        widget=forms.TextInput({"inputmode": "tel"}),
        validators=[
            RegexValidator(r"^(\D*\d){10}", _("Un téléphone compte dix chiffres : 450 555-0123."))
        ],
    )
    activity = paragraph(
        _("Ce qu’elle fait"),
        _("Ses produits ou ses services, en quelques mots."),
        _("Dites ce que fait l’entreprise."),
    )
    grounds = paragraph(
        _("Pourquoi vous pensez que c’est de l’économie sociale"),
        _("Une coopérative, un organisme à but non lucratif, une mutuelle, une mission sociale."),
        _("Dites pourquoi vous pensez que c’est de l’économie sociale."),
    )
    #: That none of the listings that look the same is this one.
    another = forms.BooleanField(label=_("Non, c’est une autre entreprise"), required=False)

    field_order = ["another", "name", "city", "website", "phone", "activity", "grounds"]

    def __init__(self, data=None, *, labels=None, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["city"].labels = labels

    def clean(self):
        super().clean()
        asked = {"website", "phone"}
        if not asked & set(self.errors) and not any(self.cleaned_data[name] for name in asked):
            self.add_error(
                "website",
                gettext("Donnez le site web ou le téléphone\xa0: l’un des deux suffit."),
            )


class ErrorReportForm(MessageForm):
    kind = forms.ChoiceField(
        label=_("Qu’est-ce qui est inexact?"),
        choices=ErrorReport.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez ce qui est inexact.")},
    )
    message = paragraph(
        _("Ce qu’il faudrait lire"),
        _("Dites ce que vous savez ; une phrase suffit."),
        _("Dites ce qu’il faudrait lire."),
    )

    field_order = ["kind", "message"]
