"""Agreement in number of what the site says. Its strings are French from the start, and gettext
counts as English does where no catalogue holds a string; in French, none is singular."""

from gettext import NullTranslations

from django.conf import settings
from django.utils.translation.trans_real import translation


class French(NullTranslations):
    """What answers for a string that no catalogue has: itself, in the number that French asks."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if abs(n) < 2 else msgid2

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


def install() -> None:
    """Once the apps are ready, as it reads their catalogues."""
    translation(settings.LANGUAGE_CODE).add_fallback(French())
