"""Accounts of people: made once an address is proven, changed, closed. Who may sign in is decided
elsewhere (codes.py, second_factor.py), and so is what they may do to an enterprise
(representatives.py)."""

from collections.abc import Collection
from contextlib import suppress
from datetime import date

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CASCADE, ProtectedError
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from directory import audit, merge_copies, outbox, representatives
from directory.authentication import notify
from directory.models import (
    Consent,
    ErrorReport,
    Invitation,
    Mail,
    Suggestion,
    User,
)

#: The day on which the privacy page was last compared with what the site does: the version of the
#: text that people agree to. Move it when the text changes.
PRIVACY_TEXT = date(2026, 11, 22)
PRIVACY = "privacy"


class Taken(Exception):
    """The address is another account's."""


class LastSuperuser(Exception):
    """Without them nobody could give a right."""


# --- Coming


def sign_up(*, email: str, name: str) -> User:
    """The account of this address, which was just proven: the one there is, or a new one. What they
    agreed to is noted either way. Twice at once, one account is made."""
    with transaction.atomic():
        if not User.objects.filter(email=email).exists():
            # Seen by the form of the model, or by the database: another was faster.
            with suppress(IntegrityError, ValidationError), transaction.atomic():
                User.objects.create_user(email, name=name)
        # Held, so that what is agreed to twice at once is noted once.
        user = User.objects.select_for_update(no_key=True).get(email=email)
        consent(user=user, purpose=PRIVACY, version=PRIVACY_TEXT.isoformat())
    return user


def consent(*, user: User, purpose: str, version: str, given: bool = True) -> None:
    """Note what somebody agrees to, or no longer does; what was noted before stays."""
    last = Consent.objects.filter(user=user, purpose=purpose).first()
    if last is None or (last.text_version, last.given) != (version, given):
        Consent.objects.create(user=user, purpose=purpose, text_version=version, given=given)


# --- Changing


def change_email(*, user: User, email: str) -> None:
    """Give the account another address, which was just proven; tell the one it had. Every other
    sign-in ends. Raises Taken, which only the reader of that address can learn."""
    with transaction.atomic():
        before = User.objects.select_for_update().get(pk=user.pk).email
        if User.objects.filter(email=email).exclude(pk=user.pk).exists():
            raise Taken
        user.email = email
        try:
            with transaction.atomic():
                user.save(update_fields=["email"])
        except IntegrityError:  # another was faster
            user.email = before
            raise Taken from None
        audit.record(act="account.email", by=user, subject=user)
        notify(user, _("son adresse de courriel a été changée"), to=before)
        close_sessions(user=user)


def close_sessions(*, user: User) -> None:
    """End every sign-in of a person, at their next request; whoever asks from one of them keeps it
    by `update_session_auth_hash`. What stands in the place of a password signs nobody in: only
    sessions are bound to it."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    UserSession.objects.filter(user=user).delete()


def keep_a_superuser(*, without: Collection[int]) -> None:
    """Hold the superusers until the transaction ends, and raise LastSuperuser if none that is
    active would be left without these: two who go at once are asked one after the other."""
    active = User.objects.filter(is_superuser=True, is_active=True)
    held = set(active.order_by("pk").select_for_update().values_list("pk", flat=True))
    if held and held <= set(without):
        raise LastSuperuser


# --- Leaving


def leave(*, user: User, by: User | None = None) -> None:
    """Erase an account and what the site knows of the person; `by` is staff who did it for them.

    What they did to listings stays, without their name; traces of acts keep it until they are
    purged. Where the law of the database holds a row to who decided it (a recognition, a message
    handled), an account without name nor address stays in their place. The Pôle is told of the
    enterprises that nobody answers for any longer. Raises LastSuperuser."""
    with transaction.atomic():
        if user.is_superuser:  # of others nobody is held, who may be deciding of their claim
            keep_a_superuser(without=[user.pk])
        # Not its key: a colleague who joins a listing would wait for this, and this for them.
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        email = user.email
        representatives.discharge_everywhere(user=user, by=by)
        Mail.objects.filter(recipient__iexact=email).delete()
        Invitation.objects.filter(email__iexact=email).delete()
        for model in (Suggestion, ErrorReport):
            model.objects.filter(sender_email__iexact=email).update(sender_name="", sender_email="")
        merge_copies.forget(user)
        audit.record(act="account.deleted", by=by, account=user.pk, staff=user.is_staff)
        try:
            with transaction.atomic():
                user.delete()
        except ProtectedError:
            _blank(user)
        outbox.queue(
            kind="account_deleted",
            to=email,
            context={"pole_email": settings.POLE_EMAIL},
            dedupe_key=f"account deleted:{get_random_string(22)}",
            secret=True,  # erased from the table once sent: the address too is to be forgotten
        )


def _blank(user: User) -> None:
    for relation in User._meta.related_objects:
        if relation.on_delete is CASCADE:
            relation.related_model._default_manager.filter(**{relation.field.name: user}).delete()
    user.groups.clear()
    user.user_permissions.clear()
    user.email = f"compte-{user.pk}@supprime.invalid"
    user.name = _("Compte supprimé")
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
