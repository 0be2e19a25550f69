"""Mail leaves in two steps: a row written by the act that causes it, in its own transaction; later
a command that sends what is due. A slow or dead mail server costs the reader of a page nothing, and
an act that fails sends nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import get_random_string

from directory.models import Mail, Unsubscription


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
    `context` are whole addresses (`addresses.link`)."""
    if not service and Unsubscription.objects.filter(email=to.lower(), kind=kind).exists():
        return False
    said = {"site": {"name": settings.SITE_NAME, "pole_name": settings.POLE_NAME}, **context}
    subject = " ".join(render_to_string(f"emails/{kind}.subject.txt", said).split())
    domain = settings.SITE_URL.partition("://")[2].partition(":")[0] or "localhost"
    mail = Mail(
        dedupe_key=dedupe_key,
        kind=kind,
        recipient=to,
        subject=subject[:200],
        text=render_to_string(f"emails/{kind}.txt", said),
        html=render_to_string(f"emails/{kind}.html", said),
        service=service,
        secret=secret,
        message_id=f"<{get_random_string(32)}@{domain}>",
        not_before=not_before or timezone.now(),
    )
    # Of two who ask at once, the second waits here for the first.
    Mail.objects.bulk_create([mail], ignore_conflicts=True)
    return Mail.objects.filter(message_id=mail.message_id).exists()
