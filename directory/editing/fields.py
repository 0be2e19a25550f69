"""What people type, one field at a time, and what it says in the spelling of `sections`."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import wording
from directory.facets import Dimension
from directory.forms import CityField, LineField
from directory.labels import CityLabel, Labels
from directory.models import Enterprise
from directory.models.enterprises import PHONE
from directory.sections import Value

#: Characters of a text that says several things, and of one that says one.
LONG, SHORT = 4_000, 600
LARGEST_AMOUNT = 2_000_000_000
DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"]


class WrittenField(LineField):
    """A number that people write in several ways, put and checked as its column does."""

    def __init__(self, model: type[Model], name: str, **options: Any) -> None:
        super().__init__(max_length=40, required=False, **options)
        self.column: Any = model._meta.get_field(name)

    def clean(self, value: Any) -> str:
        written = self.column.to_python(super().clean(value))
        if written:
            self.column.run_validators(written)
        return written

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.column.to_python(data or "") != (initial or "")


class PhoneField(WrittenField):
    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"type": "tel", "autocomplete": "off"})
        super().__init__(Enterprise, "phone", widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        """450 555-0123, of what is kept; what was typed as it was."""
        kept = re.fullmatch(PHONE, value or "")
        return wording.phone(value).replace(wording.NBSP, " ") if kept else value


class TextsField(forms.CharField):
    """Several short texts, with commas or line breaks between them."""

    def __init__(self, *, longest: int, between: str = ",", **options: Any) -> None:
        widget = forms.Textarea({"rows": 2}) if between == "\n" else forms.TextInput()
        super().__init__(max_length=SHORT, required=False, widget=widget, **options)
        self.longest, self.between = longest, between

    def prepare_value(self, value: Any) -> Any:
        between = self.between if self.between == "\n" else f"{self.between} "
        return between.join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> list[str]:
        texts = (" ".join(text.split()) for text in super().clean(value).split(self.between))
        texts = list(dict.fromkeys(text for text in texts if text))
        if any(len(text) > self.longest for text in texts):
            raise ValidationError(
                gettext("Chacun compte %(n)d caractères au plus.") % {"n": self.longest}
            )
        return texts


class AmountField(forms.IntegerField):
    """A whole number as people write it: « 12 000 $\xa0»."""

    def __init__(self, *, most: int = LARGEST_AMOUNT, **options: Any) -> None:
        super().__init__(
            min_value=0,
            max_value=most,
            required=False,
            widget=forms.TextInput({"inputmode": "numeric"}),
            error_messages={
                "invalid": _("Écrivez un nombre entier, sans décimales, comme 12 000."),
                "min_value": _("Écrivez un nombre plus grand que zéro."),
                "max_value": _("Ce nombre est trop grand."),
            },
            **options,
        )

    def to_python(self, value: Any) -> int | None:
        return super().to_python(re.sub(r"[\s$]", "", str(value)[:40]) if value else value)


def day_field(**options: Any) -> forms.DateField:
    return forms.DateField(
        required=False,
        input_formats=DAYS,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Écrivez un jour ainsi\xa0: 2026-08-24.")},
        **options,
    )


class TextField(forms.CharField):
    """Text of several lines; browsers send each break of line as two characters."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


def text_field(label: Any, longest: int = SHORT, rows: int = 3, **options: Any) -> forms.CharField:
    return TextField(
        label=label,
        max_length=longest,
        required=False,
        widget=forms.Textarea({"rows": rows}),
        **options,
    )


def site_field(**options: Any) -> forms.URLField:
    return forms.URLField(
        required=False,
        max_length=200,
        assume_scheme="https",
        widget=forms.TextInput(
            {"inputmode": "url", "autocapitalize": "off", "spellcheck": "false"}
        ),
        error_messages={"invalid": _("Écrivez l’adresse du site, comme www.exemple.org.")},
        **options,
    )


def mail_field(**options: Any) -> forms.EmailField:
    return forms.EmailField(
        required=False,
        max_length=254,
        error_messages={"invalid": _("Écrivez une adresse complète, comme nom@exemple.org.")},
        **options,
    )


class CitiesField(forms.CharField):
    """Municipalities, one to a line; `labels` is given by the form."""

    labels: Labels | None = None
    MOST = 300

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: As `CityField` has it.
        self.understood: dict[str, str] = {}

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in re.split(r"[\n;]", super().clean(value)) if line.strip()]
        if len(lines) > self.MOST:
            raise ValidationError(
                gettext("Nommez au plus %(n)d municipalités, ou choisissez leur MRC.")
                % {"n": self.MOST}
            )
        one = CityField(max_length=120)
        one.labels = self.labels
        codes, mistakes = set(), []
        for line in lines:
            try:
                codes.add(one.clean(line).official)
            except ValidationError as error:
                mistakes += [f"«\xa0{line[:80]}\xa0»\xa0: {text}" for text in error.messages]
        self.understood = one.understood
        if mistakes:
            raise ValidationError(mistakes[:5])
        return sorted(codes)


def plain(value: Any) -> Value:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, CityLabel):
        return value.official
    return value


def choices(
    labels: Labels, dimension: Dimension, kept: Any, official: bool = False
) -> list[tuple[str, str]]:
    """The rows of a vocabulary, without those retired that the listing does not have."""
    kept = {kept} if isinstance(kept, str) else set(kept or ())
    return [
        (key, label.name)
        for label in labels.of(dimension)
        for key in [label.official if official else label.key]
        if not label.retired or key in kept
    ]
