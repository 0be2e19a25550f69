"""A profile: everything of one enterprise that its reader may see, in one statement.

What is reserved (a contact's direct line, a draft) is left out by the statement itself, so that
no template has to remember to hide it.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import JSONObject

from directory.models import (
    Certification,
    Contact,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    Permit,
    Recognition,
    Reference,
    ServedTerritory,
    User,
    Visibility,
)


def audiences(user: Any) -> list[str]:
    """The visibilities whose contact details `user` (who may be anonymous) sees."""
    seen: list[str] = [Visibility.PUBLIC]
    if isinstance(user, User) and user.is_active:
        if user.has_perm("directory.view_buyer_contacts"):
            seen.append(Visibility.BUYERS)
        if user.is_staff:
            seen += [Visibility.BUYERS, Visibility.STAFF]
    return seen


def _ids(through: type[ServedTerritory]) -> dict[str, Any]:
    return {
        name: ArraySubquery(
            getattr(through, field)
            .through.objects.filter(**{f"{through._meta.model_name}_id": OuterRef("pk")})
            .values(key)
        )
        for name, field, key in (
            ("regions", "served_regions", "region_id"),
            ("counties", "served_counties", "regionalcounty_id"),
            ("cities", "served_cities", "city_id"),
        )
    }


def _seen(field: str, seen: list[str]) -> Case:
    return Case(When(**{f"{field}_visibility__in": seen}, then=F(field)), default=Value(""))


#: What a public buyer who is registered sees.
TO_BUYERS: list[str] = [Visibility.PUBLIC, Visibility.BUYERS]


def profiles(
    user: Any = None,
    *,
    of: QuerySet[Enterprise] | None = None,
    seen: Sequence[str] | None = None,
) -> QuerySet:
    """Published and archived enterprises, or those `of` a scope, with what `user`, or whoever has
    `seen`, may see of their children, each as a list of dicts: sector_ids, certified,
    benefit_list, permit_list, offering_list, contact_list, hidden_contacts, reference_list,
    recognition_list; regions, counties, cities served."""
    seen = list(audiences(user) if seen is None else seen)
    if of is None:
        of = Enterprise.objects.exclude(state=Enterprise.State.DRAFT)
    own = OuterRef("pk")
    contacts = Contact.objects.filter(enterprise=own)
    visible = (
        Q(name_visibility__in=seen)
        | Q(email_visibility__in=seen) & ~Q(email="")
        | Q(phone_visibility__in=seen) & ~Q(phone="")
    )
    reserved = (
        ~Q(name_visibility__in=[*seen, Visibility.STAFF])
        | ~Q(email_visibility__in=[*seen, Visibility.STAFF]) & ~Q(email="")
        | ~Q(phone_visibility__in=[*seen, Visibility.STAFF]) & ~Q(phone="")
    )
    return of.select_related("replaced_by").annotate(
        **_ids(Enterprise),
        sector_ids=ArraySubquery(
            Enterprise.sectors.through.objects.filter(enterprise_id=own).values("sector_id")
        ),
        certified=ArraySubquery(
            Certification.objects.filter(enterprise=own).values(
                json=JSONObject(
                    status="status_id", number="number", issuer="issuer", until="expires_on"
                )
            )
        ),
        benefit_list=ArraySubquery(
            EnterpriseBenefit.objects.filter(enterprise=own).values(
                json=JSONObject(benefit="benefit_id", evidence="evidence")
            )
        ),
        permit_list=ArraySubquery(
            Permit.objects.filter(enterprise=own).values(
                json=JSONObject(kind="kind", number="number", until="expires_on")
            )
        ),
        offering_list=ArraySubquery(
            Offering.objects.filter(enterprise=own)
            .annotate(**_ids(Offering))
            .values(
                json=JSONObject(
                    kind="kind",
                    name="name",
                    description="description",
                    category="category_id",
                    province="serves_province",
                    regions="regions",
                    counties="counties",
                    cities="cities",
                )
            )
        ),
        contact_list=ArraySubquery(
            contacts.filter(visible).values(
                json=JSONObject(
                    name=_seen("name", seen),
                    function="function",
                    email=_seen("email", seen),
                    phone=_seen("phone", seen),
                    extension=Case(
                        When(phone_visibility__in=seen, then=F("phone_extension")),
                        default=Value(""),
                    ),
                )
            )
        ),
        hidden_contacts=ArraySubquery(contacts.filter(reserved).values("pk")),
        reference_list=ArraySubquery(
            Reference.objects.filter(enterprise=own).values(
                json=JSONObject(
                    client="client", work="work", year="year", amount="amount", url="url"
                )
            )
        ),
        recognition_list=ArraySubquery(
            Recognition.objects.filter(enterprise=own).values(
                json=JSONObject(given="recognised_on", until="expires_on")
            )[:1]
        ),
    )
