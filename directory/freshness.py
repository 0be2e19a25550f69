"""How a listing is kept current: when it is due, whom one may write to, what is said to be true."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from directory.models import Enterprise, User

Source = Enterprise.Source
#: Whom a confirmation may speak over, field by field: the enterprise over all, the Pôle over files.
SPOKEN_OVER = {
    Source.OWNER: {Source.OWNER, Source.STAFF, Source.IMPORT},
    Source.STAFF: {Source.STAFF, Source.IMPORT},
}


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
        row.provenance = {
            name: source if said in SPOKEN_OVER[Source(source)] else said
            for name, said in row.provenance.items()
        }
        row.version += 1
        row._change_reason = _("Tout est exact")
        if by:
            row._history_user = by
        changed = ["confirmed_on", "confirmed_by", "provenance", "version", "updated_at"]
        row.save(update_fields=changed)
    for name in changed:
        setattr(enterprise, name, getattr(row, name))
