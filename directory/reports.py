"""What anyone may tell the Pôle without an account, and what becomes of it.

A message is kept once however often its form is sent, or the same words in a day, and at most so
often from one address. It changes no listing: staff read it and act. The name and e-mail that a
person chose to leave are erased in time.
"""

import hashlib
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from directory import outbox, throttling
from directory.addresses import link
from directory.models import City, Enterprise, ErrorReport, Suggestion, User
from directory.models.reports import Message
from directory.throttling import Limit, TooMany

#: Of each kind of message, from one address.
LIMITS = [Limit(5, timedelta(hours=1)), Limit(20, timedelta(days=1))]
#: How long a person's name and e-mail are kept, from the day the message is handled; from the day
#: it came, whatever becomes of it.
KEPT_ONCE_HANDLED, KEPT_AT_MOST = timedelta(days=90), timedelta(days=365)
#: Of the same words, from one address.
ONCE = Limit(1, timedelta(days=1))
# Letters and digits that cannot be read or heard as another.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

AnyMessage = TypeVar("AnyMessage", bound=Message)


def suggest(
    *,
    name: str,
    city: City,
    website: str,
    phone: str,
    activity: str,
    grounds: str,
    sender_name: str,
    sender_email: str,
    form: str,
    client: str,
) -> Suggestion:
    """Keep the suggestion of an enterprise to list. `form` is what tells one form shown from
    another, `client` where it was sent from (`throttling.address`). Raises TooMany."""
    said = {
        "name": name,
        "city": city,
        "website": website,
        "phone": phone,
        "activity": activity,
        "grounds": grounds,
        "sender_name": sender_name,
        "sender_email": sender_email,
    }
    return _keep(Suggestion, "S", said, form, client)


def report(
    *,
    enterprise: Enterprise,
    kind: str,
    message: str,
    sender_name: str,
    sender_email: str,
    form: str,
    client: str,
) -> ErrorReport:
    """Keep what somebody says is wrong in a listing; `kind` is one of ErrorReport.Kind. As
    `suggest` for the rest."""
    said = {
        "enterprise": enterprise,
        "kind": kind,
        "message": message,
        "sender_name": sender_name,
        "sender_email": sender_email,
    }
    return _keep(ErrorReport, "E", said, form, client)


def hand_over(*, enterprise: Enterprise, kind: str, message: str, key: str) -> None:
    """Put in the same queue what staff learnt otherwise, such as on the telephone; once a `key`."""
    row = ErrorReport(
        enterprise=enterprise, kind=kind, message=message.strip(), key=key, reference=_number("E")
    )
    ErrorReport.objects.bulk_create([row], ignore_conflicts=True)


def _number(letter: str) -> str:
    code = get_random_string(8, ALPHABET)
    return f"{letter}-{code[:4]}-{code[4:]}"


def _keep(
    model: type[AnyMessage], letter: str, said: dict[str, Any], form: str, client: str
) -> AnyMessage:
    # What is said is part of the key: who goes back and says something else is heard too.
    texts = [getattr(value, "pk", value) for value in said.values()]
    key = hashlib.sha256(repr([form, *texts]).encode()).hexdigest()
    row = model(**said, key=key, reference=_number(letter))
    content = hashlib.sha256(repr([letter, *texts]).encode()).hexdigest()
    with transaction.atomic():
        # Who goes back is given another form, and may send what they sent; of another address, the
        # same words are another's, who is not told that they came already.
        if throttling.admit(purpose=content, client=client, limits=[ONCE]) and (
            sent := model._default_manager.filter(**said).order_by("-pk").first()
        ):
            return sent
        seconds = throttling.admit(
            purpose=model._meta.model_name or "", client=client, limits=LIMITS
        )
        if not seconds:
            # Of the same form sent twice at once, the second waits here for the first.
            model._default_manager.bulk_create([row], ignore_conflicts=True)
        kept = model._default_manager.filter(key=key).first()
        if kept is None or kept.reference != row.reference:
            transaction.set_rollback(True)  # not counted: it was sent already, or may not be
    if kept is None:
        raise TooMany(seconds)
    return kept


def decide(*, message: Message, state: str, by: User, reason: str = "") -> None:
    """Mark a message, held by the caller, handled or refused by a member of staff, and thank for
    one that is handled. A refusal needs a reason: the database says so."""
    with transaction.atomic():
        message.state, message.reason = state, reason
        message.handled_by, message.handled_at = by, timezone.now()
        message.save(update_fields=["state", "handled_by", "handled_at", "reason"])
        if state == Message.State.HANDLED:
            _thank(message)


def _thank(message: Message) -> None:
    """Tell who left an address that it was read and acted upon."""
    if not message.sender_email:
        return
    about = message.enterprise if isinstance(message, ErrorReport) else None
    outbox.queue(
        kind="report_handled",
        to=message.sender_email,
        context={
            "reference": message.reference,
            "name": about.name if about else getattr(message, "name", ""),
            "profile": link(about.get_absolute_url()) if about else "",
        },
        dedupe_key=f"report_handled:{message.reference}",
    )


def outdated(model: type[AnyMessage]) -> QuerySet[AnyMessage]:
    """The messages of a kind that hold a name or an e-mail no longer needed."""
    now = timezone.now()
    due = Q(handled_at__lt=now - KEPT_ONCE_HANDLED) | Q(created_at__lt=now - KEPT_AT_MOST)
    return model._default_manager.filter(due & ~Q(sender_name="", sender_email=""))
