"""Rows of history: for what is written many rows at a time, which no signal of the models sees; and
what is linked to those that are read."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models
from django.utils import timezone
from simple_history.utils import get_history_manager_for_model, get_m2m_field_name

from directory.models import User

MADE, CHANGED, GONE = "+", "~", "-"
LONGEST_REASON = 100


@dataclass(frozen=True)
class Trace:
    """Whose act it is that rows are written, and why."""

    by: User | None = None
    reason: str = ""
    #: The keys of the rows that were deleted, by model.
    gone: dict[type[models.Model], list[int]] = field(default_factory=dict, compare=False)

    def keep(self, model: type[models.Model], keys: Collection[int], kind: str) -> None:
        """Add to the history of these rows what they are now, in one statement whatever their
        number; what stands behind many-to-many fields included. In the transaction of the act, once
        everything is written: MADE or CHANGED."""
        if not keys:
            return
        history: Any = get_history_manager_for_model(model).model
        columns = ", ".join(f'"{field.column}"' for field in history.tracked_fields)
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH kept AS (
                    INSERT INTO "{history._meta.db_table}" ({columns},
                        history_date, history_change_reason, history_type, history_user_id)
                    SELECT {columns}, %s, %s, %s, %s
                    FROM "{model._meta.db_table}" WHERE "{model._meta.pk.column}" = ANY(%s)
                    RETURNING history_id, "{model._meta.pk.column}" AS kept_id
                )
                {"".join(beside(history))}
                SELECT count(*) FROM kept
                """,
                [
                    timezone.now(),
                    self.reason[:LONGEST_REASON],
                    kind,
                    self.by.pk if self.by else None,
                    list(keys),
                ],
            )

    def sign(self, model: type[models.Model], keys: Collection[int]) -> None:
        """Say in the history of rows just deleted, which a signal kept, who did it and why."""
        if keys:
            self.gone.setdefault(model, []).extend(keys)
            get_history_manager_for_model(model).filter(
                **{f"{model._meta.pk.attname}__in": keys}, history_type=GONE
            ).update(
                history_change_reason=self.reason[:LONGEST_REASON],
                history_user_id=self.by.pk if self.by else None,
            )


def beside(history: Any) -> list[str]:
    """For each many-to-many field that is kept, what copies its rows beside those just `kept`."""
    copies = []
    for number, relation in enumerate(history._history_m2m_fields):
        through = relation.remote_field.through
        kept = getattr(history, relation.name).model._meta.db_table
        columns = [each.column for each in through._meta.fields if not each.primary_key]
        owner = through._meta.get_field(get_m2m_field_name(relation)).column
        names = ", ".join(f'"{name}"' for name in columns)
        copies.append(
            f""", beside_{number} AS (
                INSERT INTO "{kept}" (history_id, "id", {names})
                SELECT history_id, "id", {names}
                FROM "{through._meta.db_table}" JOIN kept ON "{owner}" = kept_id
            )"""
        )
    return copies


def links(history: Any, rows: Iterable[Any]) -> dict[int, dict[str, list[int]]]:
    """The keys of what was linked to each of these rows of `history`, by field: one statement a
    field."""
    found: dict[int, dict[str, list[int]]] = defaultdict(dict)
    keys = [row.pk for row in rows]
    for link in history._history_m2m_fields:
        through = getattr(history, link.name).model
        column = f"{link.m2m_reverse_field_name()}_id"
        for key in keys:
            found[key][link.name] = []
        for key, pk in through.objects.filter(history_id__in=keys).values_list(
            "history_id", column
        ):
            found[key][link.name].append(pk)
    return found
