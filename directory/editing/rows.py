"""The form of each kind of row, and the set of rows that a field of a section is."""

import re
from typing import Any

from django import forms
from django.forms.formsets import DELETION_FIELD_NAME, BaseFormSet, formset_factory
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.editing.fields import (
    LONG,
    AmountField,
    PhoneField,
    choices,
    day_field,
    mail_field,
    plain,
    site_field,
    text_field,
)
from directory.facets import Dimension
from directory.forms import LineField
from directory.labels import Labels
from directory.models import Offering, Visibility
from directory.sections import LABELS, ROWS, Value


class RowForm(forms.Form):
    use_required_attribute = False
    id = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )

    def __init__(self, *arguments: Any, labels: Labels, **options: Any) -> None:
        super().__init__(*arguments, label_suffix="", **options)
        self.labels = labels
        self.prepare()

    def prepare(self) -> None:
        """Give the fields what only the data know."""

    #: The field by which a row is called in the list.
    called = "name"
    #: Whether it was just asked for.
    added = False

    @property
    def title(self) -> str:
        """What the row is called; nothing where it is new and empty."""
        if not (value := self[self.called].value()):
            return ""
        return str(dict(getattr(self.fields[self.called], "choices", ())).get(value, value))

    @property
    def opened(self) -> bool:
        """Whether the row is shown whole: it was just typed, or is to be corrected."""
        return self.is_bound and (self.added or self.has_changed() or bool(self._errors))

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("id", DELETION_FIELD_NAME)]

    def has_changed(self) -> bool:
        """A new row in which only a choice was made, such as « produit », is still empty."""
        if self.initial.get("id"):
            return super().has_changed()
        ready = {name for name, field in self.fields.items() if field.initial is not None}
        return bool({*self.changed_data} - ready)

    def said(self) -> dict[str, Value]:
        return {
            name: plain(value)
            for name, value in self.cleaned_data.items()
            if name != DELETION_FIELD_NAME
        }


def missing(message: Any) -> dict[str, Any]:
    return {"required": message}


class OfferingRow(RowForm):
    name = LineField(
        label=_("Nom"),
        max_length=160,
        help_text=_("Comme un acheteur le dirait\xa0: «\xa0entretien ménager de bureaux\xa0»."),
        error_messages=missing(_("Nommez ce produit ou ce service, ou cochez «\xa0Retirer\xa0».")),
    )
    kind = forms.ChoiceField(
        label=_("C’est"), choices=Offering.Kind.choices, initial=Offering.Kind.SERVICE
    )
    description = text_field(_("Précisions"), LONG, 2)
    category = forms.ChoiceField(
        label=_("Catégorie d’achat"),
        required=False,
        help_text=_("Celle du SEAO\xa0: les villes classent leurs achats ainsi."),
    )

    def prepare(self) -> None:
        kept = self.initial.get("category")
        rows = choices(self.labels, Dimension.CATEGORY, kept)
        named = [(code, f"{code} – {name}") for code, name in rows]
        self.fields["category"].choices = [("", _("Je ne sais pas")), *named]

    def said(self) -> dict[str, Value]:
        said = super().said()
        return said | {"category": said["category"] or None}


class ContactRow(RowForm):
    name = LineField(
        label=_("Nom"),
        max_length=120,
        error_messages=missing(_("Nommez cette personne, ou cochez «\xa0Retirer\xa0».")),
    )
    function = LineField(label=_("Fonction"), required=False, max_length=120)
    name_visibility = forms.ChoiceField(
        label=_("Qui voit son nom?"), choices=Visibility.choices, initial=Visibility.PUBLIC
    )
    email = mail_field(label=_("Courriel"))
    email_visibility = forms.ChoiceField(
        label=_("Qui voit ce courriel?"), choices=Visibility.choices, initial=Visibility.BUYERS
    )
    phone = PhoneField(label=_("Téléphone"))
    phone_extension = LineField(label=_("Poste"), required=False, max_length=10)
    phone_visibility = forms.ChoiceField(
        label=_("Qui voit ce téléphone?"), choices=Visibility.choices, initial=Visibility.BUYERS
    )


class CertificationRow(RowForm):
    called = "status"
    status = forms.ChoiceField(
        label=_("Statut"),
        error_messages=missing(_("Choisissez le statut, ou cochez «\xa0Retirer\xa0».")),
    )
    number = LineField(label=_("Numéro"), required=False, max_length=40)
    issuer = LineField(label=_("Délivré par"), required=False, max_length=120)
    issued_on = day_field(label=_("Délivré le"))
    expires_on = day_field(label=_("Expire le"), help_text=_("Dernier jour où il vaut."))

    def prepare(self) -> None:
        kept = self.initial.get("status")
        rows = choices(self.labels, Dimension.STATUS, kept)
        self.fields["status"].choices = [("", _("Choisissez")), *rows]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        issued, expires = cleaned.get("issued_on"), cleaned.get("expires_on")
        if issued and expires and expires < issued:
            self.add_error("expires_on", gettext("Il expire avant d’être délivré."))
        return cleaned


