"""What representatives and the public send, decided by staff.

A revision is decided field by field, against the listing as the reviewer saw it: what somebody
changed meanwhile is shown, never overwritten unseen. Of two who decide the same thing, the first
prevails and the second is told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import audit, duplicates, outbox, reports, sections
from directory.addresses import link
from directory.models import Enterprise, Revision, Suggestion, User
from directory.models.enterprises import PHONE
from directory.models.reports import Message
from directory.positions import locate
from directory.reports import AnyMessage
from directory.revisions import Versions
from directory.sections import Value
from directory.slugs import Slugs
from directory.transactions import again_if_taken

#: What a suggestion may say of a listing, and the form that staff choose.
LISTED = ("name", "city", "legal_form", "website", "phone", "description")
ACCEPTED, REFUSED = "accepted", "refused"
State = Revision.State


@dataclass
class AlreadyDecided(Exception):
    """Somebody decided first, or the enterprise took it back; `by` is None where the account is
    gone."""

    by: User | None
    at: datetime | None


class OwnCase(Exception):
    """Nobody decides what they proposed, nor for an enterprise that they represent."""


@dataclass
class Changed(Exception):
    """The listing is no longer what the reviewer was shown: of each such field, what they saw as
    `theirs` is now, and what is proposed as `yours`. Nothing was written."""

    fields: dict[str, Versions] = field(default_factory=dict)


@dataclass
class Undecided(Exception):
    """Fields without an answer, or a refusal without a reason; nothing was written."""

    fields: list[str] = field(default_factory=list)
    reason_missing: bool = False


def seen(revision: Revision) -> dict[str, str]:
    """What tells the listing's present values of the revision's fields from others: shown to the
    reviewer, given back with their decision."""
    enterprise = Enterprise.objects.get(pk=revision.enterprise_id)
    now = sections.present(enterprise, revision.section)
    return {name: sections.digest(now[name]) for name in revision.changes if name in now}


def is_own(revision: Revision, user: User) -> bool:
    """Whether this person would judge their own case. Who sent a file did not propose what it says
    of an enterprise."""
    theirs = revision.submitted_by_id == user.pk and revision.source != Enterprise.Source.IMPORT
    return theirs or revision.enterprise.representatives.filter(user=user).exists()


def decide(
    *,
    revision: Revision,
    decisions: Mapping[str, bool],
    seen: Mapping[str, str],
    reason: str,
    by: User,
) -> Revision:
    """Accept or refuse each field of a revision (`decisions`, field → accepted), and tell who
    proposed it.

    Of a revision that waits, what is accepted is written. Of one that is applied already, what is
    refused is put back as it was. `seen` is what `seen()` gave when the reviewer read it. Raises
    AlreadyDecided, OwnCase, Changed, Undecided, ValidationError (by field, where the listing can no
    longer hold a value), Revision.DoesNotExist."""
    with transaction.atomic():
        Enterprise.objects.lock([revision.enterprise_id])
        held = (
            Revision.objects.select_for_update(of=("self",), no_key=True)
            .select_related("enterprise", "submitted_by", "decided_by")
            .get(pk=revision.pk)
        )
        if held.state not in {State.WAITING, State.APPLIED}:
            raise AlreadyDecided(held.decided_by, held.decided_at)
        if is_own(held, by):
            raise OwnCase
        _refuse_incomplete(held, decisions, reason)
        wanted = _wanted(held, decisions)
        now = sections.present(held.enterprise, held.section)
        moved = {
            name: Versions(now[name], value)
            for name, value in wanted.items()
            if seen.get(name) != sections.digest(now[name])
        }
        if moved:
            raise Changed(moved)
        if wanted:
            sections.apply(
                enterprise=held.enterprise,
                section=held.section,
                changes=wanted,
                by=by,
                source=held.source if held.state == State.WAITING else Enterprise.Source.STAFF,
                reason=_history_reason(held),
            )
        waited = held.state == State.WAITING
        held.decisions = {name: ACCEPTED if yes else REFUSED for name, yes in decisions.items()}
        _close(held, by, reason)
        # What is on line already and was only looked at needs no mail.
        if waited or REFUSED in held.decisions.values():
            _tell(held)
    return held


def accept_all(*, revisions: Iterable[Revision], by: User) -> tuple[int, list[Revision]]:
    """Mark looked at those that are applied already; how many, and those left: they wait, were
    decided meanwhile, or are of an enterprise that this person represents."""
    keys = [revision.pk for revision in revisions]
    done, left = 0, []
    with transaction.atomic():
        rows = Revision.objects.filter(pk__in=keys).select_related("enterprise", "submitted_by")
        for revision in rows.order_by("pk").select_for_update(of=("self",), no_key=True):
            if revision.state != State.APPLIED or is_own(revision, by):
                left.append(revision)
                continue
            revision.decisions = dict.fromkeys(revision.changes, ACCEPTED)
            _close(revision, by, "")
            done += 1
    return done, left


def answer(*, message: AnyMessage, state: str, reason: str, by: User) -> None:
    """Say that a suggestion or an error report is handled, or refused for a reason. Who sent it and
    left an address is thanked once it is handled. Raises AlreadyDecided."""
    model = type(message)
    with transaction.atomic():
        held = model._default_manager.select_for_update(of=("self",)).get(pk=message.pk)
        if held.state != Message.State.NEW:
            raise AlreadyDecided(held.handled_by, held.handled_at)
        reports.decide(message=held, state=state, by=by, reason=reason.strip())


@again_if_taken
def list_suggestion(*, suggestion: Suggestion, legal_form: str, by: User) -> Enterprise:
    """Make a draft of what somebody suggested, to be completed and published in the admin,
    compared at once with the other listings, and say that the suggestion is handled. Raises
    AlreadyDecided."""
    with transaction.atomic():
        answer(message=suggestion, state=Message.State.HANDLED, reason="", by=by)
        slugs = Slugs.of_the_site()
        enterprise = Enterprise(
            name=suggestion.name,
            slug=slugs.new(suggestion.name, suggestion.city.slug),
            city=suggestion.city,
            legal_form=legal_form,
            website=suggestion.website,
            phone=_phone(suggestion.phone),
            description=suggestion.activity,
        )
        # What nobody said is for a file to say.
        said = {name for name in LISTED if getattr(enterprise, name)}
        enterprise.provenance = dict.fromkeys(sorted(said), Enterprise.Source.STAFF)
        locate(enterprise)
        enterprise._change_reason = _("Suggestion %(number)s") % {"number": suggestion.reference}  # type: ignore[attr-defined]
        enterprise._history_user = by  # type: ignore[attr-defined]
        enterprise.save()
        duplicates.note([enterprise.pk])
        audit.record(act="suggestion.listed", by=by, subject=enterprise)
    return enterprise


def _phone(typed: str) -> str:
    """A number as listings keep it; "" for what is none: staff read the suggestion."""
    digits = re.sub(r"\D", "", typed)[-10:]
    return f"+1{digits}" if re.fullmatch(PHONE, f"+1{digits}") else ""


def _refuse_incomplete(revision: Revision, decisions: Mapping[str, bool], reason: str) -> None:
    missing = [name for name in revision.changes if name not in decisions]
    if missing or set(decisions) - set(revision.changes):
        raise Undecided(missing)
    if not all(decisions.values()) and not reason.strip():
        raise Undecided(reason_missing=True)


def _wanted(revision: Revision, decisions: Mapping[str, bool]) -> dict[str, Value]:
    """What the decision writes: what is accepted of what waits, what was before what is refused of
    what is there already."""
    if revision.state == State.WAITING:
        return {
            name: change["proposed"] for name, change in revision.changes.items() if decisions[name]
        }
    return {
        name: _before(name, change["before"])
        for name, change in revision.changes.items()
        if not decisions[name]
    }


def _before(name: str, value: Value) -> Value:
    """No logo, where the file of the one of before is gone: the one refused goes all the same."""
    if name == "logo" and value and not default_storage.exists(str(value)):
        return ""
    return value


def _history_reason(revision: Revision) -> str:
    if revision.state == State.APPLIED:
        return _("Modification refusée à la relecture")
    if revision.source == Enterprise.Source.IMPORT:
        return _("Proposé par un fichier, accepté par le Pôle")
    return _("Proposé par l’entreprise, accepté par le Pôle")


def _close(revision: Revision, by: User, reason: str) -> None:
    revision.state = State.DECIDED
    revision.decided_by, revision.decided_at = by, timezone.now()
    revision.reason = reason.strip()
    revision.save(update_fields=["state", "decisions", "decided_by", "decided_at", "reason"])
    audit.record(
        act="revision.decided",
        by=by,
        subject=revision.enterprise,
        revision=revision.pk,
        decisions=revision.decisions,
    )


def _tell(revision: Revision) -> None:
    """Tell who proposed it, field by field."""
    if not revision.submitted_by:
        return
    said: dict[str, list[str]] = {ACCEPTED: [], REFUSED: []}
    for name, decision in revision.decisions.items():
        said[decision].append(str(sections.LABELS[name]))
    enterprise = revision.enterprise
    outbox.queue(
        kind="revision_decided",
        to=revision.submitted_by.email,
        context={
            "enterprise": enterprise.name,
            "accepted": said[ACCEPTED],
            "refused": said[REFUSED],
            "reason": revision.reason,
            "profile": link(enterprise.get_absolute_url()),
        },
        dedupe_key=f"revision_decided:{revision.pk}",
    )
