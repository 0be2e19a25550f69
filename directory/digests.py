"""What came to wait, told once a day at most to each of the staff who decide it.

A person is written to where something that they decide came since they were last told, and then of
all that waits. What is on line already asks for no decision: it is counted beside, and is no reason
to write. The mails themselves say when somebody was last told; once those are purged (90 days),
what still waits is told anew.
"""

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min
from django.urls import reverse
from django.utils import timezone

from directory import desk, outbox
from directory.addresses import link
from directory.models import Mail, User

KIND = "desk_digest"


def send(*, dry_run: bool = False) -> int:
    """Write to whoever is to be told today; how many are, or would be. Run again the same day, it
    writes nothing more. Who unsubscribed is not written to."""
    people = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    return sum(_tell(user, dry_run) for user in people)


def _tell(user: User, dry_run: bool) -> bool:
    if outbox.unsubscribed(user.email, KIND):
        return False
    told = Mail.objects.filter(kind=KIND, recipient=user.email).aggregate(at=Max("created_at"))[
        "at"
    ]
    today = timezone.localdate()
    if told and timezone.localdate(told) >= today:
        return False
    context = _waiting(user, told)
    if context is None or dry_run:
        return context is not None
    return outbox.queue(
        kind=KIND,
        to=user.email,
        context=context,
        dedupe_key=f"{KIND}:{user.pk}:{today}",
        service=False,
    )


def _waiting(user: User, told: datetime | None) -> dict[str, Any] | None:
    """What the mail says of what awaits this person; None where nothing came since they were
    `told`."""
    lines: list[dict[str, Any]] = []
    moments: list[datetime] = []
    to_read = 0
    for kind in desk.allowed(user):
        came = kind.rows().aggregate(number=Count("pk"), first=Min(kind.at), last=Max(kind.at))
        if kind.slug == desk.TO_READ:
            to_read = came["number"]
        elif number := came["number"]:
            url = f"{reverse('directory:desk')}?sorte={kind.slug}"
            lines.append({"label": str(kind.label), "number": number, "url": link(url)})
            moments += [came["first"], came["last"]]
    if not moments or (told and max(moments) <= told):
        return None
    return {
        "number": sum(line["number"] for line in lines),
        "oldest": (timezone.localdate() - timezone.localdate(min(moments))).days,
        "lines": lines,
        "to_read": to_read,
        "desk": link(reverse("directory:desk")),
    }
