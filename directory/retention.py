"""What is kept of people, how long and why: the table that the privacy page shows is the one that
`manage.py purge` obeys, and its figures are the spans that it counts with.

A line that a database rule, a cascade or a person sees to has nothing to purge, and says so.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import (
    Exists,
    ExpressionWrapper,
    F,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from directory import accounts, bounces, merge_copies, outbox, reports, wording
from directory.models import (
    AuditEntry,
    Claim,
    ConsentBasis,
    Contact,
    Counter,
    Draft,
    ErrorReport,
    ImportBatch,
    Invitation,
    Mail,
    PhoneCall,
    ProfileVisits,
    Reminder,
    Representative,
    Revision,
    Suggestion,
    User,
)

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
YEAR = 365 * DAY
#: Of the register of incidents, which the law asks to be kept: leap years included.
INCIDENTS = 5 * 366 * DAY
#: An account that does not sign in is told so long before it is erased.
UNUSED, WARNING = 3 * YEAR, 30 * DAY
MAILS, DRAFTS, INVITATIONS, IMPORTS = 90 * DAY, 180 * DAY, YEAR, YEAR
UNPROVEN, DECIDED, CALLS, BASES = 30 * DAY, 3 * YEAR, 3 * YEAR, 3 * YEAR
VISITS, TRACES = 2 * YEAR, 2 * YEAR
#: How long one may still read what a listing said of the people of an enterprise.
CONTACTS_REMEMBERED = 2 * YEAR


@dataclass(frozen=True)
class Line:
    """One row of the schedule. `kept` names its `spans`. `due` gives what is to go; `erase` makes
    it go, and gives how many rows it changed (by default, it deletes them)."""

    name: str  # in what the command prints
    what: str | Promise
    kept: str | Promise
    why: str | Promise
    spans: dict[str, timedelta] = field(default_factory=dict)
    due: Callable[[], list[QuerySet[Any]]] | None = None
    erase: Callable[[QuerySet[Any]], int] = field(default=lambda rows: deleted(rows))

    @property
    def how_long(self) -> str:
        return str(self.kept) % {name: wording.span(one) for name, one in self.spans.items()}


def deleted(rows: QuerySet[Any]) -> int:
    """Without those that go with them."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def older(name: str, age: timedelta) -> Q:
    return Q(**{f"{name}__lt": timezone.now() - age})


# --- What takes more than a date


def unused_accounts() -> QuerySet[User]:
    """Accounts of nobody's staff that represent no enterprise and have not been used for years."""
    return (
        User.objects.annotate(used=Coalesce("last_login", "joined_at"))
        .filter(older("used", UNUSED), is_staff=False, is_superuser=False)
        .filter(~Exists(Representative.objects.filter(user=OuterRef("pk"))))
        .exclude(email__endswith="@supprime.invalid")
    )


def warned(user: User) -> str:
    used = user.last_login or user.joined_at
    return f"unused:{user.pk}:{used:%Y-%m-%d}"


def unused_and_warned() -> list[QuerySet[Any]]:
    """Those told long enough ago. Each run tells the others: `warn_unused`."""
    told = Mail.objects.filter(kind="account_unused").filter(older("sent_at", WARNING))
    keys = set(told.values_list("dedupe_key", flat=True))
    due = [user.pk for user in unused_accounts() if warned(user) in keys]
    return [User.objects.filter(pk__in=due)]


def close(rows: QuerySet[User]) -> int:
    users = list(rows)
    for user in users:
        accounts.leave(user=user)
    return len(users)


def warn_unused() -> int:
    """Tell those whose account is to go; how many mails were written."""
    return sum(
        outbox.queue(
            kind="account_unused",
            to=user.email,
            context={
                "days": WARNING.days,
                "pole_email": settings.POLE_EMAIL,
                "address": settings.SITE_URL,
            },
            dedupe_key=warned(user),
        )
        for user in unused_accounts()
    )


def without_sender(rows: QuerySet[Any]) -> int:
    return rows.update(sender_name="", sender_email="")


