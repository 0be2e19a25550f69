"""A row of a file as it is kept: its cells, what a person corrects, what becomes of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import ngettext_lazy

from directory.imports.entries import Entry, Message, Outcome
from directory.imports.mapping import Layout
from directory.models import ImportRow

#: Outcomes of rows that only a batch has.
ASIDE, REMOVED, RESTORED, STAYED = "aside", "removed", "restored", "stayed"
#: Rows that are not written, and may still be.
PENDING = [Outcome.PROPOSED.value, Outcome.REFUSED.value]

SAVED = {
    Outcome.CREATED.value: ngettext_lazy("créée", "créées"),
    Outcome.UPDATED.value: ngettext_lazy("modifiée", "modifiées"),
    Outcome.LEFT.value: ngettext_lazy("sans changement", "sans changement"),
    Outcome.PROPOSED.value: ngettext_lazy("doublon possible", "doublons possibles"),
    Outcome.REFUSED.value: ngettext_lazy("à corriger", "à corriger"),
    ASIDE: ngettext_lazy("laissée de côté", "laissées de côté"),
    REMOVED: ngettext_lazy("retirée du répertoire", "retirées du répertoire"),
    RESTORED: ngettext_lazy("remise comme avant", "remises comme avant"),
    STAYED: ngettext_lazy("restée telle quelle", "restées telles quelles"),
}
PREVIEWED = SAVED | {
    Outcome.CREATED.value: ngettext_lazy("à créer", "à créer"),
    Outcome.UPDATED.value: ngettext_lazy("à modifier", "à modifier"),
}


# --- Cells


def text(row: ImportRow, name: str, layout: Layout) -> str:
    """What the row says in one of our columns, corrections included."""
    if name in row.corrections:
        return row.corrections[name]
    place = layout.positions.get(name, -1)
    return row.values[place] if 0 <= place < len(row.values) else ""


def cells(row: ImportRow, layout: Layout, header: list[str], own: int) -> list[str]:
    """The row under this header, of which the first `own` columns are the file's. Cells that stick
    out of the file's go on sticking out."""
    given = [*row.values[:own], *[""] * (len(header) - len(row.values[:own]))]
    for name, correction in row.corrections.items():
        given[layout.positions[name]] = correction
    return given + row.values[own:]


def seen(row: ImportRow) -> str:
    """What tells this row from itself once somebody has corrected it."""
    said = json.dumps([row.corrections, row.outcome == ASIDE, len(row.values)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


# --- Values in plain form, as JSON holds them


def dump(value: Any) -> Any:
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return [dump(item) for item in value] if isinstance(value, (tuple, list)) else value


def load(value: Any) -> Any:
    if isinstance(value, dict):
        return date.fromisoformat(value["day"])
    return tuple(load(item) for item in value) if isinstance(value, list) else value


def before(entry: Entry) -> dict[str, Any] | None:
    """What the row changes, field by field, and what it left behind it."""
    if entry.outcome == Outcome.CREATED:
        return None
    kept: dict[str, Any] = {
        "fields": {
            name: [dump(entry.before.get(name)), dump(value)]
            for name, value in entry.changes.items()
        },
        "said": entry.said_before,
        "gone": entry.gone,
        "geo_precision": entry.before.get("geo_precision", ""),
        "revisions": entry.revisions,
        "consents": entry.consents,
    }
    if entry.contact:
        kept["contact"] = {
            "pk": entry.contact_pk,
            "before": dump_person(entry.contact_before) if entry.contact_before else None,
            "after": dump_person(entry.contact),
        }
    return kept


def dump_person(person: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dump(value) for name, value in person.items()}


def said(message: Message) -> dict[str, str]:
    return {
        "kind": message.kind,
        "name": message.name,
        "column": message.column,
        "value": message.value[:200],
        "reason": message.reason,
        "hint": message.hint,
    }


def sentence_of(message: Mapping[str, str]) -> str:
    """A message that is kept, in one line of text."""
    return str(
        Message(
            message["reason"],
            message.get("column", ""),
            message.get("value", ""),
            message.get("hint", ""),
        )
    )


STORE = """
UPDATE directory_importrow SET outcome = said.outcome, messages = said.messages,
    candidates = said.candidates, enterprise_id = said.enterprise, before = said.before,
    version_after = said.version
FROM jsonb_to_recordset(%s::jsonb) AS said(id bigint, outcome text, messages jsonb,
    candidates jsonb, enterprise bigint, before jsonb, version integer)
WHERE directory_importrow.id = said.id
"""
BATCH = 500


def store(entries: Mapping[int, Entry]) -> None:
    """Keep what becomes of each row, by its key. One whose listing was deleted meanwhile leads to
    none; the others stay until the transaction ends."""
    listed = still_there([entry.pk for entry in entries.values() if entry.pk])
    records = [
        {
            "id": pk,
            "outcome": entry.outcome.value,
            "messages": [said(message) for message in entry.messages],
            "candidates": [asdict(one) for one in entry.candidates],
            "enterprise": entry.pk if entry.pk in listed else None,
            "before": before(entry),
            "version": entry.version or None,
        }
        for pk, entry in entries.items()
    ]
    with connection.cursor() as cursor:
        for start in range(0, len(records), BATCH):
            some = json.dumps(records[start : start + BATCH])
            cursor.execute(STORE, [some])


def still_there(pks: Sequence[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM directory_enterprise WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [list(pks)],
        )
        return {pk for (pk,) in cursor.fetchall()}
