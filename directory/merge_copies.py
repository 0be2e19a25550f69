"""What merges keep of people, so that they can be undone: the rows that went or changed, whole, as
long as `UNDOABLE_FOR`; then nothing but that the merge was done.

`Merge.before` holds them as belongings.py wrote them: under "moved", what each handler remembers.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import CASCADE, Model, Q, QuerySet
from django.utils import timezone

from directory.models import Merge, User

UNDOABLE_FOR = timedelta(days=90)

Values = dict[str, Any]


def until(merge: Merge) -> datetime:
    """When a merge can no longer be undone."""
    return merge.at + UNDOABLE_FOR


def held() -> QuerySet[Merge]:
    """The merges that still hold something."""
    return Merge.objects.exclude(before={})


def outdated() -> QuerySet[Merge]:
    """Those that can no longer be undone, or are."""
    return held().filter(Q(at__lt=timezone.now() - UNDOABLE_FOR) | Q(undone_at__isnull=False))


def empty(rows: QuerySet[Merge]) -> int:
    return rows.update(before={})


def about(user: User) -> Iterator[tuple[Merge, type[Model], Values]]:
    """The rows kept that are this person's, or bear their address: with what they held, column by
    column; of those that only changed, what changed."""
    for merge in held().select_related("kept", "gone"):
        for memory in ledgers(merge):
            for label, values in memory["removed"]:
                model = apps.get_model(label)
                if is_of(user, model, values):
                    yield merge, model, values
            for label, pk, said in memory["changed"]:
                model = apps.get_model(label)
                values = {name: before for name, (before, _after) in said.items()}
                if is_of(user, model, values) or pk in own_rows(user, model):
                    yield merge, model, values


def forget(user: User) -> None:
    """Take this person's rows out of what merges keep, and their name off the others, before their
    account is erased: undone, those merges bring back all but that."""
    for merge in held().select_for_update():
        for memory in ledgers(merge):
            memory["removed"] = [
                [label, without(user, apps.get_model(label), values)]
                for label, values in memory["removed"]
                if not is_theirs(user, apps.get_model(label), values)
            ]
            memory["changed"] = [
                [label, pk, without(user, apps.get_model(label), said)]
                for label, pk, said in memory["changed"]
                if pk not in own_rows(user, apps.get_model(label))
            ]
        merge.save(update_fields=["before"])


def ledgers(merge: Merge) -> list[Values]:
    """What its handlers remember, where they remember rows; others keep numbers alone."""
    memories = merge.before.get("moved", {}).values()
    return [one for one in memories if isinstance(one, dict) and "removed" in one]


def people(model: type[Model]) -> list[Any]:
    """The columns that name a person of the site."""
    return [one for one in model._meta.concrete_fields if one.related_model is User]


def own(model: type[Model]) -> list[Any]:
    """Those that say whose the row is: it goes with them."""
    return [one for one in people(model) if one.remote_field.on_delete is CASCADE]


def own_rows(user: User, model: type[Model]) -> set[int]:
    found: set[int] = set()
    for column in own(model):
        rows = model._default_manager.filter(**{column.name: user})
        found.update(rows.values_list("pk", flat=True))
    return found


def is_theirs(user: User, model: type[Model], values: Values) -> bool:
    return any(values.get(column.attname) == user.pk for column in own(model))


def is_of(user: User, model: type[Model], values: Values) -> bool:
    email = str(values.get("email") or "").lower()
    return email == user.email or is_theirs(user, model, values)


def without(user: User, model: type[Model], values: Values) -> Values:
    """The same with nobody in their place: a value, or what it was and what it became."""
    left = dict(values)
    for column in people(model):
        said = left.get(column.attname)
        if isinstance(said, list):
            left[column.attname] = [None if one == user.pk else one for one in said]
        elif said == user.pk:
            left[column.attname] = None
    return left
