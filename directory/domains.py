"""Whether an address is at the enterprise's own domain, which proves whose it is."""

import csv
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from directory.models import Enterprise

#: Domains where anybody, or very many people, may have an address or a page, each with the reason:
#: an address there proves nothing. A domain of the list covers those under it.
FILE = settings.BASE_DIR / "fixtures" / "shared_domains.csv"
#: Pages of a site's own home. Any other may be what one site says of somebody else.
HOME_PATHS = {"", "fr", "en", "accueil", "index.html", "index.php"}


@cache
def shared() -> frozenset[str]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return frozenset(row["domain"] for row in csv.DictReader(file))


def of_email(email: str) -> str:
    return _plain(email.rpartition("@")[2])


def of_website(url: str) -> str:
    """The domain of a site, where the address is that of its home page; else nothing."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.path.strip("/").lower() not in HOME_PATHS or parts.query:
        return ""
    return _plain(host).removeprefix("www.")


def own(enterprise: Enterprise) -> str:
    """The domain of its own site, if it is nobody else's: neither shared by the public nor that of
    another listing, such as a federation's or a landlord's; else nothing.

    The domain of its listed e-mail alone is no proof: it may be that of a provider of mail that no
    list of such domains knows, where anybody has an address. Whoever reads it gets a code there."""
    domain = of_website(enterprise.website)
    return "" if not domain or _is_shared(domain) or _others(enterprise, domain) else domain


def _plain(domain: str) -> str:
    """As it is compared: in lower case, and in the letters that the network uses."""
    domain = domain.strip().rstrip(".").lower()
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _is_shared(domain: str) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in shared() for start in range(len(labels)))


def _others(enterprise: Enterprise, domain: str) -> bool:
    """Whether another listing, whatever its state, has this domain."""
    at_site = Q(website__icontains=f"//{domain}") | Q(website__icontains=f".{domain}")
    rows = Enterprise.objects.filter(Q(email__iendswith=f"@{domain}") | at_site)
    return any(
        domain in {of_email(email), of_website(website), _host(website)}
        for email, website in rows.exclude(pk=enterprise.pk).values_list("email", "website")
    )


def _host(url: str) -> str:
    """The domain of a site wherever in it the address leads."""
    try:
        return _plain(urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
