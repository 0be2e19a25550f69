"""Words of a vocabulary that say the same, made one."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import audit
from directory.histories import CHANGED, Trace
from directory.models import (
    Benefit,
    Certification,
    Enterprise,
    EnterpriseBenefit,
    Offering,
    PurchasingCategory,
    Sector,
    Status,
    User,
    Vocabulary,
)
from directory.transactions import long_transaction

Word = TypeVar("Word", bound=Vocabulary)


def merge(*, words: Sequence[Word], into: Word, by: User) -> int:
    """Give what bears one of `words` the word `into` instead; how many listings had one.

    The words merged stay, retired, and their pages lead to the other's. What a listing already had
    under both is kept once: of two certifications of one number the one that lasts longer, of two
    benefits the one with the more evidence. History says whose act it is of each. Raises
    ValueError where `into` is one of `words`, or was itself merged."""
    merged = [word for word in words if word.pk != into.pk]
    if len(merged) != len(words) or not merged or into.replaced_by_id:
        raise ValueError("A word is merged into another, that still stands.")
    model = type(into)
    keys = sorted(word.pk for word in merged)
    with long_transaction():
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.directory_change_labels()")
        list(model._default_manager.select_for_update().filter(pk__in=[*keys, into.pk]))
        listings = Enterprise.objects.filter(**{f"{FOUND_BY[model]}__in": keys})
        ids = sorted(set(listings.values_list("pk", flat=True)))
        Enterprise.objects.lock(ids)
        trace = Trace(by, _("Mots fusionnés en «\xa0%(word)s\xa0»") % {"word": into.name})
        REPOINT[model](keys, into, trace)
        now = timezone.now()
        Enterprise.objects.filter(pk__in=ids).update(version=F("version") + 1, updated_at=now)
        trace.keep(Enterprise, ids, CHANGED)
        # Whatever led to one of them now leads, at once, to the last.
        model._default_manager.filter(replaced_by__in=keys).update(replaced_by=into)
        model._default_manager.filter(pk__in=keys).update(replaced_by=into, retired=True)
        audit.record(
            act="vocabulary.merged",
            by=by,
            subject=into,
            merged=[word.name for word in merged],
            listings=len(ids),
        )
    return len(ids)


def _sectors(keys: list[int], into: Vocabulary, trace: Trace) -> None:
    links = Enterprise.sectors.through.objects
    had = links.filter(sector=into.pk).values("enterprise")
    links.filter(sector__in=keys, enterprise__in=had).delete()
    # One listing may have had several of the words merged.
    first = links.filter(sector__in=keys).order_by("enterprise_id", "pk").distinct("enterprise_id")
    links.filter(sector__in=keys).exclude(pk__in=list(first.values_list("pk", flat=True))).delete()
    links.filter(sector__in=keys).update(sector=into.pk)


def _statuses(keys: list[int], into: Vocabulary, trace: Trace) -> None:
    rows = Certification.objects.filter(status__in=[*keys, into.pk])
    # Of those of one number, the one that lasts longest; one without an end lasts for ever.
    kept = rows.order_by("enterprise_id", "number", F("expires_on").desc(nulls_first=True), "pk")
    kept = kept.distinct("enterprise_id", "number")
    _delete(rows.exclude(pk__in=list(kept.values_list("pk", flat=True))), trace)
    _repoint(rows.filter(status__in=keys), trace, status=into.pk)


def _benefits(keys: list[int], into: Vocabulary, trace: Trace) -> None:
    rows = EnterpriseBenefit.objects.filter(benefit__in=[*keys, into.pk])
    best: dict[int, EnterpriseBenefit] = {}
    for row in rows.order_by("pk"):
        if len(row.evidence) > len(getattr(best.get(row.enterprise_id), "evidence", "")):
            best[row.enterprise_id] = row
        else:
            best.setdefault(row.enterprise_id, row)
    _delete(rows.exclude(pk__in=[row.pk for row in best.values()]), trace)
    _repoint(rows.filter(benefit__in=keys), trace, benefit=into.pk)


def _categories(keys: list[int], into: Vocabulary, trace: Trace) -> None:
    _repoint(Offering.objects.filter(category__in=keys), trace, category=into.pk)


def _delete(rows: QuerySet[Any], trace: Trace) -> None:
    keys = list(rows.values_list("pk", flat=True))
    rows.delete()
    trace.sign(rows.model, keys)


def _repoint(rows: QuerySet[Any], trace: Trace, **word: int) -> None:
    keys = list(rows.values_list("pk", flat=True))
    rows.update(**word)
    trace.keep(rows.model, keys, CHANGED)


REPOINT = {
    Sector: _sectors,
    Status: _statuses,
    Benefit: _benefits,
    PurchasingCategory: _categories,
}
FOUND_BY = {
    Sector: "sectors",
    Status: "certifications__status",
    Benefit: "enterprisebenefit__benefit",
    PurchasingCategory: "offerings__category",
}
