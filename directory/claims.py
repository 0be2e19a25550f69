"""« C’est votre entreprise? »: how somebody shows that they may speak for a listing.

Nobody is attached without proof or somebody's approval:

- an address at the enterprise's own domain, verified by the account, is proof at once;
- a code sent to the listed e-mail is proof for whoever reads it: kept as a keyed hash, for fifteen
  minutes and five attempts (neither counts where the claimant wrote the site or the e-mail that
  proves it, or anybody just did: `contact_details`);
- else a request, with a function and grounds, which staff decide.

Both proofs serve a listing that nobody has in hand. Where there is an owner already, a newcomer
asks them, and staff may decide too; or says that they replace the person in charge, which staff
alone decide, after calling the listed number. That person is told when it is asked and when it is
done.

A person has one open claim an enterprise at most, whatever they send again: the database says so.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac

from directory import (
    audit,
    contact_details,
    domains,
    outbox,
    representatives,
    roles,
    throttling,
    wording,
)
from directory.addresses import link
from directory.models import Claim, Enterprise, Representative, Role, User
from directory.reports import ALPHABET, TooMany
from directory.throttling import Limit

CODE_LENGTH, CODE_GOOD_FOR, ATTEMPTS = 8, timedelta(minutes=15), 5
#: Asked again sooner, nothing more is sent: a form that was sent twice.
AGAIN_AFTER = timedelta(minutes=1)
#: Codes that one person may have sent, and that one enterprise may be sent by all.
CODES = [Limit(5, timedelta(hours=1)), Limit(12, timedelta(days=1))]
#: Requests of one person, for whatever enterprises.
REQUESTS = [Limit(5, timedelta(hours=1)), Limit(10, timedelta(days=1))]


class AlreadyDecided(Exception):
    """Somebody else decided first, or the person withdrew; `claim` says what."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim


class Changed(Exception):
    """The claim is no longer what was read: the person asked for something else meanwhile."""


class OwnCase(Exception):
    """Nobody decides what they asked for themself."""


class NotOffered(Exception):
    """This way is not, or is no longer, open: an owner came first, the listing has no e-mail, it
    was archived, or the person represents it already."""


class AccountClosed(NotOffered):
    """Whoever asked has closed their account since."""


class NotCalled(Exception):
    """Nobody says that the listed number was called, which a takeover asks for."""


class NoCode(Exception):
    """No code is awaited: none was sent, it has expired, or it was mistyped too often."""


@dataclass
class WrongCode(Exception):
    """Not this code; how many attempts are left."""

    left: int


@dataclass(frozen=True)
class Ways:
    """What one may do to be attached. `address` is theirs at the enterprise's domain, `listed` the
    enterprise's, masked."""

    owned: bool
    address: str = ""
    listed: str = ""


def ways(*, enterprise: Enterprise, user: User) -> Ways:
    """The ways open to this person, who does not represent the enterprise."""
    if representatives.owners(enterprise).exists():
        return Ways(owned=True)
    proves = contact_details.proves(enterprise, "email", user)
    listed = wording.masked(enterprise.email) if proves else ""
    return Ways(owned=False, address=_address_at_home(enterprise, user), listed=listed)


def current(*, enterprise: Enterprise, user: User) -> Claim | None:
    """Their open claim, else the last one if it was refused."""
    theirs = Claim.objects.filter(enterprise=enterprise, user=user)
    last = theirs.open().first() or theirs.exclude(state=Claim.State.WITHDRAWN).first()
    return last if last and last.state != Claim.State.ACCEPTED else None


def awaits_code(claim: Claim, since: datetime | None = None) -> bool:
    """Whether a code was sent, `since` then, that can still be typed."""
    until = claim.code_expires_at
    if claim.state != Claim.State.CODE or until is None or claim.attempts >= ATTEMPTS:
        return False
    return until > timezone.now() and (since is None or until > since + CODE_GOOD_FOR)


