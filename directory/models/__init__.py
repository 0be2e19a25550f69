from directory.models.counters import Counter
from directory.models.enterprises import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    Recognition,
    Reference,
    ServedTerritory,
    Visibility,
)
from directory.models.listing import Listing
from directory.models.people import User
from directory.models.places import Borough, City, PostalArea, Region, RegionalCounty
from directory.models.reports import ErrorReport, Suggestion
from directory.models.vocabularies import (
    Benefit,
    PurchasingCategory,
    Sector,
    SeededKey,
    Status,
    Synonym,
    SynonymGroup,
    Vocabulary,
)

__all__ = [
    "Benefit",
    "Borough",
    "Certification",
    "City",
    "Contact",
    "Counter",
    "Enterprise",
    "EnterpriseBenefit",
    "ErrorReport",
    "Listing",
    "Offering",
    "Permit",
    "PostalArea",
    "PurchasingCategory",
    "Recognition",
    "Reference",
    "Region",
    "RegionalCounty",
    "Sector",
    "SeededKey",
    "ServedTerritory",
    "Status",
    "Suggestion",
    "Synonym",
    "SynonymGroup",
    "User",
    "Visibility",
    "Vocabulary",
]
