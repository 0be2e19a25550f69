"""Who speaks for an enterprise: joining, changing role, leaving.

Each write first holds the enterprise's row, so that what it checks (who is an owner, how many are
left) is still true when it is done. An enterprise that somebody represents keeps at least one owner
whose account is open; the database alone could not say so of several rows. Closing an account is
the one way to leave it without: the Pôle is then told.
"""

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from directory import audit, outbox, roles
from directory.addresses import link
from directory.models import Claim, Enterprise, Invitation, Representative, Role, User


class LastOwner(Exception):
    """The enterprise would be left without an owner."""


class NotAllowed(Exception):
    """Whoever acts is not, or is no longer, an owner of the enterprise."""


def visible_to(user: User) -> QuerySet[Enterprise]:
    """Enterprises whose people this person may see: those they represent; all, for staff."""
    if roles.may(user, "view_representative"):
        return Enterprise.objects.exclude(state=Enterprise.State.ARCHIVED)
    return Enterprise.objects.editable_by(user)


def may_manage(user: User, enterprise: Enterprise) -> bool:
    """Whether this person may change the roles of the others, and remove them."""
    if roles.may(user, "change_representative"):
        return True
    return Enterprise.objects.owned_by(user).filter(pk=enterprise.pk).exists()


def owners(enterprise: Enterprise) -> QuerySet[Representative]:
    """Who answers for it, since the longest first."""
    answering = Representative.objects.answering().filter(enterprise=enterprise)
    return answering.select_related("user").order_by("since", "pk")


def answered_by_alone(user: User) -> QuerySet[Enterprise]:
    """The listings that nobody but this person answers for."""
    answering = Representative.objects.answering().filter(enterprise=OuterRef("pk"))
    listings = Enterprise.objects.exclude(state=Enterprise.State.ARCHIVED)
    alone = Exists(answering.filter(user=user)) & ~Exists(answering.exclude(user=user))
    return listings.filter(alone).order_by("name", "pk")


def proven_address(user: User) -> str:
    """The address that this person has shown they read. It is the account's: no account is made,
    and none changes address, before a code sent there has come back."""
    return user.email


def hold(enterprise: Enterprise) -> Enterprise:
    """The enterprise as it is now, held until the transaction ends: the first thing that each
    writer of its people, claims and invitations does."""
    held = Enterprise.objects.select_for_update(no_key=True, of=("self",))
    return held.get(pk=enterprise.pk)


def hold_of(row: Claim | Invitation) -> Enterprise:
    """The enterprise that this row names, held: a merge may give the row to another meanwhile."""
    held = hold(row.enterprise)
    named = type(row)._default_manager.select_related("enterprise")
    while (now := named.get(pk=row.pk).enterprise) != held:
        held = hold(now)
    return held