def claim_by_domain(*, enterprise: Enterprise, by: User) -> Representative:
    """Attach the owner of a verified address at the enterprise's domain. Raises NotOffered."""
    with transaction.atomic():
        enterprise = _held_for(enterprise, by)
        if representatives.owners(enterprise).exists() or not _address_at_home(enterprise, by):
            raise NotOffered
        if not representatives.hold_account(by):
            raise AccountClosed
        claim = _opened(enterprise, by)
        claim.sent_to = ""
        _settle(claim, Claim.State.ACCEPTED, by=None)
        found = representatives.attach(
            enterprise=enterprise, user=by, role=Role.OWNER, by=by, how="domain"
        )
        _welcome(claim, found)
        _tell_listed(claim)
    return found


def send_code(*, enterprise: Enterprise, by: User) -> Claim:
    """Send a new code to the listed e-mail, which voids the one before; just sent, it is not sent
    again. Raises NotOffered and reports.TooMany."""
    with transaction.atomic():
        enterprise = _held_for(enterprise, by)
        proves = contact_details.proves(enterprise, "email", by)
        if not proves or representatives.owners(enterprise).exists():
            raise NotOffered
        claim = _opened(enterprise, by)
        now = timezone.now()
        if awaits_code(claim, since=now - AGAIN_AFTER):
            return claim
        for client in (f"user {by.pk}", f"enterprise {enterprise.pk}"):
            if seconds := throttling.admit(purpose="claim code", client=client, limits=CODES):
                raise TooMany(seconds)
        code = get_random_string(CODE_LENGTH, ALPHABET)
        claim.state = Claim.State.CODE
        claim.sent_to = enterprise.email
        claim.code_hash = _hash(claim, code)
        claim.code_expires_at = now + CODE_GOOD_FOR
        claim.attempts = 0
        claim.save()
        outbox.queue(
            kind="claim_code",
            to=enterprise.email,
            context={
                "enterprise": enterprise.name,
                # Not their name, which they choose: an address was verified.
                "person": by.email,
                "code": f"{code[:4]}-{code[4:]}",
                "minutes": CODE_GOOD_FOR.seconds // 60,
                "profile": link(enterprise.get_absolute_url()),
            },
            dedupe_key=f"claim-code:{claim.pk}:{claim.code_hash[:24]}",
            secret=True,
        )
    return claim


def prove(*, enterprise: Enterprise, by: User, code: str) -> Representative | None:
    """Attach whoever typed the right code; None if an owner came meanwhile, whom the claim then
    waits for. Raises NoCode, WrongCode and NotOffered."""
    left = None
    with transaction.atomic():
        enterprise = _held_for(enterprise, by)
        claim = Claim.objects.open().filter(enterprise=enterprise, user=by).first()
        if claim is None or not awaits_code(claim):
            raise NoCode
        claim.enterprise = enterprise
        typed = "".join(code.split()).replace("-", "").upper()
        if not hmac.compare_digest(claim.code_hash, _hash(claim, typed)):
            # Counted whatever happens next: nothing may be raised in here.
            claim.attempts += 1
            claim.save(update_fields=["attempts"])
            left = ATTEMPTS - claim.attempts
        elif representatives.owners(enterprise).exists():
            _wait(claim)
            return None
        elif not representatives.hold_account(by):
            raise AccountClosed
        else:
            _settle(claim, Claim.State.ACCEPTED, by=None)
            found = representatives.attach(
                enterprise=enterprise, user=by, role=Role.OWNER, by=by, how="code"
            )
            _welcome(claim, found)
    if left is not None:
        raise WrongCode(left)
    return found


def ask(
    *,
    enterprise: Enterprise,
    by: User,
    function: str,
    grounds: str,
    phone: str = "",
    takeover: bool = False,
) -> Claim:
    """Ask to be attached: the owner, where there is one, who is told; staff else, and always for a
    `takeover`. Sent again, it replaces what was said. Raises NotOffered and reports.TooMany."""
    with transaction.atomic():
        enterprise = _held_for(enterprise, by, takeover=takeover)
        claim = _opened(enterprise, by)
        said = {"function": function, "grounds": grounds, "phone": phone, "takeover": takeover}
        same = all(getattr(claim, name) == value for name, value in said.items())
        if claim.state == Claim.State.WAITING and same:
            return claim
        seconds = throttling.admit(purpose="claim", client=f"user {by.pk}", limits=REQUESTS)
        if seconds:
            raise TooMany(seconds)
        for name, value in said.items():
            setattr(claim, name, value)
        _wait(claim)
    return claim


