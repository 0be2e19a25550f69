"""Secrets that the database holds sealed: the keys of applications of codes, the seeds of recovery
codes. Whoever reads a copy of the database reads none of them, without the site's key as well.

The keys are `FACTOR_KEYS`: the first one seals, each of them opens. In the demonstration and in
tests there is none, and one is made from the site's own secret.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

#: How whatever Fernet seals begins (its version, then the first zeros of the time). Neither a key
#: of an application (capitals and digits) nor a seed (hexadecimal) does.
MARK = "gAAAAA"


class Unreadable(Exception):
    """It was sealed with a key that the site no longer has."""


def seal(text: str) -> str:
    return keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed; what was kept before anything was, as it is. Raises Unreadable."""
    if not sealed.startswith(MARK):
        return sealed
    try:
        return keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def keys() -> MultiFernet:
    """Raises ValueError for a key that is none, which checks.py says when the site starts."""
    return MultiFernet([Fernet(key) for key in settings.FACTOR_KEYS or [of_the_site()]])


def of_the_site() -> bytes:
    said = f"directory.sealing {settings.SECRET_KEY}"
    return base64.urlsafe_b64encode(hashlib.sha256(said.encode()).digest())
