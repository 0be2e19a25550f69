"""Which enterprise a row speaks of: one already listed, one written further up, or a new one.

Certain: the address of a listing (from our own exports), a NEQ, a name in a city. Less than
certain is a likeness, given with its reasons to a person; nothing is ever merged on it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from rapidfuzz import fuzz, process

from directory.gazetteer import key
from directory.models import Enterprise

#: How alike two names are, out of 100, from which a person should look.
CLOSE = 92
#: What names end with and nobody says.
SUFFIXES = re.compile(
    r"\b(?:inc|incorporee|ltee|limitee|ltd|limited|enr|senc|s e n c|senc?rl|s e n c r l"
    r"|osbl|obnl|corp|corporation|compagnie|cie|co|les|le|la|l|the|de|des|du|d|et)\b"
)


def essence(name: str) -> str:
    """What a name is told by: no article, no « inc. », « coop » for « coopérative »."""
    words = re.sub(r"\bcooperatives?\b", "coop", key(name))
    return " ".join(SUFFIXES.sub(" ", words).split()) or words


def site_of(address: str) -> str:
    """The host of a web address, without « www. », and its path: a page on another's site."""
    parts = urlsplit(address)
    path = parts.path.strip("/")
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}/{path}".rstrip("/").lower() if path else host.lower()


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
        if self.row:
            return _("la ligne %(row)d, «\xa0%(name)s\xa0»") % {"row": self.row, "name": self.name}
        return f"«\xa0{self.name}\xa0» ({self.slug})"


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
        for pk, slug, name, others, neq, city, phone, website, state in (
            Enterprise.objects.order_by("pk").values_list(*fields).iterator(chunk_size=5_000)
        ):
            archived = state == Enterprise.State.ARCHIVED
            site = site_of(website)
            known = Known(pk, slug, name, neq or "", city, phone, site, archived)
            self.add(known, others)

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
        reasons: dict[Known, list[str]] = defaultdict(list)
        same = dict.fromkeys(self.by_name.get((key(row.name), row.city), []))
        for known in same:
            reasons[known].append(_("même nom dans la même ville, mais un autre NEQ"))
        names = self.in_city.get(row.city, {})
        name = essence(row.name)
        numbers = re.findall(r"\d+", name)
        for close, _score, _rank in process.extract(
            name, names.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE, limit=5
        ):
            # 9325-6527 Québec is not 9325-6528 Québec.
            if sorted(re.findall(r"\d+", close)) == sorted(numbers):
                for known in names[close]:
                    if not reasons[known]:
                        reasons[known].append(_("nom proche dans la même ville"))
        for known in self.by_phone.get(row.phone, []):
            reasons[known].append(_("même téléphone"))
        for known in self.by_site.get(row.site, []):
            reasons[known].append(_("même site web"))
        found = [
            (known, why)
            for known, why in reasons.items()
            # Two NEQs are two enterprises: one likeness does not make one of them.
            if len(why) > (known not in same and bool(known.neq and row.neq))
        ]
        return sorted(found, key=lambda pair: -len(pair[1]))[:3]
