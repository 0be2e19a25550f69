"""Inviting many enterprises at once to take their listing in hand: those that nobody represents and
whose listing is to be confirmed: late, or never confirmed since a file brought it.

It is not a service message, so each needs a right to write to the listed address (`ConsentBasis`);
the others are set apart with the reason, to be called. What staff saw is what is sent: each
recipient is looked at again when the form comes back, and a form sent twice sends once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory import audit, freshness, invitations, mailings
from directory.addresses import link
from directory.models import (
    AuditEntry,
    City,
    Enterprise,
    Invitation,
    Representative,
    Role,
    Sector,
    Unsubscription,
    User,
)

KIND = "invitation_listing"
#: Recipients at once: what a person can look through, and one transaction can write.
MOST = 200
ACT = "invitations.sent"

#: Why an enterprise is set apart.
REASONS = {
    "no_address": _("sans courriel"),
    "no_right": _("sans consentement aux courriels"),
    "came_back": _("courriel revenu"),
    "unsubscribed": _("ne veut plus de ces courriels"),
    "invited": _("invitation en cours"),
    "changed": _("changé entre-temps"),
}


class TooMuch(Exception):
    """More enterprises at once than MOST."""


@dataclass(frozen=True)
class Result:
    """How many invitations leave; how many were set apart meanwhile, by reason; by whom."""

    sent: int
    apart: dict[str, int]
    by: str


def prospects(*, city: City | None = None, sector: Sector | None = None) -> QuerySet[Enterprise]:
    """Listings, late or never confirmed, that nobody represents, with `apart`: a key of REASONS, or
    nothing where they can be invited."""
    active = Representative.objects.active().filter(enterprise=OuterRef("pk"))
    published = Enterprise.objects.published().with_due_on().exclude(Exists(active))
    rows = published.filter(Q(confirmed_on=None) | Q(due_on__lte=timezone.localdate()))
    if city:
        rows = rows.filter(city=city)
    if sector:
        rows = rows.filter(sectors=sector)
    return rows.annotate(apart=_apart()).select_related("city").order_by("name", "pk")


def preview(enterprise: Enterprise, by: User) -> tuple[str, str]:
    """The subject and the text of the mail as this enterprise will get it; its link is made when it
    is sent."""
    address = link(reverse("directory:invitation", args=["0"])).removesuffix("0/")
    said = invitations.context(enterprise, Role.OWNER, by, f"{address}…")
    written = mailings.write(KIND, said, link("/desabonnement/…"))
    return written.subject, written.text


def send(*, enterprises: Sequence[int], key: UUID, by: User) -> Result:
    """Invite those of these enterprises that still can be, all or none; `key` is the form's: sent
    again, it gives the first result. Raises TooMuch beyond MOST at once."""
    if len(enterprises) > MOST:
        raise TooMuch
    with transaction.atomic():
        # Of the same form sent twice at once, the second waits here for the first.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key.int >> 65])
        if done := result(key):
            return done
        asked = Enterprise.objects.filter(pk__in=enterprises).order_by("pk")
        held = list(asked.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
        counts = Counter[str]()
        for enterprise in prospects().filter(pk__in=held).order_by("pk"):
            counts[getattr(enterprise, "apart", "") or _sent(enterprise, by)] += 1
        sent = counts.pop("", 0)
        # Those that somebody took in hand, confirmed or archived since.
        counts["changed"] = len(set(enterprises)) - sent - counts.total()
        apart = {why: number for why, number in counts.items() if number}
        audit.record(act=ACT, by=by, key=str(key), sent=sent, apart=apart)
    return Result(sent, apart, str(by))


def result(key: UUID) -> Result | None:
    """What came of the form that had this key."""
    done = AuditEntry.objects.filter(act=ACT, detail__key=str(key)).first()
    if done is None:
        return None
    return Result(done.detail["sent"], done.detail["apart"], done.by_label)


def _sent(enterprise: Enterprise, by: User) -> str:
    """Invite one; why not, if it is not."""
    sent = invitations.send(
        enterprise=enterprise,
        email=enterprise.email.lower(),
        role=Role.OWNER,
        by=by,
        kind=KIND,
        service=False,
    )
    return "" if sent.queued else "invited"


def _apart() -> Case:
    """Why an enterprise is not invited; nothing where it can be."""
    bases = freshness.in_force(OuterRef("pk")).filter(email__iexact=OuterRef("email"))
    bounced = freshness.came_back(OuterRef("email"))
    stopped = Unsubscription.objects.filter(email=Lower(OuterRef("email")), kind=KIND)
    invited = Invitation.objects.open().filter(enterprise=OuterRef("pk"), expires_at__gt=Now())
    return Case(
        When(email="", then=Value("no_address")),
        When(~Exists(bases), then=Value("no_right")),
        When(Exists(bounced), then=Value("came_back")),
        When(Exists(stopped), then=Value("unsubscribed")),
        When(Exists(invited), then=Value("invited")),
        default=Value(""),
        output_field=CharField(),
    )
