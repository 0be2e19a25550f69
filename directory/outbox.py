"""Mail leaves in two steps: a row written by the act that causes it, in its own transaction; later
a command that sends what is due. A slow or dead mail server costs the reader of a page nothing, and
an act that fails sends nothing.

A mail is delivered at least once: its row stays locked while the server is spoken to, and says that
it left as soon as the server has answered. Killed between the two, the sender leaves a row that is
sent again under the same Message-ID, which mailboxes show once. See docs/decisions/0013.
"""

import logging
import smtplib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from directory import addresses, mailings
from directory.models import Mail, Unsubscription
from directory.transactions import long_transaction

log = logging.getLogger(__name__)

#: How long a mail waits after each attempt that failed; after the last, it is given up.
WAITS = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
    timedelta(hours=24),
]
#: Mails sent over one connection: some servers end those that say too much.
MOST_A_CONNECTION = 50
#: Connections lost one after the other, while sending, after which the server is left alone.
MOST_LOSSES = 2
LONGEST_ERROR = 300

SIGNER = signing.Signer(salt="directory.unsubscription", sep=".")


# --- Writing


def queue(
    *,
    kind: str,
    to: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    service: bool = True,
    secret: bool = False,
    not_before: datetime | None = None,
) -> bool:
    """Write one mail to send, from `templates/emails/<kind>.subject.txt`, `.txt` and `.html`.

    `dedupe_key` names what this mail is the only one of: asked twice, it is written once, and the
    second time the answer is False. So it is, too, where `to` wants no more mails of this kind,
    unless it is a `service` message. `secret` mails are erased from the table once sent. Links in
    `context` are whole addresses (`addresses.link`). What is no address is kept among the mails
    given up, where staff see it: the act that wrote it goes on."""
    if not (service or mailings.stoppable(kind)):
        raise ValueError(f"{kind} is not a kind of mail that its reader may stop")
    if not service and unsubscribed(to, kind):
        return False
    written = mailings.write(kind, context, "" if service else unsubscription_link(to, kind))
    domain = settings.SITE_URL.partition("://")[2].partition(":")[0] or "localhost"
    mail = Mail(
        dedupe_key=dedupe_key,
        kind=kind,
        recipient=mailings.line(to)[:254],
        subject=written.subject,
        text=written.text,
        html=written.html,
        service=service,
        secret=secret,
        message_id=f"<{get_random_string(32)}@{domain}>",
        not_before=not_before or timezone.now(),
    )
    try:
        validate_email(to)
    except ValidationError:
        _give_up(mail, _("Ce n’est pas une adresse."))
    # Of two who ask at once, the second waits here for the first.
    Mail.objects.bulk_create([mail], ignore_conflicts=True)
    return Mail.objects.filter(message_id=mail.message_id).exists()


# --- Stopping


def unsubscribed(email: str, kind: str) -> bool:
    return Unsubscription.objects.filter(email=email.lower(), kind=kind).exists()


def unsubscription_link(email: str, kind: str) -> str:
    """The whole address at which this reader stops mails of this kind; good for ever."""
    token = SIGNER.sign_object([email.lower(), kind])
    return addresses.link(reverse("directory:unsubscribe", args=[token]))


def unsubscription(token: str) -> tuple[str, str] | None:
    """The address and kind of mail that a link is about; None if it was not written here."""
    try:
        email, kind = SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return email, kind


def unsubscribe(*, email: str, kind: str) -> None:
    """Send no more mails of this kind to this address, those already written included; what answers
    an act of its reader still leaves."""
    Unsubscription.objects.bulk_create(
        [Unsubscription(email=email.lower(), kind=kind)], ignore_conflicts=True
    )


def resubscribe(*, email: str, kind: str) -> bool:
    """Write mails of this kind to this address again, whose reader asks for them; False if they had
    not stopped them."""
    return bool(Unsubscription.objects.filter(email=email.lower(), kind=kind).delete()[0])


def withdraw(pks: Collection[int]) -> set[int]:
    """Take these mails back, as if they had never been written; those that were. One that left, was
    given up, or is leaving now is not."""
    waiting = Mail.objects.filter(pk__in=pks, sent_at=None, gave_up_at=None)
    with transaction.atomic():
        held = waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        taken = set(held.values_list("pk", flat=True))
        Mail.objects.filter(pk__in=taken).delete()
    return taken


# --- Sending


@dataclass
class Tally:
    sent: int = 0
    postponed: int = 0
    given_up: int = 0
    #: Why the server could not be spoken to; "" if it could.
    down: str = ""


