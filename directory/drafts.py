"""What a person typed in a section and has not sent yet: theirs alone, one a section."""

from django.db import transaction
from django.http import QueryDict

from directory.models import Draft, Enterprise, User


def save(
    *, enterprise: Enterprise, section: str, by: User, data: dict[str, list[str]], version: int
) -> Draft:
    """Keep what was typed, in place of what was kept before."""
    with transaction.atomic():
        draft, _created = Draft.objects.update_or_create(
            enterprise=enterprise,
            section=section,
            user=by,
            defaults={"data": data, "base_version": version},
        )
    return draft


def find(*, enterprise: Enterprise, section: str, by: User) -> Draft | None:
    return Draft.objects.filter(enterprise=enterprise, section=section, user=by).first()


def discard(*, enterprise: Enterprise, section: str, by: User) -> None:
    Draft.objects.filter(enterprise=enterprise, section=section, user=by).delete()


def sections_begun(enterprise: Enterprise, by: User) -> list[str]:
    """The sections in which the person left something unsent, the oldest first."""
    drafts = Draft.objects.filter(enterprise=enterprise, user=by)
    return list(drafts.order_by("updated_at", "pk").values_list("section", flat=True))


def typed(post: QueryDict, besides: set[str]) -> dict[str, list[str]]:
    """What a form sent, as JSON can hold it; `besides` the fields that are not the section's."""
    return {
        name.replace("\0", ""): [value.replace("\0", "") for value in values]
        for name, values in post.lists()
        if name not in besides
    }


def as_sent(data: dict[str, list[str]]) -> QueryDict:
    """What was kept, as the form would send it."""
    sent = QueryDict(mutable=True)
    for name, values in data.items():
        sent.setlist(name, values)
    return sent
