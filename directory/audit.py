"""Traces of acts: what was exported, who was given a right, which listings were merged."""

from typing import Any

from django.db import models

from directory.models import AuditEntry, User


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
