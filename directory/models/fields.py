"""Numbers that people write in several ways, kept in one; who did an act."""

import re

from django.conf import settings
from django.db import models


class WrittenField(models.CharField):
    """Text put in its one form where it can be, else left as typed for a rule to refuse."""

    def to_python(self, value):
        value = super().to_python(value)
        return self.put(value.strip()) if value else value

    def formfield(self, **kwargs):
        # Longer than what is kept: spaces and signs are typed too.
        return super().formfield(**({"max_length": 40} | kwargs))


class NeqField(WrittenField):
    """1123669021, from « 1123 669 021 »."""

    def put(self, text):
        return re.sub(r"[\s.-]", "", text)


class PhoneField(WrittenField):
    """+14505550123, from « 450 555-0123 » or « (450) 555-0123 »."""

    def put(self, text):
        digits = re.sub(r"[\s().-]", "", text).removeprefix("+")
        number = re.fullmatch(r"1?([0-9]{10})", digits)
        return f"+1{number[1]}" if number else text


class PostalCodeField(WrittenField):
    """J4K 1A1, from « j4k1a1 »."""

    def put(self, text):
        letters = re.sub(r"\s", "", text).upper()
        return f"{letters[:3]} {letters[3:]}" if len(letters) == 6 else text


def somebody(label, *, blank=True):
    """Who did an act, which outlives the account."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=blank,
        related_name="+",
        verbose_name=label,
    )
