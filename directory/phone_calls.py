"""The telephone list: listings that nobody confirmed by mail, and what came of calling them.

Staff call from a page that says who is calling whom. What a call changes is not written by the
caller: it joins the queue of errors reported, where staff see to it. Two calls of one round that
found nobody take the listing out of results, and no more: whatever shows that somebody is there
brings it back (docs/decisions/0015).
"""

import hashlib
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import audit, freshness, outbox, reports, roles, sections, wording
from directory.models import (
    CallUnderWay,
    ConsentBasis,
    Enterprise,
    ErrorReport,
    PhoneCall,
    Reminder,
    User,
)

Outcome = PhoneCall.Outcome
#: How long a listing that did not answer is left alone.
REST = timedelta(days=2)
#: How long a call is thought to be under way, from the moment its page was asked for.
UNDER_WAY_FOR = timedelta(minutes=15)
#: Calls without success after which the listing leaves the results.
MOST_UNANSWERED = 2
UNANSWERED = [Outcome.NO_ANSWER, Outcome.WRONG_NUMBER]
#: Somebody was there. A confirmation says so itself; one that closed has no need to come back.
ANSWERED = [Outcome.CHANGED, Outcome.CALL_BACK]
#: What is left to others, and under which kind of error they find it.
HANDED_OVER = {
    Outcome.CHANGED: ErrorReport.Kind.OTHER,
    Outcome.CLOSED: ErrorReport.Kind.CLOSED,
    Outcome.WRONG_NUMBER: ErrorReport.Kind.CONTACT,
}
#: The trace of who is reminded again, having said so on the telephone.
RESUMED = "reminders.resumed"


# --- Reading


def waiting() -> Any:
    """Every listing on the list, the longest overdue first, with what is known of its calls for
    this due date: `last_outcome`, `last_at`, `call_back_on`, `unanswered` (how many)."""
    calls = PhoneCall.objects.filter(enterprise=OuterRef("pk"), at__date__gte=OuterRef("due_on"))
    last = calls.order_by("-at", "-pk")
    unanswered = (
        calls.filter(outcome__in=UNANSWERED).order_by().values("enterprise").annotate(n=Count("pk"))
    )
    on_the_list = Reminder.objects.filter(
        enterprise=OuterRef("pk"), due_on=OuterRef("due_on"), step=freshness.CALL
    )
    return (
        Enterprise.objects.overdue(timezone.localdate())
        .filter(Exists(on_the_list))
        .annotate(
            last_outcome=Subquery(last.values("outcome")[:1]),
            last_at=Subquery(last.values("at")[:1]),
            call_back_on=Subquery(last.values("call_back_on")[:1]),
            unanswered=Subquery(unanswered.values("n")),
        )
        .order_by("due_on", "pk")
    )


def to_call_now() -> Any:
    """Of those, the ones whose turn it is: never called, silent some days ago, or to be called back
    from today on."""
    today, now = timezone.localdate(), timezone.now()
    return waiting().filter(
        Q(last_outcome=None)
        | Q(last_outcome=Outcome.NO_ANSWER, last_at__lt=now - REST)
        | Q(last_outcome=Outcome.CALL_BACK, call_back_on__lte=today)
        # Confirmed, and then dated back by hand.
        | Q(last_outcome=Outcome.CONFIRMED)
    )


def under_way(enterprises: list[Enterprise]) -> dict[int, CallUnderWay]:
    """The calls that seem to be going on, by enterprise."""
    recent = CallUnderWay.objects.filter(
        enterprise__in=enterprises, since__gt=timezone.now() - UNDER_WAY_FOR
    ).select_related("by")
    return {call.enterprise_id: call for call in recent}


def following(queue: Any, by: User, after: Enterprise | None = None) -> Enterprise | None:
    """The next of a queue that nobody else is calling."""
    recent = CallUnderWay.objects.filter(
        enterprise=OuterRef("pk"), since__gt=timezone.now() - UNDER_WAY_FOR
    ).exclude(by=by)
    free = queue.exclude(Exists(recent))
    return free.exclude(pk=after.pk).first() if after else free.first()


# --- Calling


def take(*, enterprise: Enterprise, by: User) -> CallUnderWay | None:
    """Say that `by` is calling; the call that another has under way, if there is one, which is then
    left as it is."""
    now = timezone.now()
    with transaction.atomic():
        CallUnderWay.objects.bulk_create(
            [CallUnderWay(enterprise=enterprise, by=by, since=now)], ignore_conflicts=True
        )
        call = (
            CallUnderWay.objects.select_for_update(of=("self",))
            .select_related("by")
            .get(enterprise=enterprise)
        )
        if call.by_id != by.pk and call.since > now - UNDER_WAY_FOR:
            return call
        call.by, call.since = by, now
        call.save()
    return None


