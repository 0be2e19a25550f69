"""What awaits the Pôle's staff today, each with where it is done: the first thing that the admin
shows. A person is told only of what they may do."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from directory import desk, phone_calls, roles, wording
from directory.models import (
    Certification,
    DuplicatePair,
    Enterprise,
    Mail,
    Offering,
    Recognition,
    User,
)

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
    #: In the number of its rows.
    label: Any
    rows: Callable[[], QuerySet]
    address: Callable[[], str]
    permission: str


@dataclass(frozen=True)
class Tool:
    label: Any
    address: Callable[[], str]
    #: One is enough.
    permissions: Collection[str]


def decided(slug: str, label: Any) -> Line:
    """What is decided at the desk, by those who may there."""
    kind = desk.KINDS[slug]
    return Line(
        label, kind.rows, lambda: f"{reverse('directory:desk')}?sorte={slug}", kind.permission
    )


def listed(parameters: str) -> Callable[[], str]:
    return lambda: f"{reverse('admin:directory_enterprise_changelist')}?{parameters}"


#: Where recognitions are renewed, one enterprise after the other.
to_renew = listed("reconnaissance=renouveler&state__exact=published")


def kept(condition: Callable[[], Q], *, published: bool = False) -> Callable[[], QuerySet]:
    rows = Enterprise.objects.published() if published else Enterprise.objects.all()
    return lambda: rows.filter(condition())


LINES = [
    decided("modifications", ngettext_lazy("modification à décider", "modifications à décider")),
    decided("demandes", ngettext_lazy("demande de rattachement", "demandes de rattachement")),
    decided("suggestions", ngettext_lazy("suggestion d’entreprise", "suggestions d’entreprises")),
    decided("erreurs", ngettext_lazy("erreur signalée", "erreurs signalées")),
    Line(
        ngettext_lazy("appel à faire", "appels à faire"),
        phone_calls.to_call_now,
        lambda: reverse("directory:phone_list"),
        "add_phonecall",
    ),
    Line(
        ngettext_lazy("doublon possible", "doublons possibles"),
        lambda: DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN),
        lambda: reverse("directory:duplicates"),
        "change_duplicatepair",
    ),
    Line(
        ngettext_lazy("fiche à confirmer", "fiches à confirmer"),
        kept(overdue),
        listed("en_retard=1"),
        "change_enterprise",
    ),
    Line(
        ngettext_lazy("fiche injoignable", "fiches injoignables"),
        kept(unreachable),
        listed("injoignable=1"),
        "change_enterprise",
    ),
    Line(
        ngettext_lazy("brouillon à publier", "brouillons à publier"),
        lambda: Enterprise.objects.filter(state=Enterprise.State.DRAFT),
        listed("state__exact=draft"),
        "change_enterprise",
    ),
    Line(
        ngettext_lazy("fiche publiée incomplète", "fiches publiées incomplètes"),
        kept(incomplete, published=True),
        listed("incomplete=1&state__exact=published"),
        "change_enterprise",
    ),
    Line(
        ngettext_lazy(
            "fiche dont une certification a expiré", "fiches dont une certification a expiré"
        ),
        kept(expired_certification),
        listed("expiree=1"),
        "change_certification",
    ),
    Line(
        ngettext_lazy("reconnaissance à renouveler", "reconnaissances à renouveler"),
        kept(lambda: recognised("renouveler"), published=True),
        to_renew,
        "change_recognition",
    ),
    Line(
        ngettext_lazy("courriel abandonné", "courriels abandonnés"),
        lambda: Mail.objects.filter(gave_up_at__isnull=False),
        lambda: reverse("admin:directory_mail_changelist"),
        "view_mail",
    ),
]


TOOLS = [
    Tool(
        _("Entreprises"),
        lambda: reverse("admin:directory_enterprise_changelist"),
        ["view_enterprise"],
    ),
    Tool(
        _("Importer une liste"),
        lambda: reverse("admin:directory_importbatch_changelist"),
        ["add_importbatch"],
    ),
    Tool(_("Doublons"), lambda: reverse("directory:duplicates"), ["change_duplicatepair"]),
    Tool(
        _("Inviter des entreprises"),
        lambda: reverse("directory:invitations"),
        ["add_invitation"],
    ),
    Tool(_("Reconnaissances à renouveler"), to_renew, ["change_recognition"]),
    Tool(_("Appels"), lambda: reverse("directory:phone_list"), ["add_phonecall"]),
    Tool(_("Modération"), lambda: reverse("directory:desk"), desk.PERMISSIONS),
]


def attention(user: User) -> Iterator[dict[str, Any]]:
    """The lines of the index for this person, with their number; those at nothing are left out."""
    for line in LINES:
        if roles.may(user, line.permission) and (number := line.rows().count()):
            yield {
                "label": line.label % number,
                "number": wording.number(number),
                "address": line.address(),
            }


def tools(user: User) -> Iterator[dict[str, Any]]:
    """Where this person works, whether anything awaits there or not."""
    for tool in TOOLS:
        if any(roles.may(user, permission) for permission in tool.permissions):
            yield {"label": tool.label, "address": tool.address()}
