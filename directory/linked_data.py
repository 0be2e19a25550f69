"""An enterprise in the words of schema.org, for programs that read pages (JSON-LD)."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from directory import wording
from directory.models import Offering

# Characters that could end the script element, or a line for a reader older than JSON.
ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&\u2028\u2029"}
#: Offerings said; the page has them all, and a reader of pages needs no more.
MOST_OFFERS = 12


def organisation(
    enterprise: Any, *, page: str, logo: str, city: str, territory: list[str]
) -> dict[str, Any]:
    """What the page says of the enterprise itself, for everyone: nothing of its people, whose names
    and numbers are shown to readers and handed to no robot.

    `enterprise` comes from `profile.profiles()`; `page` and `logo` are paths (logo may be ""), that
    a reader completes with the address of the page they are in; `city` and `territory` are names.
    A place with a street is a LocalBusiness; without one, only an Organization, since nothing says
    that anybody can go there. Neither says more than is known: schema.org's words for non-profits
    are those of other countries' laws."""
    website, _ = wording.website(enterprise.website)
    data = {
        "@context": "https://schema.org",
        "@type": "LocalBusiness" if enterprise.address else "Organization",
        "@id": f"{page}#entreprise",
        "mainEntityOfPage": page,
        "name": enterprise.name,
        "alternateName": list(enterprise.other_names),
        "description": enterprise.mission,
        "url": website or page,
        "logo": logo,
        "telephone": enterprise.phone,
        "email": enterprise.email,
        "foundingDate": str(enterprise.founded_year or ""),
        "identifier": enterprise.neq
        and {"@type": "PropertyValue", "propertyID": "NEQ", "value": enterprise.neq},
        "address": _filled(
            {
                "@type": "PostalAddress",
                "streetAddress": enterprise.address,
                "addressLocality": city,
                "addressRegion": "QC",
                "postalCode": enterprise.postal_code,
                "addressCountry": "CA",
            }
        ),
        "areaServed": territory,
        "knowsLanguage": list(enterprise.languages),
        "makesOffer": [_offer(row) for row in enterprise.offering_list[:MOST_OFFERS]],
    }
    return _filled(data)


def _offer(row: dict) -> dict[str, Any]:
    kind = "Product" if row["kind"] == Offering.Kind.PRODUCT else "Service"
    return {"@type": "Offer", "itemOffered": {"@type": kind, "name": row["name"]}}


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}


def script(data: dict[str, Any]) -> SafeString:
    """`data` as the content of a `<script type="application/ld+json">`, which nothing in it can
    end.

    The element has no nonce: it is data, which a content policy does not rule, and a page that
    changed with each request could be kept by nobody."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return mark_safe(text.translate(ESCAPES))