def withdraw(*, enterprise: Enterprise, by: User) -> bool:
    """Take back one's open claim; False if there is none."""
    with transaction.atomic():
        enterprise = representatives.hold(enterprise)
        claim = Claim.objects.open().filter(enterprise=enterprise, user=by).first()
        if claim is None:
            return False
        _settle(claim, Claim.State.WITHDRAWN, by=None)
    return True


def digest(claim: Claim) -> str:
    """What tells a claim from what it says once sent again: shown to who decides, given back with
    the decision."""
    said = [claim.takeover, claim.function, claim.grounds, claim.phone]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def accept(
    *,
    claim: Claim,
    by: User,
    reason: str = "",
    called: bool = False,
    seen: str | None = None,
) -> Representative:
    """Attach the person who asked, and tell them. Where nobody has the listing in hand they become
    its owner; on a takeover too, and those who were owners until then leave and are told; else they
    join as an editor. `called` says that the listed number was called; `seen` is what `digest` gave
    of what was read, where it is not `claim`.

    Raises representatives.NotAllowed, AlreadyDecided, Changed, OwnCase, NotCalled, AccountClosed,
    and NotOffered if the listing was archived meanwhile."""
    with transaction.atomic():
        claim = _to_decide(claim, by, seen)
        enterprise = claim.enterprise
        if enterprise.state == Enterprise.State.ARCHIVED:
            raise NotOffered
        if not representatives.hold_account(claim.user):
            raise AccountClosed
        if claim.takeover and not called:
            raise NotCalled
        former = representatives.owners(enterprise).exclude(user=claim.user).exists()
        role = Role.OWNER if claim.takeover or not former else Role.EDITOR
        _settle(claim, Claim.State.ACCEPTED, by=by, reason=reason)
        found = representatives.attach(
            enterprise=enterprise, user=claim.user, role=role, by=by, how="claim"
        )
        if claim.takeover:
            for owner in _other_owners(claim):
                representatives.discharge(representative=owner, by=by, how="replaced")
                _write(claim, "claim_replaced", owner.user.email, f"{claim.pk}:{owner.user_id}")
        elif not representatives.owners(enterprise).filter(user=by).exists():
            representatives.announce(found, act=f"claim {claim.pk}")
        _trace(claim, by)
        _welcome(claim, found)
        if not former:
            _tell_listed(claim)
    return found


def refuse(*, claim: Claim, by: User, reason: str, seen: str | None = None) -> None:
    """Refuse, and tell the person why: the reason is theirs to read. `seen` is as of `accept`.
    Raises representatives.NotAllowed, AlreadyDecided, Changed, OwnCase, and ValueError without a
    reason."""
    if not reason.strip():
        raise ValueError("A refusal says why.")
    with transaction.atomic():
        claim = _to_decide(claim, by, seen)
        _settle(claim, Claim.State.REFUSED, by=by, reason=reason.strip())
        _trace(claim, by)
        _write(claim, "claim_refused", claim.user.email, f"{claim.pk}", reason=reason.strip())


def _address_at_home(enterprise: Enterprise, user: User) -> str:
    """Their address, if it is at the domain of a site that is the enterprise's alone, and proves
    something to them."""
    address = representatives.proven_address(user)
    if not contact_details.proves(enterprise, "website", user):
        return ""
    return address if domains.of_email(address) == domains.own(enterprise) else ""


def _held_for(enterprise: Enterprise, user: User, *, takeover: bool = False) -> Enterprise:
    """The enterprise, held, if this person has something to ask of it: an editor may only ask to
    be its owner, where there is none or in their place."""
    enterprise = representatives.hold(enterprise)
    found = enterprise.representatives.filter(user=user).first()
    editing = found is not None and not takeover and representatives.owners(enterprise).exists()
    owning = found is not None and found.role == Role.OWNER
    if enterprise.state != Enterprise.State.PUBLISHED or owning or editing:
        raise NotOffered
    return enterprise


