"""Mails that came back, as mail servers say it (RFC 3464): read from the messages that they send to
`MAIL_FROM`, and noted on the mail that they speak of."""

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta
from email.message import Message

from django.utils import timezone

from directory.models import Mail

#: How long an address that came back is not written to by reminders and invitations.
COUNTS_FOR = timedelta(days=365)
#: Bytes of a message that are read; what says that a mail came back is short.
LARGEST = 1_000_000


def read(raw: bytes) -> int:
    """Note the mails that this message says could not be delivered; how many had not been noted.

    A delay, a success, or a message that is none of these changes nothing. What a mail server
    writes is what anyone can write: only a mail that left is marked, by its Message-ID, which
    nobody else was given."""
    message = email.message_from_bytes(raw[:LARGEST], policy=email.policy.compat32)
    if not any(_failed(part) for part in message.walk()):
        return 0
    names = {name for part in message.walk() for name in _original(part)}
    left = Mail.objects.filter(message_id__in=names, sent_at__isnull=False, bounced_at=None)
    return left.update(bounced_at=timezone.now())


def _failed(part: Message) -> bool:
    """Whether one of the recipients of a delivery status will never get it."""
    if part.get_content_type() != "message/delivery-status":
        return False
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else []
    return any(
        str(block.get("Action", "")).strip().lower() == "failed"
        for block in blocks
        if isinstance(block, Message)
    )


def _original(part: Message) -> Iterator[str]:
    """The Message-ID of the mail that comes back, whole or only its headers."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        payload = part.get_payload()
        for inner in payload if isinstance(payload, list) else []:
            if isinstance(inner, Message):
                yield str(inner.get("Message-ID", "")).strip()
    elif kind == "text/rfc822-headers":
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield str(email.message_from_bytes(content).get("Message-ID", "")).strip()