def of_contacts(rows: QuerySet[Any]) -> int:
    """Old versions go; of what was changed in a listing, only what is said of its people does."""
    if rows.model is not Revision:
        return deleted(rows)
    without = CombinedExpression(F("changes"), "-", Cast(Value("contacts"), TextField()))
    return rows.update(changes=ExpressionWrapper(without, JSONField()))


def orphan_sessions() -> QuerySet[UserSession]:
    return UserSession.objects.filter(
        ~Exists(
            Session.objects.filter(
                session_key=OuterRef("session_key"), expire_date__gt=timezone.now()
            )
        )
    )


# --- The schedule

LINES = [
    Line(
        "account",
        _("Compte\xa0: nom, courriel, rôles, consentements, clés d’accès"),
        _("jusqu’à ce que vous le supprimiez\xa0; %(unused)s sans connexion s’il ne représente "
          "aucune entreprise, après un avis de %(warning)s"),
        _("vous connecter et savoir qui tient une fiche"),
        {"unused": UNUSED, "warning": WARNING},
        due=unused_and_warned,
        erase=close,
    ),
    Line(
        "sessions",
        _("Connexions ouvertes\xa0: appareil, adresse IP, date"),
        _("%(span)s au plus, ou jusqu’à ce que vous les fermiez"),
        _("vous garder en session et vous montrer d’où"),
        {"span": timedelta(seconds=settings.SESSION_COOKIE_AGE)},
        due=lambda: [
            orphan_sessions(),
            Session.objects.filter(expire_date__lt=timezone.now()),
        ],
    ),
    Line(
        "counters",
        _("Compteurs d’essais et d’envois, sans adresse lisible"),
        _("une journée"),  # the longest span that is counted
        _("empêcher les envois en masse et qu’on devine un code"),
        due=lambda: [Counter.objects.filter(expires_at__lt=timezone.now())],
    ),
    Line(
        "senders",
        _("Nom et courriel de qui écrit au Pôle par un formulaire"),
        _("%(handled)s après le traitement, %(most)s au plus après l’envoi"),
        _("répondre et remercier"),
        {"handled": reports.KEPT_ONCE_HANDLED, "most": reports.KEPT_AT_MOST},
        due=lambda: [reports.outdated(Suggestion), reports.outdated(ErrorReport)],
        erase=without_sender,
    ),
    Line(
        "mails",
        _("Courriels envoyés par le site"),
        _("%(span)s\xa0; %(bounced)s pour ceux qui reviennent\xa0; ceux qui contiennent un code, "
          "jusqu’à leur départ"),
        _("savoir ce qui a été dit, et à quelle adresse ne plus écrire"),
        {"span": MAILS, "bounced": bounces.COUNTS_FOR},
        due=lambda: [
            Mail.objects.filter(older("sent_at", MAILS) | older("gave_up_at", MAILS)).exclude(
                Q(bounced_at__isnull=False) & ~older("bounced_at", bounces.COUNTS_FOR)
            ),
            # A code that never left is of no use to anybody.
            Mail.objects.filter(older("created_at", DAY), kind="code"),
        ],
    ),
    Line(
        "drafts",
        _("Brouillons"),
        _("%(span)s sans y toucher"),
        _("reprendre une modification commencée"),
        {"span": DRAFTS},
        due=lambda: [Draft.objects.filter(older("updated_at", DRAFTS))],
    ),
    Line(
        "invitations",
        _("Invitations"),
        _("%(span)s après leur expiration"),
        _("savoir qui a invité qui"),
        {"span": INVITATIONS},
        due=lambda: [Invitation.objects.filter(older("expires_at", INVITATIONS))],
    ),
    Line(
        "claims",
        _("Demandes de rattachement"),
        _("%(unproven)s si le code n’est jamais venu, %(decided)s une fois décidées"),
        _("pouvoir expliquer pourquoi une personne tient une fiche"),
        {"unproven": UNPROVEN, "decided": DECIDED},
        due=lambda: [
            Claim.objects.filter(older("created_at", UNPROVEN), state=Claim.State.CODE),
            Claim.objects.filter(older("decided_at", DECIDED)),
        ],
    ),
    Line(
        "revisions",
        _("Modifications proposées"),
        _("%(span)s après leur examen, ou sans examen"),
        _("pouvoir expliquer et corriger une décision"),
        {"span": DECIDED},
        due=lambda: [
            Revision.objects.filter(older("decided_at", DECIDED)),
            Revision.objects.filter(older("submitted_at", DECIDED), decided_at=None),
            # To be looked at, and spoke of nothing but people: see « contacts ».
            Revision.objects.filter(state=Revision.State.APPLIED, changes={}),
        ],
    ),
    Line(
        "calls",
        _("Appels et rappels aux entreprises"),
        "%(span)s",
        _("ne pas appeler deux fois pour rien"),
        {"span": CALLS},
        due=lambda: [
            PhoneCall.objects.filter(older("at", CALLS)),
            Reminder.objects.filter(older("at", CALLS)),
        ],
    ),
    Line(
        "bases",
        _("Consentement à recevoir des courriels"),
        _("%(span)s après son retrait"),
        _("prouver le consentement que demande la loi canadienne anti-pourriel"),
        {"span": BASES},
        due=lambda: [ConsentBasis.objects.filter(older("withdrawn_on", BASES))],
    ),
    Line(
        "contacts",
        _("Anciennes versions des personnes-ressources"),
        "%(span)s",
        _("revenir sur une erreur"),
        {"span": CONTACTS_REMEMBERED},
        due=lambda: [
            Contact.history.model.objects.filter(older("history_date", CONTACTS_REMEMBERED)),
            Revision.objects.filter(
                older("submitted_at", CONTACTS_REMEMBERED), changes__has_key="contacts"
            ),
        ],
        erase=of_contacts,
    ),
    Line(
        "imports",
        _("Fichiers importés par l’équipe"),
        "%(span)s",
        _("corriger ou annuler un import"),
        {"span": IMPORTS},
        due=lambda: [ImportBatch.objects.filter(older("created_at", IMPORTS))],
    ),
    Line(
        "merges",
        _("Copie de deux fiches fusionnées, personnes-ressources comprises"),
        _("%(span)s après la fusion, ou jusqu’à ce qu’elle soit défaite"),
        _("pouvoir défaire une fusion faite par erreur"),
        {"span": merge_copies.UNDOABLE_FOR},
        due=lambda: [merge_copies.outdated()],
        erase=merge_copies.empty,
    ),
    Line(
        "visits",
        _("Nombre de consultations d’une fiche par mois, sans savoir de qui"),
        "%(span)s",
        _("dire à l’entreprise si sa fiche sert"),
        {"span": VISITS},
        due=lambda: [ProfileVisits.objects.filter(older("month", VISITS))],
    ),
    Line(
        "traces",
        _("Traces des actes\xa0: droits donnés, exports, fusions, avec le nom de qui les fait"),
        _("%(span)s\xa0; la base de données refuse qu’on les change avant un an"),
        _("savoir qui a fait quoi en cas d’erreur ou d’abus"),
        {"span": TRACES},
        due=lambda: [AuditEntry.objects.filter(older("at", TRACES))],
    ),
    Line(
        "incidents",
        _("Registre des incidents de confidentialité"),
        _("%(span)s au moins"),
        _("la loi l’exige\xa0; l’équipe en décide ensuite"),
        {"span": INCIDENTS},
    ),
]  # fmt: skip


def due() -> dict[str, int]:
    """How many rows each line would change today."""
    return {line.name: sum(rows.count() for rows in line.due()) for line in LINES if line.due}


@dataclass
class Purged:
    """How many rows each line changed; those that failed, and then changed nothing."""

    changed: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def purge() -> Purged:
    """Erase what is due, line by line: one that fails keeps none of the others from going."""
    done = Purged()
    for line in LINES:
        if not line.due:
            continue
        try:
            with transaction.atomic():
                done.changed[line.name] = sum(line.erase(rows) for rows in line.due())
        except Exception:  # whatever it is, what the others keep is as much too old
            log.exception("Nothing erased of %s", line.name)
            done.failed.append(line.name)
    return done
