"""Which enterprise a row speaks of: one already listed, one written further up, or a new one.

Certain: the address of a listing (from our own exports), a NEQ, a name in a city. Less than
certain is a likeness, given with its reasons to a person; nothing is ever merged on it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Case, Exists, OuterRef, When
from django.utils.translation import gettext as _

from directory.gazetteer import key
from directory.likeness import ORDER, Reason, close_names, enough, essence, site_of
from directory.models import Enterprise, Merge


@dataclass(frozen=True)
class Known:
    """What is needed of an enterprise to recognise it; `row` where it is of the file itself."""

    pk: int = 0
    slug: str = ""
    name: str = ""
    neq: str = ""
    city: int = 0
    phone: str = ""
    site: str = ""
    archived: bool = False
    row: int = 0

    def __str__(self) -> str:
        return self.called if self.row else f"{self.called} ({self.slug})"

    @property
    def called(self) -> str:
        """What it is called on a page, where its address says nothing."""
        if self.row:
            return _("la ligne %(row)d, «\xa0%(name)s\xa0»") % {"row": self.row, "name": self.name}
        return f"«\xa0{self.name}\xa0»"


@dataclass
class Match:
    """The enterprise found; or those that may be it, with the reasons."""

    found: Known | None = None
    alike: list[tuple[Known, list[str]]] = field(default_factory=list)


class Index:
    """Every enterprise by what it is recognised by; rows of the file join as they are read.

    Read once, some 600 bytes an enterprise: recognising a row then asks the database nothing."""

    def __init__(self) -> None:
        self.by_pk: dict[int, Known] = {}
        self.by_slug: dict[str, Known] = {}
        self.by_neq: dict[str, Known] = {}
        self.by_name: dict[tuple[str, int], list[Known]] = defaultdict(list)
        self.by_phone: dict[str, list[Known]] = defaultdict(list)
        self.by_site: dict[str, list[Known]] = defaultdict(list)
        self.in_city: dict[int, dict[str, list[Known]]] = defaultdict(lambda: defaultdict(list))
        fields = (
            "pk",
            "slug",
            "name",
            "other_names",
            "neq",
            "city_id",
            "phone",
            "website",
            "state",
        )
        rows = Enterprise.objects.annotate(
            merged=Exists(Merge.objects.filter(gone=OuterRef("pk"), undone_at=None))
        ).order_by("pk")
        merged = []
        for pk, slug, name, others, neq, city, phone, website, state, into in rows.values_list(
            *fields, Case(When(merged=True, then="replaced_by"))
        ).iterator(chunk_size=5_000):
            if into:
                merged.append((slug, neq, into))
                continue
            archived = state == Enterprise.State.ARCHIVED
            site = site_of(website)
            known = Known(pk, slug, name, neq or "", city, phone, site, archived)
            self.add(known, others)
        # What was merged is known by what it was merged into, which bears its name.
        for slug, neq, into in merged:
            if kept := self.by_pk.get(into):
                self.by_slug[slug] = kept
                if neq:
                    self.by_neq.setdefault(neq, kept)

    def add(self, known: Known, other_names: Iterable[str] = ()) -> None:
        if known.pk:
            self.by_pk[known.pk] = known
            self.by_slug[known.slug] = known
        if known.neq:
            self.by_neq.setdefault(known.neq, known)
        for name in dict.fromkeys([known.name, *other_names]):
            self.by_name[key(name), known.city].append(known)
            self.in_city[known.city][essence(name)].append(known)
        if known.phone:
            self.by_phone[known.phone].append(known)
        if known.site:
            self.by_site[known.site].append(known)

    def reserve(self, row: Known) -> None:
        """Keep for a row that is not written what it is recognised by: a later row is its double,
        and does not take its place, or the file read again would be understood otherwise."""
        if row.neq:
            self.by_neq.setdefault(row.neq, row)
        if row.name and row.city:
            self.by_name[key(row.name), row.city].append(row)

    def certain(self, *, slug: str, neq: str, name: str, city: int | None) -> list[Known]:
        """The enterprises that a row names: one, or several that it confuses."""
        if slug and (known := self.by_slug.get(slug)):
            other = self.by_neq.get(neq)
            return [known] if other in (None, known) else [known, other]
        if neq and (known := self.by_neq.get(neq)):
            return [known]
        if not city:
            return []
        same = dict.fromkeys(self.by_name.get((key(name), city), []))
        return [known for known in same if not (neq and known.neq and neq != known.neq)]

    def alike(self, row: Known) -> list[tuple[Known, list[str]]]:
        """Those that may be the same as this one, with the reasons; the likeliest first."""
        reasons: dict[Known, set[Reason]] = defaultdict(set)
        for known in self.by_name.get((key(row.name), row.city), []):
            reasons[known].add(Reason.NAME)
        names = self.in_city.get(row.city, {})
        for close in close_names(essence(row.name), names.keys()):
            for known in names[close]:
                if Reason.NAME not in reasons[known]:
                    reasons[known].add(Reason.CLOSE_NAME)
        for known in self.by_phone.get(row.phone, []):
            reasons[known].add(Reason.PHONE)
        for known in self.by_site.get(row.site, []):
            reasons[known].add(Reason.SITE)
        found = [
            (known, [said(reason) for reason in sorted(why, key=ORDER.index)])
            for known, why in reasons.items()
            if enough(why, known.neq, row.neq)
        ]
        return sorted(found, key=lambda pair: -len(pair[1]))[:3]


def said(reason: Reason) -> str:
    """In words; the same name would have made it the same enterprise, were the NEQs not two."""
    if reason == Reason.NAME:
        return _("même nom dans la même ville, mais un autre NEQ")
    return str(reason.label)
