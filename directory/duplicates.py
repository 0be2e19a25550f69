"""Pairs of listings that may be one enterprise: found over the whole directory, or around a few
that were just made; kept until a person says which they are.

The rule is that of likeness.py. Only listings that have a key in common are compared
(sql/duplicates.sql), and a key that more than `MOST_SHARED` have is passed over: the work grows
with the directory, not with its square. Archived listings are left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from directory import audit
from directory.likeness import ORDER, Reason, enough, name_reason, near, site_of
from directory.models import AuditEntry, DuplicatePair, Enterprise, User

State = DuplicatePair.State
#: Listings that may share a telephone, a site, a word of their name, and still be compared.
MOST_SHARED = 20
#: How long what was just said of a pair is shown, to be taken back.
JUST_NOW = timedelta(minutes=10)
#: What the trace of a search of the whole directory is called.
SEARCHED = "duplicates.searched"
#: From so many listings, the whole directory is read rather than what is around each.
MANY = 500

KEYS = """public.directory_likeness_keys(
    e.city_id, e.name, e.other_names::text[], e.phone, e.email, e.website)"""
# The `state` is written as the index has it.
WHOLE = f"""
SELECT key, array_agg(id) FROM (
    SELECT e.id, unnest({KEYS}) AS key FROM directory_enterprise e WHERE e.state <> 'archived'
) keyed GROUP BY key HAVING count(*) BETWEEN 2 AND {MOST_SHARED}
"""
# Each key by itself: one that very many have is left after a few, without reading them all.
AROUND = f"""
SELECT key, block FROM (
    SELECT DISTINCT unnest({KEYS}) AS key FROM directory_enterprise e
    WHERE e.id = ANY (%s) AND e.state <> 'archived'
) asked CROSS JOIN LATERAL (
    SELECT array_agg(id) AS block FROM (
        SELECT e.id FROM directory_enterprise e
        WHERE e.state <> 'archived' AND {KEYS} @> ARRAY[asked.key]
        LIMIT {MOST_SHARED + 1}
    ) few
) alike WHERE cardinality(block) BETWEEN 2 AND {MOST_SHARED}
"""
Pair = tuple[int, int]
Found = dict[Pair, list[Reason]]


class Settled(Exception):
    """Somebody has already said of this pair which it is."""


@dataclass
class Counts:
    """What a search of the whole directory found: pairs new, asked already, said to be two
    enterprises; and those that were asked and no longer have anything in common."""

    new: int = 0
    open: int = 0
    distinct: int = 0
    over: int = 0


class Traits(NamedTuple):
    neq: str | None
    names: list[str]
    site: str


def find(ids: Collection[int] | None = None) -> Found:
    """Pairs of listings worth a look with what they have in common, the lower key first; those of
    `ids` alone where they are given. Two statements, whatever the size."""
    around = list(ids) if ids is not None and len(ids) <= MANY else None
    blocks = list(_blocks(around))
    traits = _traits({pk for _key, pks in blocks for pk in pks})
    wanted = set(ids) if ids is not None else None
    found: dict[Pair, set[Reason]] = defaultdict(set)
    for key, pks in blocks:
        for pair in combinations(sorted(pks), 2):
            if wanted is None or not wanted.isdisjoint(pair):
                reason = _reason(key, traits[pair[0]], traits[pair[1]])
                if reason:
                    found[pair].add(reason)
    for (first, second), reasons in found.items():
        # Alone it would be too little (`enough`): only what is found otherwise is looked at.
        if near(traits[first].neq, traits[second].neq):
            reasons.add(Reason.NEQ)
    return {
        pair: sorted(reasons, key=ORDER.index)
        for pair, reasons in found.items()
        if enough(reasons, traits[pair[0]].neq, traits[pair[1]].neq)
    }


def _blocks(ids: list[int] | None) -> Iterator[tuple[str, list[int]]]:
    with connection.cursor() as cursor:
        cursor.execute(WHOLE if ids is None else AROUND, None if ids is None else [ids])
        yield from cursor


def _traits(pks: Collection[int]) -> dict[int, Traits]:
    rows = Enterprise.objects.filter(pk__in=pks) if len(pks) <= MANY else Enterprise.objects.all()
    fields = rows.order_by().values_list("pk", "name", "other_names", "neq", "website")
    return {
        pk: Traits(neq, [name, *others], site_of(website))
        for pk, name, others, neq, website in fields.iterator(chunk_size=5_000)
    }


def _reason(key: str, one: Traits, other: Traits) -> Reason | None:
    """What two that have this key have in common; a key is only where to look."""
    if key.startswith("p:"):
        return Reason.PHONE
    if key.startswith("e:"):
        return Reason.EMAIL
    if key.startswith("n:"):
        return name_reason(one.names, other.names)
    return Reason.SITE if one.site and one.site == other.site else None


# --- Kept


def search() -> Counts:
    """Search the whole directory and keep what is found; run again, it changes nothing. A pair that
    somebody has decided stays so; one that was only asked, and has nothing in common any more, is
    asked no longer. One search at a time."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directory_duplicates'))")
        found = find()
        counts = _keep(found)
        open_pairs = DuplicatePair.objects.filter(state=State.OPEN)
        over = [
            pk
            for pk, *pair in open_pairs.values_list("pk", "first_id", "second_id")
            if tuple(pair) not in found
        ]
        counts.over = open_pairs.filter(pk__in=over).delete()[0]
        audit.record(act=SEARCHED, by=None, found=counts.new + counts.open)
    return counts