def send_due(stop: Callable[[], bool] = lambda: False) -> Tally:
    """Send every mail that is due, oldest first, until there is none left or `stop()`.

    Several senders may run at once: each takes the rows that no other holds. Where the server
    cannot be reached nothing is touched, and all of it waits; what it refuses for good is given
    up, the rest is tried again later (`WAITS`)."""
    tally = Tally()
    if not settings.EMAIL_HOST:
        tally.down = _("Aucun serveur de courriel n’est configuré (EMAIL_URL).")
        return tally
    server, losses, spoken = EmailBackend(), 0, 0
    try:
        while not stop() and losses < MOST_LOSSES and Mail.objects.due().exists():
            if spoken >= MOST_A_CONNECTION:
                server.close()
                spoken = 0
            try:
                server.open()
            except (OSError, smtplib.SMTPException) as error:
                tally.down = _said(error)
                log.error("The mail server cannot be reached: %s", type(error).__name__)
                break
            spoken += 1
            with long_transaction():
                mail = _next()
                if mail is None:
                    break  # what is due is in other hands
                failure = _send(mail, server)
                _note(mail, failure, tally)
            if failure:
                _leave(server)
            losses = losses + 1 if _lost(failure) else 0
    finally:
        _leave(server)
    return tally


def _next() -> Mail | None:
    """The next mail to send, held until the transaction ends."""
    due = Mail.objects.due().order_by("not_before", "pk")
    return due.select_for_update(skip_locked=True, of=("self",)).first()


def _send(mail: Mail, server: EmailBackend) -> Exception | None:
    if not mail.service and unsubscribed(mail.recipient, mail.kind):
        return Unwanted()
    try:
        server.send_messages([message(mail)])
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return error
    return None


class Unwanted(Exception):
    """Its reader has unsubscribed since it was written."""


def message(mail: Mail) -> EmailMultiAlternatives:
    """The mail as it leaves: text and HTML, answered by the Pôle, stopped at its reader's word."""
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if not mail.service:
        # RFC 8058: a mailbox shows its own button, which sends a POST here.
        headers["List-Unsubscribe"] = f"<{unsubscription_link(mail.recipient, mail.kind)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    built = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        formataddr((mailings.line(settings.SITE_NAME), settings.MAIL_FROM)),
        [mail.recipient],
        reply_to=[settings.POLE_EMAIL],
        headers=headers,
    )
    built.attach_alternative(mail.html, "text/html")
    return built


def _note(mail: Mail, error: Exception | None, tally: Tally) -> None:
    """Write what became of a mail, before the transaction that holds it ends."""
    now = timezone.now()
    mail.attempts += 1
    if error is None:
        mail.sent_at, mail.last_error = now, ""
        _erase_secret(mail)
        tally.sent += 1
    elif _final(error) or mail.attempts > len(WAITS):
        if isinstance(error, smtplib.SMTPRecipientsRefused) and _final(error):
            mail.bounced_at = now
        _give_up(mail, _said(error))
        tally.given_up += 1
        log.warning("Mail %s (%s) given up: %s", mail.pk, mail.kind, type(error).__name__)
    else:
        mail.not_before = now + WAITS[mail.attempts - 1]
        mail.last_error = _said(error)
        tally.postponed += 1
    mail.save()


def _give_up(mail: Mail, why: str) -> None:
    mail.gave_up_at = timezone.now()
    mail.last_error = why[:LONGEST_ERROR]
    _erase_secret(mail)


def _erase_secret(mail: Mail) -> None:
    if mail.secret:
        mail.text = mail.html = ""


def _final(error: Exception) -> bool:
    """Whether the same answer would come again: this address or this message is refused for good.
    A sender that is refused is a matter of settings, which somebody may mend."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError | Unwanted | smtplib.SMTPNotSupportedError)


def _lost(error: Exception | None) -> bool:
    return isinstance(error, OSError) and (
        not isinstance(error, smtplib.SMTPException)
        or isinstance(error, smtplib.SMTPServerDisconnected)
    )


def _said(error: Exception) -> str:
    """What the server answered, on one line."""
    if isinstance(error, Unwanted):
        return _("Cette personne ne veut plus de ce genre de message.")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _answer(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return _answer(type(error).__name__, str(error))


def _answer(code: int | str, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return mailings.line(f"{code} {said}")[:LONGEST_ERROR]


def _leave(server: EmailBackend) -> None:
    with suppress(OSError, smtplib.SMTPException):
        server.close()
    server.connection = None


# --- By hand


def retry(mails: QuerySet[Mail]) -> int:
    """Try again, now, those that were given up and still have their text; how many."""
    given_up = mails.filter(gave_up_at__isnull=False).exclude(text="")
    return given_up.update(gave_up_at=None, bounced_at=None, attempts=0, not_before=timezone.now())
