"""How a listing is kept current."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from directory.models import Enterprise, User


def confirm(*, enterprise: Enterprise, source: str, by: User | None) -> None:
    """Note that all the listing says is true today, as `source` says."""
    with transaction.atomic():
        Enterprise.objects.lock([enterprise.pk])
        row = Enterprise.objects.get(pk=enterprise.pk)
        row.confirmed_on, row.confirmed_by = timezone.localdate(), source
        row.version += 1
        row._change_reason = _("Tout est exact")  # type: ignore[attr-defined]
        row._history_user = by  # type: ignore[attr-defined]
        row.save(update_fields=["confirmed_on", "confirmed_by", "version", "updated_at"])
