"""What staff do to many listings at once: all or nothing, said afterwards, and taken back.

Each act keeps, for each listing, what it was and the version it became. Taking an act back leaves
alone a listing that was written since: what came after is somebody's work too. Asking to confirm
changes no listing: its mails leave a few minutes later, and until then are taken back.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory import audit, freshness, outbox, wording
from directory.models import BulkAct, Enterprise, Reminder, Sector, User

#: Listings of one act: a page that writes more would keep its reader, and others, waiting.
MOST = 1_000

State = Enterprise.State
#: Listings that are asked to confirm at once: what a person can look through.
MOST_ASKED = 200
#: How long one may think better of it.
BEFORE_MAILS_LEAVE = timedelta(minutes=10)
ASK = "ask_to_confirm"

FIELDS = ("state", "published_on", "closing", "archive_reason", "replaced_by_id")


class TooMany(Exception):
    """More listings than one act takes (`MOST`)."""


class AlreadyUndone(Exception):
    """Somebody took this act back before."""


@dataclass
class Done:
    """What an act did: `act` is None where it changed nothing; `left`, the listings it left alone
    and why, in words."""

    act: BulkAct | None = None
    changed: int = 0
    left: list[tuple[Enterprise, str]] = field(default_factory=list)


class _Left(Exception):
    """Raised for a listing that an act leaves alone; says why."""


def publish(*, ids: Collection[int], by: User) -> Done:
    """Publish drafts and archived listings; those already published are left."""

    def change(enterprise: Enterprise) -> None:
        if enterprise.state == State.PUBLISHED:
            raise _Left(_("déjà publiée"))
        enterprise.state, enterprise.closing, enterprise.archive_reason = State.PUBLISHED, "", ""
        enterprise.replaced_by = None
        enterprise.published_on = enterprise.published_on or timezone.localdate()

    return _perform("publish", ids, change, by, _published)


def archive(*, ids: Collection[int], closing: str, reason: str, by: User) -> Done:
    """Archive listings for a `reason` that staff alone read; `closing` is what the public is told:
    closed, or other. One that replaces another is a merge (merging.py)."""

    def change(enterprise: Enterprise) -> None:
        if enterprise.state == State.ARCHIVED:
            raise _Left(_("déjà archivée"))
        enterprise.state, enterprise.closing = State.ARCHIVED, closing
        enterprise.archive_reason = reason

    return _perform("archive", ids, change, by, _archived)


def give_sector(*, ids: Collection[int], sector: Sector, by: User) -> Done:
    """Add a sector to those of each listing."""

    def change(enterprise: Enterprise) -> None:
        if enterprise.sectors.filter(pk=sector.pk).exists():
            raise _Left(_("est déjà de ce secteur"))
        enterprise.sectors.add(sector)
        enterprise.provenance["sectors"] = Enterprise.Source.STAFF

    def label(number: int) -> str:
        return ngettext(
            "Secteur «\xa0%(sector)s\xa0» donné à %(n)d fiche",
            "Secteur «\xa0%(sector)s\xa0» donné à %(n)d fiches",
            number,
        ) % {"sector": sector.name, "n": number}

    return _perform("give_sector", ids, change, by, label)


@dataclass
class Asked:
    """Who would be asked, and at which addresses; who would not, and why."""

    reached: list[tuple[Enterprise, list[tuple[str, bool]]]] = field(default_factory=list)
    left: list[tuple[Enterprise, str]] = field(default_factory=list)


def asked(ids: Collection[int]) -> Asked:
    """Whom `ask_to_confirm` would write to now. Raises TooMany beyond MOST_ASKED."""
    if len(ids) > MOST_ASKED:
        raise TooMany
    found, lately = Asked(), freshness.lately_asked(ids)
    rows = Enterprise.objects.filter(pk__in=ids).with_due_on().select_related("city")
    for enterprise in rows.order_by("name", "pk"):
        if enterprise.state != State.PUBLISHED:
            found.left.append((enterprise, _("non publiée")))
        elif day := lately.get(enterprise.pk):
            found.left.append(
                (enterprise, _("courriel déjà écrit le %(day)s") % {"day": wording.day(day)})
            )
        elif reached := freshness.recipients(enterprise):
            found.reached.append((enterprise, reached))
        else:
            found.left.append((enterprise, freshness.unreached_because(enterprise)))
    return found


def ask_to_confirm(*, ids: Collection[int], by: User) -> Done:
    """Write to those of these listings that one may write to (freshness.py), and nobody wrote to
    lately, so that they say whether all is true. The mails leave BEFORE_MAILS_LEAVE later. Sent
    twice, the second finds everyone asked. Raises TooMany beyond MOST_ASKED."""
    done, rows = Done(), dict[str, Any]()
    not_before = timezone.now() + BEFORE_MAILS_LEAVE
    with transaction.atomic():
        Enterprise.objects.lock(ids)
        found = asked(ids)
        done.left = found.left
        for enterprise, reached in found.reached:
            mails, reminder = freshness.ask(
                enterprise=enterprise, reached=reached, not_before=not_before
            )
            if mails:
                rows[str(enterprise.pk)] = {"mails": mails, "reminder": reminder}
        done.changed = len(rows)
        if rows:
            label = ngettext(
                "Confirmation demandée à %(n)d entreprise",
                "Confirmation demandée à %(n)d entreprises",
                len(rows),
            ) % {"n": len(rows)}
            done.act = BulkAct.objects.create(act=ASK, label=label, by=by, rows=rows)
            audit.record(act=f"bulk.{ASK}", by=by, subject=done.act, listings=len(rows))
    return done


def _take_mails_back(act: BulkAct, done: Done) -> None:
    """Those that have not left; a reminder that no mail of it makes any more is forgotten."""
    taken = outbox.withdraw([pk for row in act.rows.values() for pk in row["mails"]])
    enterprises = Enterprise.objects.in_bulk([int(pk) for pk in act.rows])
    for pk, row in act.rows.items():
        if taken.issuperset(row["mails"]):
            done.changed += 1
            Reminder.objects.filter(pk=row["reminder"]).delete()
        elif enterprise := enterprises.get(int(pk)):
            done.left.append((enterprise, _("son courriel était déjà parti")))


def _published(number: int) -> str:
    return ngettext("%(n)d fiche publiée", "%(n)d fiches publiées", number) % {"n": number}


def _archived(number: int) -> str:
    return ngettext("%(n)d fiche archivée", "%(n)d fiches archivées", number) % {"n": number}


def _perform(
    act: str,
    ids: Collection[int],
    change: Callable[[Enterprise], None],
    by: User,
    label: Callable[[int], str],
) -> Done:
    if len(ids) > MOST:
        raise TooMany
    done = Done()
    rows: dict[str, Any] = {}
    with transaction.atomic():
        for enterprise in _locked(ids):
            before = _said(enterprise)
            try:
                change(enterprise)
            except _Left as left:
                done.left.append((enterprise, str(left)))
                continue
            done.changed += 1
            _save(enterprise, by, label(1))
            rows[str(enterprise.pk)] = {"before": before, "version": enterprise.version}
        if rows:
            done.act = BulkAct.objects.create(act=act, label=label(len(rows)), by=by, rows=rows)
            audit.record(act=f"bulk.{act}", by=by, subject=done.act, listings=len(rows))
    return done


def undo(*, act: BulkAct, by: User) -> Done:
    """Put the listings of an act back to what they were, but those written since, which are `left`;
    take back the mails that have not left yet. Raises AlreadyUndone."""
    done = Done(act=act)
    with transaction.atomic():
        act = BulkAct.objects.select_for_update().get(pk=act.pk)
        if act.undone_at:
            raise AlreadyUndone
        if act.act == ASK:
            _take_mails_back(act, done)
        # Held: words and listings may be deleted at the same moment.
        words = Sector.objects.select_for_update(no_key=True).order_by("pk")
        known = set(words.values_list("pk", flat=True))
        there = _there(
            [row["before"]["replaced_by_id"] for row in act.rows.values() if "before" in row]
        )
        for enterprise in _locked([int(pk) for pk, row in act.rows.items() if "before" in row]):
            row = act.rows[str(enterprise.pk)]
            if enterprise.version != row["version"]:
                done.left.append((enterprise, _("modifiée depuis")))
                continue
            before = dict(row["before"])
            if before["replaced_by_id"] not in there:
                done.left.append((enterprise, _("la fiche qui la remplaçait n’existe plus")))
                continue
            sectors = set(before.pop("sectors"))
            enterprise.sectors.set(sectors & known)
            if sectors - known:
                why = _("remise comme avant, sans les secteurs qui n’existent plus")
                done.left.append((enterprise, why))
            published = before.pop("published_on")
            enterprise.published_on = date.fromisoformat(published) if published else None
            for name, value in before.items():
                setattr(enterprise, name, value)
            _save(enterprise, by, _("Annulation\xa0: %(act)s") % {"act": act.label})
            done.changed += 1
        act.undone_at, act.undone_by = timezone.now(), by
        act.save(update_fields=["undone_at", "undone_by"])
        audit.record(act="bulk.undone", by=by, subject=act, listings=done.changed)
    return done


def _there(ids: list[int | None]) -> set[int | None]:
    """Those that still exist; None stands for no listing."""
    named = [pk for pk in ids if pk]
    return {None, *Enterprise.objects.filter(pk__in=named).values_list("pk", flat=True)}


def _locked(ids: Collection[int]) -> list[Enterprise]:
    Enterprise.objects.lock(ids)
    rows = Enterprise.objects.filter(pk__in=ids).order_by("pk")
    return list(rows.prefetch_related("sectors"))


def _said(enterprise: Enterprise) -> dict[str, Any]:
    values = {name: getattr(enterprise, name) for name in FIELDS}
    values["published_on"] = values["published_on"] and values["published_on"].isoformat()
    values["provenance"] = dict(enterprise.provenance)
    return values | {"sectors": sorted(sector.pk for sector in enterprise.sectors.all())}


def _save(enterprise: Enterprise, by: User, reason: str) -> None:
    enterprise.version += 1
    enterprise._history_user = by  # type: ignore[attr-defined]
    enterprise._change_reason = reason[:100]  # type: ignore[attr-defined]
    enterprise.save()
