"""Under what terms the data may be used again."""

from django.conf import settings
from django.utils.translation import gettext as _


def licence() -> dict[str, str]:
    """The licence of the data, as their page and their files say it."""
    name, url = settings.DATA_LICENCE, settings.DATA_LICENCE_URL
    text = f"{name} ({url})" if url else name
    return {
        "name": name,
        "url": url,
        "text": text or _("Aucune licence n’est encore choisie : écrivez au Pôle."),
    }