def note(ids: Iterable[int]) -> int:
    """Keep the pairs that these listings, just made, are part of; how many are new. In the
    transaction that makes them."""
    ids = list(ids)
    return _keep(find(ids)).new if ids else 0


def _keep(found: Found) -> Counts:
    counts = Counts()
    with transaction.atomic():
        lowest = {pair[0] for pair in found}
        rows = DuplicatePair.objects.select_for_update(of=("self",)).order_by("pk")
        if len(lowest) <= MANY:
            rows = rows.filter(first__in=lowest)
        known = {(pair.first_id, pair.second_id): pair for pair in rows}
        changed, added = [], []
        for (first, second), reasons in found.items():
            pair = known.get((first, second))
            if pair is None:
                added.append(DuplicatePair(first_id=first, second_id=second, reasons=reasons))
            elif pair.state != State.OPEN:
                counts.distinct += 1
            else:
                counts.open += 1
                if pair.reasons != reasons:
                    pair.reasons = reasons
                    changed.append(pair)
        # Of two who find the same pair at once, one keeps it.
        DuplicatePair.objects.bulk_create(added, ignore_conflicts=True)
        DuplicatePair.objects.bulk_update(changed, ["reasons"], batch_size=500)
        counts.new = len(added)
    return counts


# --- Said by a person


@transaction.atomic
def tell_apart(*, one: Enterprise, other: Enterprise, by: User) -> DuplicatePair:
    """Note that these are two enterprises: it is not asked again. Said twice, it is said once.
    Raises Settled where they were merged meanwhile."""
    pair = _held(one, other)
    if pair.state == State.MERGED:
        raise Settled
    if pair.state != State.DISTINCT:
        pair.state, pair.decided_by, pair.decided_at = State.DISTINCT, by, timezone.now()
        pair.save()
        audit.record(act="duplicate.distinct", by=by, subject=one, other=other.pk)
    return pair


@transaction.atomic
def ask_again(*, pair: DuplicatePair, by: User) -> DuplicatePair:
    """Put a pair said to be two enterprises back among those to look at. Raises Settled where it is
    not one."""
    pair = DuplicatePair.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    if pair.state == State.MERGED:
        raise Settled
    pair.state, pair.decided_by, pair.decided_at = State.OPEN, None, None
    pair.save()
    audit.record(act="duplicate.asked_again", by=by, subject=pair.first, other=pair.second_id)
    return pair


def just_told_apart(by: User) -> DuplicatePair | None:
    """The last pair that this person said to be two enterprises, some minutes after at most."""
    pairs = DuplicatePair.objects.filter(
        state=State.DISTINCT, decided_by=by, decided_at__gt=timezone.now() - JUST_NOW
    )
    return pairs.select_related("first", "second").order_by("-decided_at", "-pk").first()


def last_search() -> datetime | None:
    """When the whole directory was last looked through."""
    entry = AuditEntry.objects.filter(act=SEARCHED).order_by("-at").first()
    return entry.at if entry else None


def between(one: Enterprise, other: Enterprise) -> Q:
    """The pair of these two, in whichever order they are given."""
    first, second = sorted((one.pk, other.pk))
    return Q(first=first, second=second)


def _held(one: Enterprise, other: Enterprise) -> DuplicatePair:
    """Their pair, made if there is none, held until the transaction ends."""
    first, second = sorted((one.pk, other.pk))
    made = DuplicatePair(first_id=first, second_id=second, reasons=[])
    DuplicatePair.objects.bulk_create([made], ignore_conflicts=True)
    pairs = DuplicatePair.objects.select_for_update(of=("self",))
    return pairs.get(first=first, second=second)
