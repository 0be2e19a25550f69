"""What awaits the Pôle's staff today, each with where it is done: the first thing that the admin
shows. A person is told only of what they may do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from directory.models import (
    Certification,
    Claim,
    DuplicatePair,
    Enterprise,
    ErrorReport,
    Mail,
    Offering,
    Recognition,
    Revision,
    Suggestion,
    User,
)
from directory.models.reports import Message

#: Days before its end from which a recognition is on the list of those to renew.
RENEWAL = timedelta(days=60)


# --- Lists to work from


def overdue() -> Q:
    """Published, and past the day its owner was to confirm it."""
    return Q(pk__in=Enterprise.objects.overdue(timezone.localdate()).values("pk"))


def unreachable() -> Q:
    """Left out of results since calls found nobody."""
    return Q(pk__in=Enterprise.objects.unreachable().values("pk"))


def incomplete() -> Q:
    """Without what a buyer needs to choose it or to reach it."""
    offers = Exists(Offering.objects.filter(enterprise=OuterRef("pk")))
    return ~Q(state=Enterprise.State.ARCHIVED) & (
        ~Q(offers) | Q(phone="", email="") | Q(mission="", description="")
    )


def possible_duplicate() -> Q:
    return Q(pk__in=Enterprise.objects.with_open_duplicates().values("pk"))


def expired_certification() -> Q:
    rows = Certification.objects.filter(expires_on__lt=timezone.localdate())
    return ~Q(state=Enterprise.State.ARCHIVED) & Q(pk__in=rows.values("enterprise"))


def recognised(which: str) -> Q:
    """« valide », « renouveler » (ends soon, or has ended) or « jamais »."""
    today = timezone.localdate()
    given = Recognition.objects.filter(enterprise=OuterRef("pk"))
    if which == "jamais":
        return ~Q(Exists(given))
    if which == "valide":
        return Q(Exists(given.filter(expires_on__gte=today)))
    # Its last one ends soon, or has ended: nothing later takes over.
    lasting = given.filter(expires_on__gt=today + RENEWAL)
    return Q(Exists(given)) & ~Q(Exists(lasting))


# --- The index


@dataclass(frozen=True)
class Line:
    label: Any
    rows: Callable[[], QuerySet]
    address: Callable[[], str]
    permission: str


def desk(kind: str) -> Callable[[], str]:
    return lambda: f"{reverse('directory:desk')}?sorte={kind}"


def listed(parameters: str) -> Callable[[], str]:
    return lambda: f"{reverse('admin:directory_enterprise_changelist')}?{parameters}"


def kept(condition: Callable[[], Q], *, published: bool = False) -> Callable[[], QuerySet]:
    rows = Enterprise.objects.published() if published else Enterprise.objects.all()
    return lambda: rows.filter(condition())


LINES = [
    Line(
        _("Modifications à décider"),
        lambda: Revision.objects.filter(state=Revision.State.WAITING),
        desk("modifications"),
        "directory.moderate_revision",
    ),
    Line(
        _("Demandes de rattachement"),
        lambda: Claim.objects.filter(state=Claim.State.WAITING),
        desk("demandes"),
        "directory.change_claim",
    ),
    Line(
        _("Suggestions d’entreprises"),
        lambda: Suggestion.objects.filter(state=Message.State.NEW),
        desk("suggestions"),
        "directory.change_suggestion",
    ),
    Line(
        _("Erreurs signalées"),
        lambda: ErrorReport.objects.filter(state=Message.State.NEW),
        desk("erreurs"),
        "directory.change_errorreport",
    ),
    Line(
        _("Doublons possibles"),
        lambda: DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN),
        lambda: reverse("directory:duplicates"),
        "directory.change_duplicatepair",
    ),
    Line(
        _("Fiches à confirmer"),
        kept(overdue),
        listed("en_retard=1"),
        "directory.change_enterprise",
    ),
    Line(
        _("Fiches injoignables"),
        kept(unreachable),
        listed("injoignable=1"),
        "directory.change_enterprise",
    ),
    Line(
        _("Brouillons à publier"),
        lambda: Enterprise.objects.filter(state=Enterprise.State.DRAFT),
        listed("state__exact=draft"),
        "directory.change_enterprise",
    ),
    Line(
        _("Fiches publiées incomplètes"),
        kept(incomplete, published=True),
        listed("incomplete=1&state__exact=published"),
        "directory.change_enterprise",
    ),
    Line(
        _("Certifications expirées"),
        kept(expired_certification),
        listed("expiree=1"),
        "directory.change_certification",
    ),
    Line(
        _("Reconnaissances à renouveler"),
        kept(lambda: recognised("renouveler"), published=True),
        listed("reconnaissance=renouveler&state__exact=published"),
        "directory.change_recognition",
    ),
    Line(
        _("Courriels abandonnés"),
        lambda: Mail.objects.filter(gave_up_at__isnull=False),
        lambda: reverse("admin:directory_mail_changelist"),
        "directory.view_mail",
    ),
]


def attention(user: User) -> Iterator[dict[str, Any]]:
    """The lines of the index for this person, with their number; those at nothing are left out."""
    for line in LINES:
        if user.has_perm(line.permission) and (number := line.rows().count()):
            yield {"label": line.label, "number": number, "address": line.address()}
