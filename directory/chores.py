"""What an enterprise has to do for its listing this month; most months, nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from directory import wording
from directory.completeness import Completeness
from directory.models import Enterprise, Section, User

#: Without which nobody finds an enterprise, or can call it.
ESSENTIAL = 10


@dataclass(frozen=True)
class Chore:
    text: str
    #: The section in which it is done; None where it is to say that all is true.
    section: str | None


def this_month(
    *,
    due_on: date | None,
    said: Mapping[str, Any],
    measured: Completeness,
    drafts: Iterable[str],
    today: date,
) -> list[Chore]:
    """What is to be done before the month ends, the most pressing first: to confirm a listing that
    is due on `due_on` (None where it is not published), to renew what expires, to finish the
    sections of `drafts`, to add what is essential. `said` is all that the listing says, as
    `sections.present` spells it. Pure."""
    last = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    chores = []
    if due_on and due_on <= last:
        chores.append(Chore(_("Dites que tout est exact, ou corrigez ce qui ne l’est plus."), None))
    for row in [*said["permits"], *said["certifications"]]:
        if row["expires_on"] and (until := date.fromisoformat(row["expires_on"])) <= last:
            text = (
                _("«\xa0%(what)s\xa0» a expiré le %(day)s\xa0: renouvelez-le ou retirez-le.")
                if until < today
                else _("«\xa0%(what)s\xa0» expire le %(day)s\xa0: renouvelez-le ou retirez-le.")
            )
            what = row.get("kind") or row["issuer"] or row["number"] or _("Un statut")
            chores.append(Chore(text % {"what": what, "day": wording.day(until)}, Section.CAPACITY))
    chores += [
        Chore(
            _("Terminez ce que vous aviez commencé\xa0: %(section)s.")
            % {"section": Section(section).label},
            section,
        )
        for section in drafts
    ]
    chores += [
        Chore(str(part.advice), part.section)
        for part in measured.missing
        if part.weight >= ESSENTIAL
    ]
    return chores


def ask_every(*, enterprise: Enterprise, months: int, by: User) -> None:
    """Ask the enterprise to confirm its listing so often: every 3, 6 or 12 months, as the database
    has it. Nothing is written where it is so already."""
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        row = Enterprise.objects.get(pk=enterprise.pk)
        if row.confirm_every_months == months:
            return
        row.confirm_every_months = months
        row.version += 1
        row._change_reason = _("Choix de l’entreprise")  # type: ignore[attr-defined]
        row._history_user = by  # type: ignore[attr-defined]
        row.save(update_fields=["confirm_every_months", "version", "updated_at"])
