"""When two listings may be the same enterprise, and why: the one rule, for files that are imported
(imports/matching.py) and for the whole directory (duplicates.py).

A likeness is asked of a person; nothing is ever merged on it.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache, lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz, process

from directory.gazetteer import key
from directory.models.enterprises import neq_checks

#: How alike two names are, out of 100, from which a person should look.
CLOSE = 92
#: Close names given at most.
MOST = 5
#: What names end with and nobody says.
SUFFIXES = re.compile(
    r"\b(?:inc|incorporee|ltee|limitee|ltd|limited|enr|senc|s e n c|senc?rl|s e n c r l"
    r"|osbl|obnl|corp|corporation|compagnie|cie|co|les|le|la|l|the|de|des|du|d|et)\b"
)
#: Sites where many enterprises have a page.
HOSTS = settings.BASE_DIR / "fixtures" / "shared_hosts.txt"


class Reason(TextChoices):
    """What two listings have in common, the most telling first."""

    NAME = "name", _("même nom dans la même ville")
    CLOSE_NAME = "close_name", _("nom proche dans la même ville")
    NEQ = "neq", _("NEQ à un chiffre près")
    PHONE = "phone", _("même téléphone")
    EMAIL = "email", _("même courriel")
    SITE = "site", _("même site web")


ORDER = list(Reason)


def enough(reasons: Collection[Reason], neq: str | None, other_neq: str | None) -> bool:
    """Whether these make two listings worth a look. Two NEQs are two enterprises: one likeness
    other than the very name does not make one of them."""
    two = bool(neq and other_neq and neq != other_neq)
    return len(reasons) > (two and Reason.NAME not in reasons)


def near(neq: str | None, other: str | None) -> bool:
    """Whether one NEQ may be the other, mistyped: a single digit differs, and one of them fails its
    check, as a number mistyped does."""
    if not neq or not other or sum(a != b for a, b in zip(neq, other, strict=True)) != 1:
        return False
    return not (neq_checks(neq) and neq_checks(other))


# --- Names


@lru_cache(maxsize=100_000)
def essence(name: str) -> str:
    """What a name is told by: no article, no « inc. », « coop » for « coopérative »."""
    words = re.sub(r"\bcooperatives?\b", "coop", key(name))
    return " ".join(SUFFIXES.sub(" ", words).split()) or words


def close_names(name: str, others: Iterable[str]) -> list[str]:
    """Those of the `others` that are close to `name`, all by their essence, the closest first."""
    numbers = sorted(re.findall(r"\d+", name))
    found = process.extract(
        name, others, scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE, limit=MOST
    )
    # 9325-6527 Québec is not 9325-6528 Québec.
    return [close for close, *_score in found if sorted(re.findall(r"\d+", close)) == numbers]


def name_reason(names: Iterable[str], others: Iterable[str]) -> Reason | None:
    """What the names of two listings of one city have in common."""
    names, others = list(names), list(others)
    if {key(name) for name in names} & {key(name) for name in others}:
        return Reason.NAME
    essences = [essence(name) for name in others]
    close = any(close_names(essence(name), essences) for name in names)
    return Reason.CLOSE_NAME if close else None


# --- Sites


@cache
def shared_hosts() -> frozenset[str]:
    lines = HOSTS.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def is_shared(host: str) -> bool:
    """Whether many have a page on this host. A leading dot, in the list, takes in what is under."""
    parts = host.split(".")
    above = {"." + ".".join(parts[start:]) for start in range(len(parts))}
    return not shared_hosts().isdisjoint(above | {host})


def site_of(address: str) -> str:
    """What a web address says of whose it is: the host without « www. », and the path too where
    the host is another's; "" where it says nothing."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ""
    if not is_shared(host):
        return host
    path = parts.path.strip("/").lower()
    return f"{host}/{path}" if path else ""