class BenefitRow(RowForm):
    called = "benefit"
    benefit = forms.ChoiceField(
        label=_("Bienfait"),
        error_messages=missing(_("Choisissez le bienfait, ou cochez «\xa0Retirer\xa0».")),
    )
    evidence = LineField(
        label=_("Ce qui le montre"),
        required=False,
        max_length=240,
        help_text=_("Une ligne, un chiffre\xa0: «\xa0douze parcours d’insertion par année\xa0»."),
    )

    def prepare(self) -> None:
        kept = self.initial.get("benefit")
        rows = choices(self.labels, Dimension.BENEFIT, kept)
        self.fields["benefit"].choices = [("", _("Choisissez")), *rows]


class PermitRow(RowForm):
    called = "kind"
    kind = LineField(
        label=_("Permis ou licence"),
        max_length=60,
        help_text=_("RBQ, MAPAQ, CNESST…"),
        error_messages=missing(_("Nommez le permis, ou cochez «\xa0Retirer\xa0».")),
    )
    number = LineField(label=_("Numéro"), required=False, max_length=40)
    expires_on = day_field(label=_("Expire le"), help_text=_("Dernier jour où il vaut."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind", "").upper() == "RBQ":
            digits = re.sub(r"\D", "", cleaned.get("number", ""))
            cleaned["kind"] = "RBQ"
            cleaned["number"] = f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"
            if len(digits) != 10:
                self.add_error(
                    "number", gettext("Une licence RBQ s’écrit ainsi\xa0: 1234-5678-90.")
                )
        return cleaned


class ReferenceRow(RowForm):
    called = "client"
    client = LineField(
        label=_("Organisme"),
        max_length=160,
        help_text=_("La ville, l’école, l’hôpital pour qui vous avez travaillé."),
        error_messages=missing(_("Nommez l’organisme, ou cochez «\xa0Retirer\xa0».")),
    )
    work = LineField(
        label=_("Travail réalisé"),
        max_length=240,
        error_messages=missing(_("Dites ce que vous avez fait.")),
    )
    year = AmountField(label=_("Année"), most=2100)
    amount = AmountField(label=_("Montant ($)"), help_text=_("Facultatif\xa0; affiché à tous."))
    url = site_field(label=_("Lien"))


#: Rows sent beyond those that may be kept, read to be shown again.
SPARE = 20


class RowSet(BaseFormSet):
    """The rows of one field. `title`, `hint` and `another` are said around them."""

    name = title = hint = another = ""
    default_error_messages = {
        "missing_management_form": _(
            "Le formulaire est revenu incomplet. Rechargez la page et recommencez."
        ),
        "too_many_forms": _("Gardez au plus %(num)d lignes."),
    }

    def __init__(self, data: Any, rows: list[dict[str, Value]], labels: Labels) -> None:
        super().__init__(
            data,
            auto_id="%s",
            prefix=self.name,
            initial=rows,
            form_kwargs={"labels": labels},
            error_messages=self.default_error_messages,
        )
        # A file, or two listings made one, may have given it more: they can be looked through.
        self.max_num = max(self.max_num, len(rows))
        self.absolute_max = self.max_num + SPARE

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields[DELETION_FIELD_NAME].label = _("Retirer")

    @property
    def kept(self) -> list[Any]:
        return [form for form in self.forms if not form[DELETION_FIELD_NAME].value()]

    def said(self) -> list[dict[str, Value]]:
        """The rows that stay and those that were filled in, in their order."""
        return [
            form.said() for form in self.kept if form.cleaned_data.get("id") or form.has_changed()
        ]


def _set(name: str, form: type[RowForm], title: Any, another: Any, hint: Any = "") -> type[RowSet]:
    made = formset_factory(
        form,
        RowSet,
        extra=1,
        max_num=ROWS[name].most,
        validate_max=True,
        can_delete=True,
    )
    made.name, made.title, made.another, made.hint = name, title, another, hint
    return made


SETS: dict[str, type[RowSet]] = {
    "offerings": _set(
        *("offerings", OfferingRow, LABELS["offerings"]),
        _("Ajouter un produit ou un service"),
        _("C’est par eux qu’on vous trouve\xa0: un par ligne."),
    ),
    "contacts": _set(
        *("contacts", ContactRow, LABELS["contacts"], _("Ajouter une personne")),
        _(
            "Vous choisissez qui voit chaque coordonnée. «\xa0Tout le monde\xa0»\xa0: affichée sur "
            "le web. «\xa0Acheteurs publics\xa0»\xa0: montrée seulement aux villes et organismes "
            "inscrits. «\xa0Équipe du Pôle\xa0»\xa0: pour vous joindre, jamais affichée."
        ),
    ),
    "certifications": _set(
        *("certifications", CertificationRow, LABELS["certifications"]),
        _("Ajouter un statut"),
        _(
            "Ce qu’un tiers certifie\xa0: entreprise adaptée, d’insertion, CPE… Le Pôle vérifie "
            "avant de publier."
        ),
    ),
    "benefits": _set(
        *("benefits", BenefitRow, LABELS["benefits"], _("Ajouter un bienfait")),
        _("Ce que la collectivité gagne à acheter chez vous, avec une ligne qui le montre."),
    ),
    "permits": _set(*("permits", PermitRow, LABELS["permits"], _("Ajouter un permis"))),
    "references": _set(
        *("references", ReferenceRow, LABELS["references"]),
        _("Ajouter un travail"),
        _("Ce que vous avez déjà fait pour une ville, une école, un hôpital."),
    ),
}
