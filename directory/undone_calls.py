"""A call noted by mistake, taken back by who noted it, within minutes.

What it left behind goes with it: the confirmation it gave, whether the listing shows in results,
what it handed over to the moderators while nobody has seen to it, the right to write that was said
aloud, and the reminders that it resumed.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import audit, freshness, outbox
from directory.models import AuditEntry, ConsentBasis, Enterprise, ErrorReport, PhoneCall, User
from directory.phone_calls import RESUMED, said_aloud

#: How long a call may be taken back.
WITHIN = timedelta(minutes=10)


class TooLate(Exception):
    """The call stays; why, in words."""


def last(by: User) -> PhoneCall | None:
    """The last call that this person noted, while they may take it back."""
    calls = PhoneCall.objects.filter(by=by, at__gt=timezone.now() - WITHIN)
    return calls.select_related("enterprise").order_by("-at", "-pk").first()


def undo(*, call: PhoneCall, by: User) -> None:
    """Take back a call of `by`. Taken back twice, it is once. Raises TooLate, and then everything
    stays, once the time has passed or somebody rested on what it said."""
    with transaction.atomic():
        Enterprise.objects.lock([call.enterprise_id])
        found = PhoneCall.objects.select_for_update(of=("self",)).filter(pk=call.pk, by=by).first()
        if found is None:
            return
        if found.at <= timezone.now() - WITHIN:
            raise TooLate(_("L’appel a été noté il y a plus de dix minutes\xa0: il reste."))
        if found.before:
            _put_back(found, by)
        reports = ErrorReport.objects.filter(key=found.key)
        if reports.exclude(state=ErrorReport.State.NEW).exists():
            raise TooLate(_("L’équipe a déjà vu à ce que l’appel a appris\xa0: il reste."))
        reports.delete()
        _stop_again(found)
        # Of two calls of one day, the right goes too: it can be said again.
        ConsentBasis.objects.filter(
            enterprise=found.enterprise_id,
            recorded_by=by,
            given_on=timezone.localdate(found.at),
            source=said_aloud(by),
        ).delete()
        audit.record(act="call.undone", by=by, subject=found.enterprise, outcome=found.outcome)
        found.delete()


def _stop_again(call: PhoneCall) -> None:
    """Reminders that somebody had stopped, and that the call resumed, stop again."""
    resumed = AuditEntry.objects.filter(
        act=RESUMED,
        by_id=call.by_id,
        subject_kind=Enterprise._meta.model_name,
        subject_id=call.enterprise_id,
        at__gte=call.at,
    )
    for trace in resumed:
        for basis in ConsentBasis.objects.filter(pk=trace.detail["basis"]):
            outbox.unsubscribe(email=basis.email, kind=freshness.KIND)


def _put_back(call: PhoneCall, by: User) -> None:
    """Make the listing what it was before the call, if nothing was written since."""
    enterprise = Enterprise.objects.get(pk=call.enterprise_id)
    before = dict(call.before or {})
    if before.pop("version", None) != enterprise.version:
        raise TooLate(_("La fiche a changé depuis cet appel\xa0: il reste."))
    for name, value in before.items():
        setattr(enterprise, name, value)
    enterprise.version += 1
    enterprise._change_reason = _("Appel noté par erreur")  # type: ignore[attr-defined]
    enterprise._history_user = by  # type: ignore[attr-defined]
    enterprise.save(update_fields=[*before, "version", "updated_at"])