def record(
    *,
    enterprise: Enterprise,
    outcome: str,
    by: User,
    key: str,
    note: str = "",
    call_back_on: date | None = None,
    consent_email: str = "",
) -> bool:
    """Keep what came of a call; False if this form was sent already, and nothing is kept twice.

    `key` tells one form shown from another. A confirmation confirms the listing, in the name of
    the Pôle; changes, a closing or a wrong number go to the queue of errors reported, with the
    note. The last of MOST_UNANSWERED without success takes the listing out of results; an answer
    puts it back. `consent_email` is an address that the person agreed, aloud, to be written at:
    reminders go there again, if they had been stopped."""
    digest = hashlib.sha256(f"{key}|{enterprise.pk}|{by.pk}".encode()).hexdigest()
    call = PhoneCall(
        enterprise=enterprise,
        by=by,
        at=timezone.now(),
        outcome=outcome,
        note=note,
        call_back_on=call_back_on if outcome == Outcome.CALL_BACK else None,
        key=digest,
    )
    with transaction.atomic():
        PhoneCall.objects.bulk_create([call], ignore_conflicts=True)
        kept = PhoneCall.objects.filter(key=digest, at=call.at).exists()
        CallUnderWay.objects.filter(enterprise=enterprise, by=by).delete()
        if not kept:
            return False
        before = _standing(enterprise)
        if outcome == Outcome.CONFIRMED:
            freshness.confirm(enterprise=enterprise, source=Enterprise.Source.STAFF, by=by)
        elif outcome in UNANSWERED or outcome in ANSWERED:
            _note_reach(enterprise, outcome, by)
        after = _standing(enterprise)
        if after != before:
            before["version"] = after["version"]
            PhoneCall.objects.filter(key=digest).update(before=before)
        if outcome in HANDED_OVER:
            said = str(Outcome(outcome).label)
            reports.hand_over(
                enterprise=enterprise,
                kind=HANDED_OVER[Outcome(outcome)],
                message=_("Appris par téléphone\xa0: %(what)s. %(note)s")
                % {"what": said, "note": note},
                key=digest,
            )
        if consent_email:
            _agree(enterprise, consent_email, by)
    return True


def _standing(enterprise: Enterprise) -> dict[str, Any]:
    """What a call may change of a listing, as JSON holds it, and its version."""
    row = Enterprise.objects.get(pk=enterprise.pk)
    days = {name: getattr(row, name) for name in ("confirmed_on", "unreachable_since")}
    return {name: day and day.isoformat() for name, day in days.items()} | {
        "confirmed_by": row.confirmed_by,
        "provenance": row.provenance,
        "version": row.version,
    }


def said_aloud(by: User) -> str:
    """Whence the right to write is known, of one who agreed on the telephone."""
    return _("Dit au téléphone à %(name)s") % {"name": by}


def number_found(*, enterprise: Enterprise, phone: str, by: User) -> bool:
    """Keep the telephone that a caller found for a listing that has none: written to it by who may
    change it, else left to the moderators; whether it was written. Sent twice, it is kept once.
    Raises ValidationError as `sections.apply` does."""
    if roles.may(by, "change_enterprise"):
        sections.apply(
            enterprise=enterprise,
            section=sections.SECTION_OF["phone"],
            changes={"phone": phone},
            by=by,
            source=Enterprise.Source.STAFF,
            reason=_("Numéro trouvé pour l’appeler"),
        )
        return True
    reports.hand_over(
        enterprise=enterprise,
        kind=ErrorReport.Kind.CONTACT,
        message=_("La fiche n’a aucun numéro ; trouvé pour l’appeler : %(phone)s.")
        % {"phone": wording.phone(phone)},
        key=hashlib.sha256(f"number|{enterprise.pk}|{phone}".encode()).hexdigest(),
    )
    return False


def _note_reach(enterprise: Enterprise, outcome: str, by: User) -> None:
    """Leave the listing out of results, or put it back, as this call and those before it say."""
    # Of two who note a call at once, the second counts both.
    Enterprise.objects.lock([enterprise.pk])
    row = Enterprise.objects.get(pk=enterprise.pk)
    since = None
    if outcome in UNANSWERED:
        called = waiting().filter(pk=row.pk, unanswered__gte=MOST_UNANSWERED)
        if row.is_unreachable or not called.exists():
            return
        since = timezone.localdate()
    if row.unreachable_since == since:
        return
    row.unreachable_since = since
    row.version += 1
    row._history_user = by  # type: ignore[attr-defined]
    row._change_reason = (  # type: ignore[attr-defined]
        _("Appels sans réponse\xa0: hors des résultats") if since else _("Jointe au téléphone")
    )
    row.save(update_fields=["unreachable_since", "version", "updated_at"])


def _agree(enterprise: Enterprise, email: str, by: User) -> None:
    basis = ConsentBasis(
        enterprise=enterprise,
        email=email.lower(),
        basis=ConsentBasis.Basis.EXPRESS,
        source=said_aloud(by),
        given_on=timezone.localdate(),
        recorded_by=by,
    )
    ConsentBasis.objects.bulk_create([basis], ignore_conflicts=True)
    # They may have stopped reminders before: this is the later word.
    if outbox.resubscribe(email=email, kind=freshness.KIND):
        said = ConsentBasis.objects.get(
            enterprise=enterprise, email=basis.email, basis=basis.basis, withdrawn_on=None
        )
        audit.record(act=RESUMED, by=by, subject=enterprise, basis=said.pk)
