"""A link sent to one address, by which its reader joins an enterprise.

The link is kept as a keyed hash, is good for fourteen days and once, and only for an account whose
proven address is the one invited: whoever else holds it can do nothing with it. Opening it changes
nothing, as programs that look through mail open every link; a form sent from its page does.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from directory import audit, outbox, representatives, roles, throttling
from directory.addresses import link
from directory.models import Enterprise, Invitation, Representative, Role, User
from directory.reports import TooMany
from directory.throttling import Limit

GOOD_FOR = timedelta(days=14)
#: Asked again sooner, nothing more is sent: a form that was sent twice.
AGAIN_AFTER = timedelta(minutes=1)
#: What one person may send, whatever the enterprise. Those sent to many at once are not counted.
LIMITS = [Limit(20, timedelta(hours=1)), Limit(60, timedelta(days=1))]


class AlreadyThere(Exception):
    """The person invited represents the enterprise already, in a role that is no lesser."""


class Unusable(Exception):
    """The invitation was accepted, withdrawn or has expired, or the listing is archived; `state`
    says which, as `standing` does."""

    def __init__(self, state: str) -> None:
        self.state = state


class NotInvited(Exception):
    """The address invited is not one that this account has verified, or the account sent the
    invitation to itself."""


class OwnAddress(Exception):
    """Nobody invites themself."""


class AlreadyOwned(Exception):
    """The listing has an owner: staff invite no other."""


@dataclass(frozen=True)
class Sent:
    """An invitation, and whether a mail leaves now."""

    invitation: Invitation
    queued: bool


def standing(invitation: Invitation) -> str:
    """`open`, `accepted`, `withdrawn`, `expired`, or `closed` where the listing is archived."""
    if invitation.accepted_at:
        return "accepted"
    if invitation.withdrawn_at:
        return "withdrawn"
    if invitation.enterprise.state == Enterprise.State.ARCHIVED:
        return "closed"
    return "open" if invitation.expires_at > timezone.now() else "expired"


def find(token: str) -> Invitation | None:
    """The invitation of this link, whatever became of it."""
    rows = Invitation.objects.select_related("enterprise", "invited_by")
    return rows.filter(token_hash=hashed(token)).first()


def is_invited(invitation: Invitation, user: User) -> bool:
    """Whether it is for this account; none is for the account that sent it."""
    theirs = representatives.proven_address(user) == invitation.email
    return theirs and invitation.invited_by_id != user.pk


def invite(*, enterprise: Enterprise, email: str, role: str, by: User) -> Sent:
    """Invite this address, or invite it again with a new link, which voids the one before; invited
    a moment ago, nothing more is sent.

    Raises AlreadyThere, OwnAddress, AlreadyOwned, NotAllowed (representatives), and
    reports.TooMany."""
    email = email.strip().lower()
    with transaction.atomic():
        enterprise = representatives.hold(enterprise)
        if not may_invite(by, enterprise):
            raise representatives.NotAllowed
        found = enterprise.representatives.filter(user__email=email).first()
        if found and role in {found.role, Role.EDITOR}:
            raise AlreadyThere
        if email == representatives.proven_address(by):
            raise OwnAddress
        _leave_owners(enterprise, role, by)
        return _again(enterprise, email, role, by)


def may_invite(user: User, enterprise: Enterprise) -> bool:
    if roles.may(user, "add_invitation"):
        return enterprise.state != Enterprise.State.ARCHIVED
    return Enterprise.objects.owned_by(user).filter(pk=enterprise.pk).exists()


def roles_of(user: User, enterprise: Enterprise) -> list[str]:
    """As what this person, who may invite, invites: where there is an owner, another is theirs
    alone to choose, and staff invite an editor at most."""
    owners = representatives.owners(enterprise)
    if owners.exists() and not owners.filter(user=user).exists():
        return [Role.EDITOR]
    return [Role.EDITOR, Role.OWNER]


def resend(*, invitation: Invitation, by: User) -> Sent:
    """Send an open invitation again, expired or not. Raises Unusable, and as `invite` does."""
    with transaction.atomic():
        enterprise = representatives.hold_of(invitation)
        if not may_invite(by, enterprise):
            raise representatives.NotAllowed
        current = Invitation.objects.select_related("enterprise").get(pk=invitation.pk)
        if standing(current) not in {"open", "expired"}:
            raise Unusable(standing(current))
        _leave_owners(enterprise, current.role, by)
        return _again(enterprise, current.email, current.role, by)


def withdraw(*, invitation: Invitation, by: User) -> bool:
    """Void an open invitation; False if it was done already. Raises NotAllowed, and Unusable if it
    was accepted first."""
    with transaction.atomic():
        enterprise = representatives.hold_of(invitation)
        if not may_invite(by, enterprise):
            raise representatives.NotAllowed
        current = Invitation.objects.get(pk=invitation.pk)
        if current.accepted_at:
            raise Unusable("accepted")
        if current.withdrawn_at:
            return False
        current.withdrawn_at = timezone.now()
        current.save(update_fields=["withdrawn_at"])
        audit.record(act="invitation.withdrawn", by=by, subject=enterprise, invitation=current.pk)
    return True


def accept(*, token: str, by: User) -> Representative:
    """Join by this link; sent twice, it is done once. Whoever invited is told.

    Raises Invitation.DoesNotExist, Unusable and NotInvited."""
    with transaction.atomic():
        known = find(token)
        if known is None:
            raise Invitation.DoesNotExist
        enterprise = representatives.hold_of(known)
        # Again, now that nobody else can change it.
        invitation = find(token)
        if invitation is None:
            raise Invitation.DoesNotExist
        if not representatives.hold_account(by) or not is_invited(invitation, by):
            raise NotInvited
        if invitation.accepted_by_id == by.pk:
            member = enterprise.representatives.filter(user=by).first()
            if member:
                return member
        if (state := standing(invitation)) != "open":
            raise Unusable(state)
        invitation.accepted_at, invitation.accepted_by = timezone.now(), by
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        host = invitation.invited_by
        owners = representatives.owners(enterprise)
        by_owner = host is not None and owners.filter(user=host).exists()
        was = enterprise.representatives.filter(user=by).values_list("role", flat=True).first()
        found = representatives.attach(
            enterprise=enterprise,
            user=by,
            # An owner may have come since staff sent it.
            role=invitation.role if by_owner or not owners.exists() else Role.EDITOR,
            by=host,
            how="invitation",
        )
        if not by_owner and found.role != was:
            representatives.announce(found, act=f"invitation {invitation.pk}")
        if host and host.is_active and not roles.may(host, "add_invitation"):
            outbox.queue(
                kind="invitation_accepted",
                to=host.email,
                context={
                    "enterprise": enterprise.name,
                    "person": invitation.email,
                    "owner": found.role == Role.OWNER,
                    "team": link(reverse("directory:team", args=[enterprise.slug])),
                },
                dedupe_key=f"invitation_accepted:{invitation.pk}",
            )
    return found


def send(
    *,
    enterprise: Enterprise,
    email: str,
    role: str,
    by: User,
    kind: str = "invitation",
    service: bool = True,
) -> Sent:
    """Write the invitation and its mail, in a transaction that holds the enterprise and has checked
    that `by` may. Not `service`, it is not sent to who asked for no more of this kind."""
    now = timezone.now()
    invitation = Invitation.objects.open().filter(enterprise=enterprise, email=email).first()
    if (
        invitation
        and invitation.role == role
        and invitation.expires_at > now + GOOD_FOR - AGAIN_AFTER
    ):
        return Sent(invitation, queued=False)
    invitation = invitation or Invitation(enterprise=enterprise, email=email)
    token = secrets.token_urlsafe(24)
    invitation.role, invitation.invited_by = role, by
    invitation.token_hash, invitation.expires_at = hashed(token), now + GOOD_FOR
    invitation.save()
    audit.record(
        act="invitation.sent", by=by, subject=enterprise, invitation=invitation.pk, role=role
    )
    path = reverse("directory:invitation", args=[token])
    queued = outbox.queue(
        kind=kind,
        to=email,
        context=context(enterprise, role, by, link(path)),
        dedupe_key=f"invitation:{invitation.pk}:{invitation.token_hash[:24]}",
        service=service,
        secret=True,
    )
    return Sent(invitation, queued)


def context(enterprise: Enterprise, role: str, by: User, address: str) -> dict[str, object]:
    """What the mail of an invitation says."""
    return {
        "enterprise": enterprise.name,
        # Not their name, which they choose: an address was verified.
        "by": by.email,
        "owner": role == Role.OWNER,
        "staff": roles.may(by, "add_invitation"),
        "days": GOOD_FOR.days,
        "link": address,
        "profile": link(enterprise.get_absolute_url()),
    }


def _leave_owners(enterprise: Enterprise, role: str, by: User) -> None:
    if role not in roles_of(by, enterprise):
        raise AlreadyOwned


def _again(enterprise: Enterprise, email: str, role: str, by: User) -> Sent:
    """Send, and count it where a mail leaves."""
    sent = send(enterprise=enterprise, email=email, role=role, by=by)
    if sent.queued:
        client = f"user {by.pk}"
        if seconds := throttling.admit(purpose="invitation", client=client, limits=LIMITS):
            raise TooMany(seconds)
    return sent


def hashed(token: str) -> str:
    """What is kept of a link."""
    return salted_hmac("directory.invitations", token, algorithm="sha256").hexdigest()
