"""Dates, amounts, telephone numbers and territories, said as Québec says them.

What is kept to be said again is kept without its language: the site has one
(settings.LANGUAGES)."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory.facets import Dimension
from directory.labels import Labels

NBSP = "\xa0"


def span(time: timedelta) -> str:
    """« 90 jours »; « 2 ans » where years are whole, leap days apart."""
    years, rest = divmod(time.days, 365)
    if years and rest <= years:
        return ngettext("%(n)d\xa0an", "%(n)d\xa0ans", years) % {"n": years}
    return ngettext("%(n)d\xa0jour", "%(n)d\xa0jours", time.days) % {"n": time.days}


@lru_cache(maxsize=4096)
def day(value: date) -> str:
    """« 1er mars 2026 », in one piece."""
    return date_format(value, "DATE_FORMAT")


def number(value: int) -> str:
    """« 12 000 », the space unbreakable."""
    return f"{value:,}".replace(",", NBSP)


def amount(value: int) -> str:
    """« 25 000 $ », of dollars."""
    return f"{number(value)}{NBSP}$"


def weight(size: float) -> str:
    """« environ 340 ko », of bytes."""
    kilobytes = max(1, round(size / 1000))
    if kilobytes < 1000:
        return _("environ %(n)s\xa0ko") % {"n": kilobytes}
    megabytes = kilobytes / 1000
    text = f"{megabytes:.1f}".replace(".", ",") if megabytes < 10 else f"{megabytes:.0f}"
    return _("environ %(n)s\xa0Mo") % {"n": text}


def count(value: int, exact: bool = True) -> str:
    """« 12 000 », or « ≈ 12 000 » for an estimate."""
    return number(value) if exact or not value else f"≈{NBSP}{number(value)}"


def enterprises(count: int, exact: bool = True) -> str:
    """« 3 entreprises », or « environ 1 200 entreprises » for an estimate."""
    if not exact:
        return _("environ %(n)s entreprises") % {"n": number(count)}
    return ngettext("%(n)s entreprise", "%(n)s entreprises", count) % {"n": number(count)}


def phone(value: str, extension: str = "") -> str:
    """« 450 555-0123, poste 12 » from +14505550123."""
    digits = value[2:]
    text = f"{digits[:3]}{NBSP}{digits[3:6]}-{digits[6:]}"
    return (
        _("%(phone)s, poste %(extension)s") % {"phone": text, "extension": extension}
        if extension
        else text
    )


def phone_href(value: str, extension: str = "") -> str:
    """The address that dials +14505550123, then the extension (RFC 3966)."""
    return f"tel:{value}" + (f";ext={quote(extension, safe='')}" if extension else "")


def masked(email: str) -> str:
    """« i•••@exemple.org »: enough for whoever knows the address to tell it from another."""
    name, _at, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def website(url: str) -> tuple[str, str]:
    """A link to a page of the web and the name of the site it leads to, "" twice if it is none.

    Forms take no other, but a file or a hand may have written `javascript:…`; before an @, a name
    is not the site's."""
    try:
        parts = urlsplit(url)
        host = parts.hostname and parts.netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    if not host or not url.lower().startswith(("http://", "https://")):
        return "", ""
    return url, host.removeprefix("www.")


def distance(kilometres: float) -> str:
    """« 3,4 km », « 12 km »."""
    if kilometres < 1:
        return _("moins de 1 km")
    return (
        f"{kilometres:.1f}{NBSP}km".replace(".", ",")
        if kilometres < 10
        else (f"{kilometres:.0f}{NBSP}km")
    )


def within(label: str) -> str:
    """A label inside a sentence: « forme juridique », but « NEQ »."""
    return label if label.isupper() else label[:1].lower() + label[1:]


def enumeration(names: Sequence[str], most: int | None = None) -> str:
    """« Brossard, Longueuil et 3 autres »; the whole where `most` is not given."""
    if most is not None and len(names) > most + 1:
        others = len(names) - most
        return _("%(names)s et %(others)d autres") % {
            "names": ", ".join(names[:most]),
            "others": others,
        }
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s et %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}


def places(serves: Sequence, labels: Labels) -> list[str]:
    """Names of [whole province, regions, MRCs, cities]; none where nothing is said."""
    province, regions, counties, cities = serves
    if province:
        return [_("Tout le Québec")]
    names = [labels.name(Dimension.REGION, row_id) for row_id in regions]
    names += [labels.name(Dimension.COUNTY, row_id) for row_id in counties]
    return names + sorted(labels.city(row_id).full_name for row_id in cities)


def territory(serves: Sequence, labels: Labels, most: int | None = None) -> str:
    """Where one works, as a sentence has it; see `places`."""
    return enumeration(places(serves, labels), most)


@lru_cache(maxsize=4096)
def recognition(day_given: date) -> str:
    """That the Pôle recognised an enterprise on a day."""
    return _("Reconnue par le Pôle le %(day)s") % {"day": day(day_given)}


@lru_cache(maxsize=4096)
def busy(until: date | None, today: date) -> str:
    """That no order is taken until a day, that day included."""
    if until is None or until < today:
        return ""
    return _("Complet jusqu’au\xa0%(day)s") % {"day": day(until)}


@lru_cache(maxsize=4096)
def freshness(confirmed_on: date | None, today: date) -> tuple[str, bool]:
    """What is said of the last confirmation, and whether it is a year old or never was."""
    if confirmed_on is None:
        return _("Coordonnées à confirmer"), True
    if is_fresh(confirmed_on, today):
        return _("Coordonnées confirmées le %(day)s") % {"day": day(confirmed_on)}, False
    return _("Coordonnées à confirmer (confirmées le %(day)s)") % {"day": day(confirmed_on)}, True


def is_fresh(confirmed_on: date, today: date) -> bool:
    """Within twelve months, as `confirmee=1` counts them."""
    try:
        a_year_ago = today.replace(year=today.year - 1)
    except ValueError:  # 29 February
        a_year_ago = today.replace(year=today.year - 1, day=28)
    return confirmed_on >= a_year_ago
