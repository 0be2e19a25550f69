from directory.models.batches import (
    BulkAct,
    ImportBatch,
    ImportRow,
    SavedMapping,
)
from directory.models.counters import (
    Counter,
)
from directory.models.duplicates import (
    DuplicatePair,
    Merge,
)
from directory.models.enterprises import (
    Enterprise,
    ServedTerritory,
)
from directory.models.freshness import (
    ConsentBasis,
    PhoneCall,
    Reminder,
)
from directory.models.listing import (
    Listing,
)
from directory.models.outbox import (
    Mail,
    Unsubscription,
)
from directory.models.parts import (
    Certification,
    Contact,
    EnterpriseBenefit,
    Offering,
    Permit,
    Recognition,
    Reference,
    Visibility,
)
from directory.models.people import (
    User,
)
from directory.models.places import (
    Borough,
    City,
    PostalArea,
    Region,
    RegionalCounty,
)
from directory.models.privacy import (
    AuditEntry,
    Consent,
    Incident,
)
from directory.models.reports import (
    ErrorReport,
    Suggestion,
)
from directory.models.representatives import (
    Claim,
    Invitation,
    Representative,
    Role,
)
from directory.models.revisions import (
    Draft,
    Revision,
    Section,
)
from directory.models.visits import (
    ProfileVisits,
)
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
    "AuditEntry",
    "Benefit",
    "Borough",
    "BulkAct",
    "Certification",
    "City",
    "Claim",
    "Consent",
    "ConsentBasis",
    "Contact",
    "Counter",
    "Draft",
    "DuplicatePair",
    "Enterprise",
    "EnterpriseBenefit",
    "ErrorReport",
    "ImportBatch",
    "ImportRow",
    "Incident",
    "Invitation",
    "Listing",
    "Mail",
    "Merge",
    "Offering",
    "Permit",
    "PhoneCall",
    "PostalArea",
    "ProfileVisits",
    "PurchasingCategory",
    "Recognition",
    "Reference",
    "Region",
    "RegionalCounty",
    "Reminder",
    "Representative",
    "Revision",
    "Role",
    "SavedMapping",
    "Section",
    "Sector",
    "SeededKey",
    "ServedTerritory",
    "Status",
    "Suggestion",
    "Synonym",
    "SynonymGroup",
    "Unsubscription",
    "User",
    "Visibility",
    "Vocabulary",
]
