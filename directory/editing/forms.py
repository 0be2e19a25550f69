"""The form of each section."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import sections
from directory.editing.fields import (
    LONG,
    AmountField,
    CitiesField,
    PhoneField,
    TextsField,
    WrittenField,
    choices,
    day_field,
    mail_field,
    plain,
    site_field,
    text_field,
)
from directory.facets import Dimension
from directory.forms import CityField, LineField
from directory.labels import Labels
from directory.models import Enterprise, Section
from directory.sections import LABELS, Changes, Value


class SectionForm(forms.Form):
    use_required_attribute = False  # the page says what is missing, all at once and in French

    def __init__(self, data: Any, said: Changes, labels: Labels) -> None:
        super().__init__(data, initial=dict(said), auto_id="%s", label_suffix="")
        self.labels = labels
        for name, field in self.fields.items():
            if name in sections.SENSITIVE:
                note = gettext("Le Pôle vérifie avant de publier.")
                field.help_text = f"{field.help_text} {note}".strip()
        self.prepare(said)

    def prepare(self, said: Changes) -> None:
        """Give the fields what only the data know."""

    def said(self) -> dict[str, Value]:
        """What was typed, in the spelling of `sections`."""
        return {name: plain(value) for name, value in self.cleaned_data.items()}


class IdentityForm(SectionForm):
    name = LineField(
        label=LABELS["name"],
        max_length=200,
        error_messages={"required": _("Écrivez le nom de l’entreprise.")},
        widget=forms.TextInput({"autocomplete": "organization"}),
    )
    other_names = TextsField(
        label=LABELS["other_names"],
        longest=200,
        between="\n",
        help_text=_("Ancien nom, sigle, nom d’usage\xa0: un par ligne."),
    )
    legal_form = forms.ChoiceField(label=LABELS["legal_form"], choices=Enterprise.LegalForm.choices)
    neq = WrittenField(
        *(Enterprise, "neq"),
        label=_("Numéro d’entreprise du Québec (NEQ)"),
        help_text=_("Dix chiffres, tels qu’au registre des entreprises."),
        widget=forms.TextInput({"inputmode": "numeric"}),
    )
    founded_year = AmountField(label=LABELS["founded_year"], most=9999)
    sectors = forms.MultipleChoiceField(
        label=LABELS["sectors"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Les acheteurs cherchent d’abord par secteur\xa0: cochez ceux où vous vendez."),
    )
    mission = text_field(
        LABELS["mission"],
        help_text=_("Une ou deux phrases\xa0: ce que vous faites, pour qui."),
    )
    languages = TextsField(
        label=LABELS["languages"],
        longest=40,
        help_text=_("Séparées par des virgules\xa0: français, anglais."),
    )
    size = forms.ChoiceField(
        label=LABELS["size"],
        required=False,
        choices=[("", _("Ne pas dire")), *Enterprise.Size.choices],
    )

    def prepare(self, said: Changes) -> None:
        self.fields["sectors"].choices = choices(self.labels, Dimension.SECTOR, said["sectors"])

    def said(self) -> dict[str, Value]:
        said = super().said()
        return said | {"neq": said["neq"] or "", "sectors": sorted(said["sectors"])}


class OfferingsForm(SectionForm):
    description = text_field(
        LABELS["description"],
        LONG,
        6,
        help_text=_("Ce qu’un acheteur doit savoir de vous, et que le reste ne dit pas."),
    )


class PlacesForm(SectionForm):
    address = LineField(
        label=LABELS["address"],
        required=False,
        max_length=200,
        help_text=_("Numéro et rue, sans la municipalité."),
        widget=forms.TextInput({"autocomplete": "street-address"}),
    )
    city = CityField(
        label=LABELS["city"],
        max_length=120,
        error_messages={"required": _("Écrivez la municipalité où vous êtes établis.")},
    )
    borough = forms.ChoiceField(label=LABELS["borough"], required=False)
    postal_code = WrittenField(
        *(Enterprise, "postal_code"),
        label=LABELS["postal_code"],
        widget=forms.TextInput({"autocomplete": "postal-code"}),
    )
    serves_province = forms.BooleanField(label=_("Nous desservons tout le Québec"), required=False)
    served_regions = forms.MultipleChoiceField(
        label=LABELS["served_regions"], required=False, widget=forms.CheckboxSelectMultiple
    )
    served_counties = forms.MultipleChoiceField(
        label=LABELS["served_counties"], required=False, widget=forms.CheckboxSelectMultiple
    )
    served_cities = CitiesField(
        label=LABELS["served_cities"],
        required=False,
        max_length=20_000,
        help_text=_("Une par ligne. Sans territoire, seule votre municipalité est affichée."),
        widget=forms.Textarea({"rows": 4}),
    )

    def prepare(self, said: Changes) -> None:
        cities = self.labels.by_key[Dimension.CITY]
        self.fields["city"].labels = self.fields["served_cities"].labels = self.labels
        self.initial["city"] = cities.get(said["city"], "")
        self.initial["served_cities"] = "\n".join(
            cities[code].full_name for code in said["served_cities"] if code in cities
        )
        self.boroughs = {
            f"{self.labels.city(city).official} {name}": name
            for city, name in (
                (self.labels.borough_cities[row], name)
                for row, name in self.labels.boroughs.items()
            )
        }
        named = [
            (key, f"{name} ({cities[key.split()[0]].name})") for key, name in self.boroughs.items()
        ]
        self.fields["borough"].choices = [("", _("Aucun")), *named]
        self.initial["borough"] = f"{said['city']} {said['borough']}" if said["borough"] else ""
        self.fields["served_regions"].choices = choices(
            self.labels, Dimension.REGION, (), official=True
        )
        self.fields["served_counties"].choices = choices(
            self.labels, Dimension.COUNTY, (), official=True
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        city, borough = cleaned.get("city"), cleaned.get("borough")
        if city and borough and not borough.startswith(city.official):
            self.add_error(
                "borough",
                gettext(
                    "Cet arrondissement est celui d’une autre ville\xa0: "
                    "choisissez «\xa0Aucun\xa0»."
                ),
            )
        return cleaned

    def said(self) -> dict[str, Value]:
        said = super().said()
        return said | {
            "borough": self.boroughs.get(said["borough"], ""),
            "served_regions": sorted(said["served_regions"]),
            "served_counties": sorted(said["served_counties"]),
        }


class CapacityForm(SectionForm):
    busy_until = day_field(
        label=LABELS["busy_until"],
        help_text=_(
            "Votre fiche le dit aux acheteurs jusqu’à ce jour, et reste visible. Videz la date "
            "pour reprendre plus tôt."
        ),
    )
    smallest_order = AmountField(label=_("Plus petite commande acceptée ($)"))
    largest_order = AmountField(label=_("Plus grande commande possible ($)"))
    lead_time_days = AmountField(label=_("Délai habituel (jours)"), most=3_650)
    insured_amount = AmountField(label=_("Montant de votre assurance responsabilité ($)"))
    accepts_cobidding = forms.BooleanField(
        label=_("Nous acceptons de soumissionner avec d’autres entreprises"), required=False
    )
    on_seao = forms.BooleanField(
        label=_("Nous sommes inscrits au système électronique d’appel d’offres (SEAO)"),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        smallest, largest = cleaned.get("smallest_order"), cleaned.get("largest_order")
        if smallest and largest and smallest > largest:
            self.add_error(
                "largest_order", gettext("La plus petite commande ne dépasse pas la plus grande.")
            )
        return cleaned


class ContactsForm(SectionForm):
    phone = PhoneField(label=_("Téléphone de l’entreprise"))
    phone_extension = LineField(label=LABELS["phone_extension"], required=False, max_length=10)
    email = mail_field(label=_("Courriel de l’entreprise"))
    website = site_field(label=LABELS["website"])


FORMS: dict[str, type[SectionForm]] = {
    Section.IDENTITY: IdentityForm,
    Section.OFFERINGS: OfferingsForm,
    Section.PLACES: PlacesForm,
    Section.CAPACITY: CapacityForm,
    Section.CONTACTS: ContactsForm,
}