def _opened(enterprise: Enterprise, user: User) -> Claim:
    """Their open claim, or a new one."""
    claim = Claim.objects.open().filter(enterprise=enterprise, user=user).first()
    if claim is None:
        claim = Claim(enterprise=enterprise, user=user, state=Claim.State.CODE)
        claim.save()
    claim.enterprise = enterprise
    return claim


def _to_decide(claim: Claim, by: User, seen: str | None) -> Claim:
    """The claim as it is now, its enterprise held: of two who decide at once, the second finds it
    decided, and an owner removed meanwhile decides nothing. A takeover is for staff alone."""
    read = digest(claim) if seen is None else seen
    try:
        enterprise = representatives.hold_of(claim)
        current = Claim.objects.select_related("user").get(pk=claim.pk)
    except Claim.DoesNotExist:  # erased with the account
        raise AccountClosed from None
    current.enterprise = enterprise
    if not roles.may(by, "change_claim") and (
        current.takeover or not representatives.may_manage(by, enterprise)
    ):
        raise representatives.NotAllowed
    if current.state != Claim.State.WAITING:
        raise AlreadyDecided(current)
    if current.user_id == by.pk:
        raise OwnCase
    if digest(current) != read:
        raise Changed
    return current


def _other_owners(claim: Claim) -> list[Representative]:
    """Also those whose account is closed."""
    rows = claim.enterprise.representatives.filter(role=Role.OWNER).exclude(user=claim.user)
    return list(rows.select_related("user"))


def _trace(claim: Claim, by: User) -> None:
    audit.record(
        act=f"claim.{claim.state}",
        by=by,
        subject=claim.enterprise,
        claim=claim.pk,
        person=claim.user_id,
        takeover=claim.takeover,
    )


def _wait(claim: Claim) -> None:
    """Leave it to be decided; owners are told once."""
    if claim.state == Claim.State.CODE:
        claim.created_at = timezone.now()  # until now it was between them and their mailbox
    claim.state = Claim.State.WAITING
    claim.code_hash = ""
    claim.save()
    for owner in representatives.owners(claim.enterprise):
        kind = "claim_takeover" if claim.takeover else "claim_asked"
        _write(claim, kind, owner.user.email, f"{claim.pk}:{owner.user_id}")


def _settle(claim: Claim, state: str, *, by: User | None, reason: str = "") -> None:
    claim.state, claim.decided_by, claim.decided_at = state, by, timezone.now()
    claim.reason, claim.code_hash = reason, ""
    claim.save()


def _welcome(claim: Claim, found: Representative) -> None:
    owner = found.role == Role.OWNER
    _write(claim, "claim_accepted", found.user.email, f"{claim.pk}", owner=owner)


def _tell_listed(claim: Claim) -> None:
    """Let the enterprise know who now speaks for it, at the address that everyone knows."""
    listed = claim.enterprise.email
    if listed and listed.lower() != claim.user.email:
        _write(claim, "claim_announced", listed, f"{claim.pk}")


def _write(claim: Claim, kind: str, to: str, key: str, **more: object) -> None:
    enterprise = claim.enterprise
    outbox.queue(
        kind=kind,
        to=to,
        context={
            "enterprise": enterprise.name,
            "person": claim.user.email,
            "function": claim.function,
            "grounds": claim.grounds,
            "profile": link(enterprise.get_absolute_url()),
            "team": link(reverse("directory:team", args=[enterprise.slug])),
            "claim": link(reverse("directory:claim", args=[enterprise.slug])),
            **more,
        },
        dedupe_key=f"{kind}:{key}",
    )


def _hash(claim: Claim, code: str) -> str:
    said = f"{claim.pk}:{code}"
    return salted_hmac("directory.claims", said, algorithm="sha256").hexdigest()
