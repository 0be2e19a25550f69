"""What French asks of Django that its settings do not reach.

Strings of the site are French from the start, and gettext counts as English does where no catalogue
holds a string; in French, none is singular. The first of a month is « 1er », which no format of
date can say."""

from gettext import NullTranslations
from typing import Any

from django.conf import settings
from django.utils.dateformat import DateFormat
from django.utils.translation.trans_real import translation


class French(NullTranslations):
    """What answers for a string that no catalogue has: itself, in the number that French asks."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if abs(n) < 2 else msgid2

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


def day_of_month(shown: Any) -> int | str:
    return "1er" if shown.data.day == 1 else shown.data.day


def install() -> None:
    """Once the apps are ready, as it reads their catalogues."""
    DateFormat.j = day_of_month  # type: ignore[method-assign, assignment]
    translation(settings.LANGUAGE_CODE).add_fallback(French())
