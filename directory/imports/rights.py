"""What allows writing to the addresses that a file gives, asked once of the whole file."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from directory.imports.entries import Entry, Outcome
from directory.models import ConsentBasis, Contact, Enterprise, User

#: What a file's basis is where one answered that nothing allows it; "" until one answers.
NONE = "none"
WRITTEN = {Outcome.CREATED, Outcome.UPDATED, Outcome.LEFT}


@dataclass(frozen=True)
class Consent:
    """A `ConsentBasis.Basis`, and how one knows."""

    basis: str
    source: str


def allow_writing(entries: Sequence[Entry], consent: Consent, *, by: User | None) -> None:
    """Note it of each address that a row gives and its listing has, once everything is written.
    What is noted already stays as it is, in whatever case it was written. The keys of what is noted
    are added to each entry."""
    entries = [entry for entry in entries if entry.emails and entry.outcome in WRITTEN]
    listed: dict[int, set[str]] = defaultdict(set)
    pks = [entry.pk for entry in entries]
    for pk, email in (
        *Enterprise.objects.filter(pk__in=pks).values_list("pk", "email"),
        *Contact.objects.filter(enterprise__in=pks).values_list("enterprise", "email"),
    ):
        listed[pk].add(email.lower())
    # Nor does a file give back the right that an address took away.
    bases = ConsentBasis.objects.filter(
        ~Q(withdrawn_on=None) | Q(basis=consent.basis), enterprise__in=pks
    )
    noted = {(pk, email.lower()) for pk, email in bases.values_list("enterprise", "email")}
    made = []
    for entry in entries:
        for email in dict.fromkeys(map(str.lower, entry.emails)):
            if email in listed[entry.pk] and (entry.pk, email) not in noted:
                row = ConsentBasis(
                    enterprise_id=entry.pk,
                    email=email,
                    basis=consent.basis,
                    source=consent.source,
                    given_on=timezone.localdate(),
                    recorded_by=by,
                )
                made.append((entry, row))
    ConsentBasis.objects.bulk_create([row for _entry, row in made])
    for entry, row in made:
        entry.consents.append(row.pk)
