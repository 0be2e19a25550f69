"""The desk's one queue: revisions, claims, suggestions and error reports that await somebody,
the oldest first."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import CharField, F, Q, QuerySet, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from directory import roles, sections
from directory.models import Claim, ErrorReport, Revision, Suggestion, User
from directory.models.reports import Message

PER_PAGE = 20
#: The kind that is on line already: looked at when one has time.
TO_READ = "a-relire"


@dataclass(frozen=True)
class Kind:
    """One kind of item: who may decide it, where, and which rows await."""

    slug: str
    label: Any
    #: What one of them is called.
    one: Any
    permission: str
    rows: Callable[[], QuerySet]
    #: Where each row keeps when it came, the name shown, its city, and its listing ("" for none).
    at: str
    name: str
    city: str
    listing: str
    url: str
    detail: Callable[[Any], str]


def _fields(revision: Revision) -> str:
    return ", ".join(str(sections.LABELS.get(name, name)) for name in revision.changes)


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            "modifications",
            _("Modifications à décider"),
            _("Modification à décider"),
            "moderate_revision",
            lambda: Revision.objects.filter(state=Revision.State.WAITING),
            "submitted_at",
            "enterprise__name",
            "enterprise__city__slug",
            "enterprise__slug",
            "directory:desk_revision",
            _fields,
        ),
        Kind(
            "demandes",
            _("Demandes de rattachement"),
            _("Demande de rattachement"),
            "change_claim",
            lambda: Claim.objects.filter(state=Claim.State.WAITING).select_related("user"),
            "created_at",
            "enterprise__name",
            "enterprise__city__slug",
            "enterprise__slug",
            "directory:desk_claim",
            lambda claim: str(claim.user),
        ),
        Kind(
            "erreurs",
            _("Erreurs signalées"),
            _("Erreur signalée"),
            "change_errorreport",
            lambda: ErrorReport.objects.filter(state=Message.State.NEW),
            "created_at",
            "enterprise__name",
            "enterprise__city__slug",
            "enterprise__slug",
            "directory:desk_report",
            lambda report: report.get_kind_display(),
        ),
        Kind(
            "suggestions",
            _("Suggestions d’entreprises"),
            _("Suggestion d’entreprise"),
            "change_suggestion",
            lambda: Suggestion.objects.filter(state=Message.State.NEW),
            "created_at",
            "name",
            "city__slug",
            "",
            "directory:desk_suggestion",
            lambda suggestion: suggestion.activity[:120],
        ),
        Kind(
            TO_READ,
            _("Modifications à relire"),
            _("Modification à relire"),
            "moderate_revision",
            lambda: Revision.objects.filter(state=Revision.State.APPLIED),
            "submitted_at",
            "enterprise__name",
            "enterprise__city__slug",
            "enterprise__slug",
            "directory:desk_revision",
            _fields,
        ),
    )
}

#: Of these rights, one is enough to have something to decide.
PERMISSIONS = {kind.permission for kind in KINDS.values()}


@dataclass(frozen=True)
class Item:
    kind: Kind
    pk: int
    at: datetime
    name: str
    detail: str

    @property
    def address(self) -> str:
        return reverse(self.kind.url, args=[self.pk])


@dataclass(frozen=True)
class Queue:
    items: list[Item]
    total: int
    page: int
    pages: int
    #: Number that awaits of each kind this person decides, of the city and the listing asked.
    counts: Mapping[str, int]


def allowed(user: User) -> list[Kind]:
    """The kinds that this person decides."""
    return [kind for kind in KINDS.values() if roles.may(user, kind.permission)]


def queue(*, user: User, kind: str = "", city: str = "", listing: str = "", page: int = 1) -> Queue:
    """A page of what awaits this person: of one kind, one city, one listing (their slugs), or all.
    A page that does not exist is the last; the number of statements is the same whatever awaits."""
    kinds = allowed(user)
    counts = {one.slug: _within(one, city, listing).count() for one in kinds}
    asked = [one for one in kinds if not kind or one.slug == kind]
    total = sum(counts[one.slug] for one in asked)
    pages = max(-(-total // PER_PAGE), 1)
    page = min(max(page, 1), pages)
    start = (page - 1) * PER_PAGE
    rows = _ordered(asked, city, listing)[start : start + PER_PAGE]
    keys = [(KINDS[slug], pk) for slug, pk, _at in rows]
    return Queue(_items(keys), total, page, pages, counts)


def awaiting(*, user: User, listing: str) -> list[tuple[Kind, int]]:
    """What awaits a decision of this person about one listing (its slug), by kind, with how many:
    not what is on line and only to be read again. One statement at most."""
    kinds = [kind for kind in allowed(user) if kind.listing and kind.slug != TO_READ]
    numbers = Counter(slug for slug, _pk, _at in _ordered(kinds, "", listing))
    return [(kind, numbers[kind.slug]) for kind in kinds if kind.slug in numbers]


def cities(user: User) -> set[str]:
    """The slugs of the cities of what awaits this person."""
    kinds = allowed(user)
    slugs = [kind.rows().order_by().values_list(kind.city, flat=True) for kind in kinds]
    return set(slugs[0].union(*slugs[1:])) if slugs else set()


def after(
    *,
    user: User,
    kind: str = "",
    city: str = "",
    listing: str = "",
    item: tuple[str, int],
    at: datetime,
) -> Item | None:
    """The item to open after `item` (kind, pk), which came at `at` and was decided or passed over:
    the next of the same list, else its first, if there is another."""
    asked = [one for one in allowed(user) if not kind or one.slug == kind]
    later = _ordered(asked, city, listing, after=(at, item[1]))
    for slug, pk, _at in chain(later[:1], _ordered(asked, city, listing)[:2]):
        if (slug, pk) != item:
            return _items([(KINDS[slug], pk)])[0]
    return None


def _within(kind: Kind, city: str, listing: str) -> QuerySet:
    rows = kind.rows()
    if city:
        rows = rows.filter(**{kind.city: city})
    if listing:
        rows = rows.filter(**{kind.listing: listing}) if kind.listing else rows.none()
    return rows


def _ordered(
    kinds: list[Kind], city: str, listing: str, after: tuple[datetime, int] | None = None
) -> Any:
    """(kind, key, day) of all rows of these kinds, the oldest first, as one statement; those that
    come `after` this day and key."""
    keys = [
        _within(kind, city, listing)
        .filter(_later(kind, *after) if after else Q())
        .order_by()
        .annotate(slug=Value(kind.slug, CharField()), came=F(kind.at))
        .values_list("slug", "pk", "came")
        for kind in kinds
    ]
    if not keys:
        return []
    return keys[0].union(*keys[1:], all=True).order_by("came", "pk")


def _later(kind: Kind, at: datetime, pk: int) -> Q:
    return Q(**{f"{kind.at}__gt": at}) | Q(**{kind.at: at}, pk__gt=pk)


def _items(keys: list[tuple[Kind, int]]) -> list[Item]:
    found = {}
    for kind in {kind.slug: kind for kind, _pk in keys}.values():
        wanted = [pk for other, pk in keys if other is kind]
        for row in kind.rows().filter(pk__in=wanted).annotate(said_name=F(kind.name)):
            found[kind.slug, row.pk] = Item(
                kind, row.pk, getattr(row, kind.at), row.said_name, kind.detail(row)
            )
    return [found[kind.slug, pk] for kind, pk in keys if (kind.slug, pk) in found]
