"""Traces of acts: what was exported, who was given a right, which listings were merged."""

from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from directory.models import AuditEntry, User

#: Each act, or all those whose first word it is, for whom it is about.
LABELS: dict[str, str | Promise] = {
    "account.deleted": _("compte supprimé"),
    "account.email": _("adresse du compte changée"),
    "bulk": _("action groupée"),
    "bulk.undone": _("action groupée annulée"),
    "call.undone": _("appel repris par qui l’avait noté"),
    "claim.accepted": _("demande de rattachement acceptée"),
    "claim.refused": _("demande de rattachement refusée"),
    "duplicate.asked_again": _("doublon possible remis à examiner"),
    "duplicate.distinct": _("doublon possible écarté"),
    "enterprise.merge_undone": _("fusion défaite"),
    "enterprise.merged": _("fiches fusionnées"),
    "export": _("export"),
    "group.deleted": _("groupe supprimé"),
    "group.rights": _("droits d’un groupe changés"),
    "import.applied": _("import appliqué"),
    "import.undone": _("import annulé"),
    "invitation.sent": _("invitation envoyée"),
    "invitation.withdrawn": _("invitation retirée"),
    "invitations.sent": _("invitations envoyées"),
    "listing.restored": _("fiche remise comme elle était"),
    "person.factors_removed": _("seconds facteurs retirés"),
    "person.rights": _("droits d’une personne changés"),
    "reminders.resumed": _("rappels repris à la demande de l’entreprise"),
    "representative.added": _("personne ajoutée à l’équipe d’une fiche"),
    "representative.changed": _("rôle changé dans l’équipe d’une fiche"),
    "representative.removed": _("personne retirée de l’équipe d’une fiche"),
    "revision.decided": _("modification examinée"),
    "suggestion.listed": _("fiche créée d’une suggestion"),
    "vocabulary.merged": _("termes fusionnés"),
}


def record(
    *, act: str, by: User | None, subject: models.Model | None = None, **detail: Any
) -> AuditEntry:
    """Add a trace, in the transaction of the act itself.

    `act` is an English word or two with dots (`representative.removed`); `subject` what it was done
    to; `detail` what else one would ask later, as JSON can hold it: never an address or a code."""
    return AuditEntry.objects.create(
        act=act,
        by_id=by.pk if by else None,
        by_label=str(by) if by else "",
        subject_kind=subject._meta.model_name or "" if subject else "",
        subject_id=subject.pk if subject else None,
        subject_label=str(subject)[:254] if subject else "",
        detail=detail,
    )


def label(act: str) -> str:
    """The act in words."""
    return str(LABELS.get(act) or LABELS.get(act.partition(".")[0]) or act)
