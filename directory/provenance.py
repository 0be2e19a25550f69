"""Who said each field of an enterprise: the enterprise itself, the Pôle, or a file.

`Enterprise.provenance` is field → source, a table of children under one name. The enterprise
prevails over the Pôle, the Pôle over a file.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet, Value

from directory.models import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
)

Source = Enterprise.Source
#: Sources that a file does not prevail over.
PEOPLE = {Source.OWNER, Source.STAFF}
#: Fields that are said together, under the name of one.
TOGETHER = {"borough": "city", "longitude": "latitude", "geo_precision": "latitude"}
TOGETHER |= {"external_ids": "akcelos"}
CHILDREN = {
    Certification: "statuses",
    Contact: "contacts",
    EnterpriseBenefit: "benefits",
    Offering: "offerings",
    Permit: "permits",
}


def said_with(field: str) -> str:
    """The name under which the source of a field is kept."""
    return TOGETHER.get(field, field)


def prevailing(provenance: dict[str, str], name: str, kept: Any) -> str | None:
    """The source that keeps a file from changing the value `kept` of what bears this name; None if
    it may. What is there without a known source was written by a person, and the source is then
    ""; what is empty was written by nobody."""
    source = provenance.get(name)
    if source in PEOPLE:
        return source
    # Zero is something; it equals False.
    if source == Source.IMPORT or kept is False or kept in (None, "", ()):
        return None
    return ""


def mark(enterprises: QuerySet[Enterprise], names: Iterable[str], source: str) -> None:
    """Note in the database that these came from this source, in one statement."""
    said = Value(dict.fromkeys(names, source), JSONField())
    joined = Func(
        F("provenance"),
        said,
        template="(%(expressions)s)",
        arg_joiner=" || ",
        output_field=JSONField(),
    )
    enterprises.update(provenance=joined)