def hold_account(user: User) -> bool:
    """Hold the account of who joins, after the enterprise, until the transaction ends; whether it
    is open. One that is closed at the same moment was closed before, or leaves what it joined."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_active FROM directory_user WHERE id = %s FOR SHARE", [user.pk])
        found = cursor.fetchone()
    return found is not None and found[0]


def attach(
    *, enterprise: Enterprise, user: User, role: str, by: User | None, how: str
) -> Representative:
    """Make this person a representative, in a transaction that holds the enterprise and, open,
    their account.

    Who is one already never loses by it: an editor becomes an owner, an owner stays one. What they
    still asked for is closed. `how` says by what proof, for the trace."""
    found, created = Representative.objects.get_or_create(
        user=user, enterprise=enterprise, defaults={"role": role, "added_by": by}
    )
    raised = not created and role == Role.OWNER and found.role != Role.OWNER
    if raised:
        found.role = role
        found.save(update_fields=["role"])
    Claim.objects.filter(user=user, enterprise=enterprise).open().update(
        state=Claim.State.WITHDRAWN, decided_at=timezone.now(), code_hash=""
    )
    if created or raised:
        act = "representative.added" if created else "representative.changed"
        audit.record(act=act, by=by, subject=enterprise, person=user.pk, role=role, how=how)
    return found


def change_role(*, representative: Representative, role: str, by: User) -> bool:
    """Give a colleague another role; False if it is theirs already. The person is told.

    Raises NotAllowed, LastOwner, and Representative.DoesNotExist if they have left meanwhile."""
    with transaction.atomic():
        enterprise = hold(representative.enterprise)
        current = enterprise.representatives.select_related("user").get(pk=representative.pk)
        owning = owners(enterprise).filter(user=by).exists()
        # Staff give nobody's place to themselves.
        if not may_manage(by, enterprise) or (current.user_id == by.pk and not owning):
            raise NotAllowed
        if current.role == role:
            return False
        if current.role == Role.OWNER:
            _keep_an_owner(current)
        current.role = role
        current.save(update_fields=["role"])
        act = audit.record(
            act="representative.changed",
            by=by,
            subject=enterprise,
            person=current.user_id,
            role=role,
        )
        if current.user_id != by.pk:
            _tell(current, "representative_changed", by, act.pk)
        if role == Role.OWNER and not owning:
            announce(current, act=f"change {act.pk}")
    return True


def remove(*, representative: Representative, by: User) -> bool:
    """Take a colleague out, or leave; False if it was done already. The person removed is told.

    Raises NotAllowed and LastOwner."""
    with transaction.atomic():
        enterprise = hold(representative.enterprise)
        current = (
            enterprise.representatives.select_related("user").filter(pk=representative.pk).first()
        )
        if current is None:
            return False
        leaving = current.user_id == by.pk
        if not leaving and not may_manage(by, enterprise):
            raise NotAllowed
        if current.role == Role.OWNER:
            _keep_an_owner(current)
        discharge(representative=current, by=by, how="left" if leaving else "removed")
        if not leaving:
            _tell(current, "representative_removed", by, representative.pk)
    return True


def discharge(*, representative: Representative, by: User | None, how: str) -> None:
    """Take out whoever it is, in a transaction that holds the enterprise and sees to its owners.
    The links that they had sent for it are void: one could be their own."""
    Invitation.objects.open().filter(
        enterprise=representative.enterprise, invited_by=representative.user_id
    ).update(withdrawn_at=timezone.now())
    audit.record(
        act="representative.removed",
        by=by,
        subject=representative.enterprise,
        person=representative.user_id,
        role=representative.role,
        how=how,
    )
    Representative.objects.filter(pk=representative.pk).delete()


def announce(added: Representative, *, act: str) -> None:
    """Tell the owners who was just added, or made an owner, and by none of them, in this act."""
    enterprise = added.enterprise
    for owner in owners(enterprise).exclude(pk=added.pk):
        outbox.queue(
            kind="representative_added",
            to=owner.user.email,
            context={
                "enterprise": enterprise.name,
                "person": added.user.email,
                "owner": added.role == Role.OWNER,
                "team": _team(enterprise),
            },
            dedupe_key=f"representative_added:{act}:{owner.pk}",
        )


def discharge_everywhere(*, user: User, by: User | None) -> None:
    """Take somebody whose account closes out of every team, in the transaction that closes it and
    before it does. Nobody is kept from closing theirs: of the listings that nobody answers for any
    longer, the Pôle is told."""
    places = Representative.objects.filter(user=user).order_by("enterprise_id")
    enterprises = [hold(place.enterprise) for place in places.select_related("enterprise")]
    left = list(answered_by_alone(user).filter(pk__in=[one.pk for one in enterprises]))
    # Again, now that nobody else can change them.
    for place in places.filter(enterprise__in=enterprises).select_related("enterprise"):
        discharge(representative=place, by=by, how="closed")
    if left:
        outbox.queue(
            kind="owner_left",
            to=settings.POLE_EMAIL,
            context={
                "enterprises": [{"name": one.name, "team": _team(one)} for one in left],
            },
            dedupe_key=f"owner left:{get_random_string(22)}",
        )


def only_owner(representative: Representative) -> bool:
    """Whether the listing would be left without anybody who manages it."""
    return (
        representative.role == Role.OWNER
        and representative.user.is_active
        and not owners(representative.enterprise).exclude(pk=representative.pk).exists()
    )


def _keep_an_owner(leaving: Representative) -> None:
    if only_owner(leaving):
        raise LastOwner


def _tell(representative: Representative, kind: str, by: User, number: int | None) -> None:
    enterprise = representative.enterprise
    outbox.queue(
        kind=kind,
        to=representative.user.email,
        context={
            "enterprise": enterprise.name,
            "role": representative.get_role_display(),
            "owner": representative.role == Role.OWNER,
            "by": str(by),
            "team": _team(enterprise),
            "profile": link(enterprise.get_absolute_url()),
        },
        dedupe_key=f"{kind}:{number}",
    )


def _team(enterprise: Enterprise) -> str:
    return link(reverse("directory:team", args=[enterprise.slug]))
