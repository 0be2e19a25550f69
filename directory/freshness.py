"""How a listing is kept current: when it is due, whom one may write to, what is said to be true.

A listing is due so many months after it was last confirmed, or published. Then, a step at a time:
a mail; three weeks later another; three weeks later, or at once where there is nobody to write to,
the telephone list (phone_calls.py). Each step is a `Reminder` of that due date, so that the command
may run twice a day or miss a week. Whatever confirms the listing moves the date, and all starts
anew.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from directory import addresses, bounces, outbox, state, wording
from directory.facets import CONFIRMED
from directory.models import ConsentBasis, Enterprise, Mail, Reminder, User

Source = Enterprise.Source
#: Whom a confirmation may speak over, field by field: the enterprise over all, the Pôle over files.
SPOKEN_OVER = {
    Source.OWNER: {Source.OWNER, Source.STAFF, Source.IMPORT},
    Source.STAFF: {Source.STAFF, Source.IMPORT},
}
MAIL, AGAIN, CALL = 1, 2, 3
#: Of mails (mailings.KINDS).
KIND = "reminder"
#: How long staff do not ask again, whoever did.
ASKED_LATELY = timedelta(days=7)
BETWEEN_STEPS = timedelta(weeks=3)
#: How long the link of a reminder is good, unless it is used.
GOOD_FOR = timedelta(days=90)
#: Canada's anti-spam law (S.C. 2010, c. 23, s. 10(10)): what an existing business relationship
#: implies ends two years after it was last one.
RELATIONSHIP_LASTS = timedelta(days=730)
OFFERINGS_SAID = 4

SIGNER = signing.TimestampSigner(salt="directory.confirmation", sep=".")


# --- Saying that all is true


def confirm(*, enterprise: Enterprise, source: str, by: User | None) -> None:
    """Note that all the listing says is true today, as `source` says: the enterprise (a link it was
    sent, its own pages) or staff (a call). `by` is None for who used a link without signing in.

    What came from a file or from staff is from then on what the enterprise said. `enterprise` is
    given its new values. Raises ValueError for a source that confirms nothing."""
    if source not in SPOKEN_OVER:
        raise ValueError(f"{source} confirms nothing.")
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        row = Enterprise.objects.get(pk=enterprise.pk)
        row.confirmed_on = timezone.localdate()
        row.confirmed_by = source
        row.unreachable_since = None
        row.provenance = {
            name: source if said in SPOKEN_OVER[Source(source)] else said
            for name, said in row.provenance.items()
        }
        row.version += 1
        row._change_reason = _("Tout est exact")  # type: ignore[attr-defined]
        if by:
            row._history_user = by  # type: ignore[attr-defined]
        changed = ["confirmed_on", "confirmed_by", "unreachable_since"]
        changed += ["provenance", "version", "updated_at"]
        row.save(update_fields=changed)
    for name in changed:
        setattr(enterprise, name, getattr(row, name))


def share_confirmed(current: state.State | None = None) -> int | None:
    """Of the published listings, how many in a hundred were confirmed within twelve months, rounded
    down: a hundred means all of them. None where nothing is published."""
    whole = (current or state.current()).whole
    return whole.counts.get(CONFIRMED, 0) * 100 // whole.total if whole.total else None


# --- The link of a reminder


@dataclass(frozen=True)
class Link:
    """What a link is about, and whether it still confirms: once, in time, for its due date."""

    enterprise: Enterprise
    #: "good", "used" (confirmed since) or "expired"
    state: str


def confirmation_link(enterprise: Enterprise, due_on: date) -> str:
    """The whole address by which whoever reads a reminder confirms this listing for this date."""
    token = SIGNER.sign_object([enterprise.pk, due_on.isoformat()])
    return addresses.link(reverse("directory:confirm", args=[token]))


def read_link(token: str) -> Link | None:
    """None for a link that was not written here, or whose listing is not published any more."""
    try:
        pk, due_on = SIGNER.unsign_object(token)
        due_on = date.fromisoformat(due_on)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    published = Enterprise.objects.published().with_due_on().select_related("city")
    enterprise = published.filter(pk=pk).first()
    if enterprise is None:
        return None
    if enterprise.confirmed_on and enterprise.confirmed_on >= due_on:
        return Link(enterprise, "used")
    try:
        SIGNER.unsign(token, max_age=GOOD_FOR)
    except signing.SignatureExpired:
        return Link(enterprise, "expired")
    return Link(enterprise, "good" if enterprise.due_on == due_on else "expired")


def confirm_by_link(token: str) -> Link | None:
    """Confirm the listing that a link is about, if it still may; what the link was before."""
    with transaction.atomic():
        link = read_link(token)
        if link:
            # Of two who follow it at once, the second finds it used.
            Enterprise.objects.lock([link.enterprise.pk])
            link = read_link(token)
        if link and link.state == "good":
            confirm(enterprise=link.enterprise, source=Source.OWNER, by=None)
    return link


def facts(enterprise: Enterprise) -> list[dict[str, str]]:
    """What anyone reads of the enterprise that goes stale, as label and text."""
    names = [offering.name for offering in enterprise.offerings.order_by("position", "pk")]
    address = ", ".join(filter(None, [enterprise.address, enterprise.city.name]))
    code = enterprise.postal_code.replace(" ", "\xa0")
    number = enterprise.phone and wording.phone(enterprise.phone, enterprise.phone_extension)
    said = [
        (_("Téléphone"), number),
        (_("Courriel"), enterprise.email),
        (_("Site web"), wording.website(enterprise.website)[1]),
        (_("Adresse"), f"{address} {code}".strip()),
        (_("Produits et services"), wording.enumeration(names, OFFERINGS_SAID)),
    ]
    return [{"label": label, "said": text or _("rien n’est indiqué")} for label, text in said]


# --- Whom one may write to


def in_force(enterprise: Enterprise | OuterRef) -> QuerySet[ConsentBasis]:
    """What allows writing to this enterprise today what is not a service message: on record, begun
    and not withdrawn. (Canada's anti-spam law, S.C. 2010, c. 23, s. 6 and 10: consent, express or
    implied.)"""
    today = timezone.localdate()
    lapsed = Q(basis=ConsentBasis.Basis.RELATIONSHIP, given_on__lt=today - RELATIONSHIP_LASTS)
    return ConsentBasis.objects.filter(
        enterprise=enterprise, withdrawn_on=None, given_on__lte=today
    ).exclude(lapsed)


def came_back(email: str | OuterRef) -> QuerySet[Mail]:
    """The mails to this address that came back lately: it is not written to."""
    small = email.lower() if isinstance(email, str) else Lower(email)
    lately = Mail.objects.filter(bounced_at__gt=timezone.now() - bounces.COUNTS_FOR)
    return lately.filter(recipient__in=[email, small])


def recipients(enterprise: Enterprise) -> list[tuple[str, bool]]:
    """Who is reminded, and whether it is a service message to them: those who are responsible for
    the listing, else one address that may be written to. None leaves the telephone."""
    owners = enterprise.representatives.answering().order_by("user_id")
    emails = owners.values_list("user__email", flat=True)
    reached = [email for email in emails if not came_back(email).exists()]
    if reached:
        return [(email, True) for email in reached]
    known = list(in_force(enterprise).order_by("-given_on", "pk").values_list("email", flat=True))
    known.sort(key=lambda email: email.lower() != enterprise.email.lower())
    for email in known:
        if not outbox.unsubscribed(email, KIND) and not came_back(email).exists():
            return [(email, False)]
    return []


# --- Reminding


@dataclass
class Reminded:
    mailed: int = 0
    again: int = 0
    to_call: int = 0


def remind(*, dry_run: bool = False) -> Reminded:
    """Take every listing that is due to its next step, if the time for it has come; what was done,
    or would be. Run again, it does nothing more."""
    done = Reminded()
    for enterprise in _due():
        reached = recipients(enterprise)
        step = _next_step(enterprise, bool(reached))
        if step is None or not (dry_run or _take(enterprise, step, reached)):
            continue
        if step == CALL:
            done.to_call += 1
        elif step == AGAIN:
            done.again += 1
        else:
            done.mailed += 1
    return done


def _due() -> Iterator[Any]:
    """Those past their date and not yet on the telephone list, with the last step taken."""
    steps = (
        Reminder.objects.filter(enterprise=OuterRef("pk"), due_on=OuterRef("due_on"))
        .order_by()
        .values("enterprise")
    )
    due = (
        Enterprise.objects.overdue(timezone.localdate())
        .select_related("city")
        .annotate(
            step=Subquery(steps.annotate(last=Max("step")).values("last")),
            step_at=Subquery(steps.annotate(last=Max("at")).values("last")),
        )
        .filter(Q(step=None) | Q(step__lt=CALL))
        .order_by("due_on", "pk")
    )
    return iter(due)


def _next_step(enterprise: Any, reached: bool) -> int | None:
    if not reached:
        return CALL
    if enterprise.step is None:
        return MAIL
    waited = timezone.localdate() - timezone.localdate(enterprise.step_at)
    return enterprise.step + 1 if waited >= BETWEEN_STEPS else None


@transaction.atomic
def _take(enterprise: Any, step: int, reached: list[tuple[str, bool]]) -> bool:
    """Note the step and write its mails; False if another has, or if the listing was confirmed
    meanwhile."""
    Enterprise.objects.lock([enterprise.pk])
    due = Enterprise.objects.overdue(timezone.localdate()).filter(due_on=enterprise.due_on)
    if not due.filter(pk=enterprise.pk).exists():
        return False
    _row, taken = Reminder.objects.get_or_create(
        enterprise=enterprise,
        due_on=enterprise.due_on,
        step=step,
        defaults={"at": timezone.now()},
    )
    if taken and step != CALL:
        _write(enterprise, step, reached, f"reminder:{enterprise.pk}:{enterprise.due_on}:{step}")
    return taken


def _write(
    enterprise: Any,
    step: int,
    reached: list[tuple[str, bool]],
    named: str,
    not_before: datetime | None = None,
) -> list[str]:
    """One mail for each; the keys of those written, which begin with `named`."""
    context = {
        "enterprise": enterprise.name,
        "step": step,
        "confirmed_on": enterprise.confirmed_on and wording.day(enterprise.confirmed_on),
        "facts": facts(enterprise),
        "confirm_url": confirmation_link(enterprise, enterprise.due_on),
        "listing_url": addresses.link(enterprise.get_absolute_url()),
    }
    written = []
    for email, service in reached:
        key = f"{named}:{email}"[:200]
        if outbox.queue(
            kind=KIND,
            to=email,
            context=context,
            dedupe_key=key,
            service=service,
            not_before=not_before,
        ):
            written.append(key)
    return written


# --- Asked by staff


def lately_asked(ids: Collection[int]) -> dict[int, date]:
    """Of these enterprises, those to which a mail was written within ASKED_LATELY, and the last day
    it was; one statement."""
    wanted, since = set(ids), timezone.now() - ASKED_LATELY
    recent = Mail.objects.filter(kind=KIND, created_at__gt=since, gave_up_at=None)
    asked = {}
    for key, at in recent.order_by("created_at").values_list("dedupe_key", "created_at"):
        pk = key.split(":")[1]
        if pk.isdigit() and int(pk) in wanted:
            asked[int(pk)] = timezone.localdate(at)
    return asked


def ask(
    *, enterprise: Any, reached: list[tuple[str, bool]], not_before: datetime
) -> tuple[list[int], int | None]:
    """Write to who can confirm this listing (`recipients`), whether it is due or not, a mail that
    leaves at `not_before`; the mails, and the `Reminder` that they make where they are the first of
    a due date. `enterprise` is held, and has its `due_on`."""
    now = timezone.now()
    keys = _write(enterprise, MAIL, reached, f"asked:{enterprise.pk}:{now:%Y%m%d}", not_before)
    mails = list(Mail.objects.filter(dedupe_key__in=keys).values_list("pk", flat=True))
    due_on, steps = enterprise.due_on, Reminder.objects.filter(enterprise=enterprise)
    if not mails or due_on > timezone.localdate() or steps.filter(due_on=due_on).exists():
        return mails, None
    taken = Reminder.objects.create(enterprise=enterprise, due_on=due_on, step=MAIL, at=now)
    return mails, taken.pk


def unreached_because(enterprise: Enterprise) -> str:
    """Why `recipients` finds nobody, in words."""
    known = list(in_force(enterprise).values_list("email", flat=True))
    if not known and not enterprise.representatives.answering().exists():
        return _("sans consentement aux courriels") if enterprise.email else _("sans courriel")
    if known and all(outbox.unsubscribed(email, KIND) for email in known):
        return _("ne veut plus de ces courriels")
    return _("courriel revenu")
