"""One row of a file, what becomes of it, and what is said of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy

from directory.resources import Record


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    LEFT = "left"
    PROPOSED = "proposed"
    REFUSED = "refused"


OUTCOMES = {
    Outcome.CREATED: gettext_lazy("créée"),
    Outcome.UPDATED: gettext_lazy("mise à jour"),
    Outcome.LEFT: gettext_lazy("inchangée"),
    Outcome.PROPOSED: gettext_lazy("à trancher"),
    Outcome.REFUSED: gettext_lazy("refusée"),
}
#: The same, before anything is written.
PLANNED = OUTCOMES | {
    Outcome.CREATED: gettext_lazy("à créer"),
    Outcome.UPDATED: gettext_lazy("à mettre à jour"),
}


@dataclass(frozen=True)
class Message:
    """Something to say of a row: in which column of the file, of what value, why, what to do."""

    reason: str
    column: str = ""
    value: str = ""
    hint: str = ""
    kind: str = "note"  # or "refusal", "proposal", "kept"
    #: What it is counted under, with others of its kind: its reason, unless that is its own.
    topic: str = ""

    def __str__(self) -> str:
        where = ""
        if self.column:
            where = f"{self.column}\xa0: "
            if self.value:
                where = f"{self.column} («\xa0{short(self.value)}\xa0»)\xa0: "
        return f"{where}{self.reason} {self.hint}".strip()


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def short(value: str, most: int = 60) -> str:
    value = " ".join(value.split(" ")).replace("\n", " ")
    return value if len(value) <= most else value[: most - 1] + "…"


@dataclass
class Entry:
    """One row of the file and what becomes of it."""

    row: int
    name: str = ""
    outcome: Outcome = Outcome.REFUSED
    #: The enterprise it speaks of, once found or made.
    pk: int = 0
    slug: str = ""
    archived: bool = False
    messages: list[Message] = field(default_factory=list)
    #: Column → value in plain form, to be written.
    changes: dict[str, Any] = field(default_factory=dict)
    #: A person: fields of `Contact` to be written, on the one of this key, or a new one.
    contact: Record = field(default_factory=dict)
    contact_pk: int = 0
    version: int = 0

    def say(
        self,
        kind: str,
        reason: str,
        column: str = "",
        value: str = "",
        hint: str = "",
        topic: str = "",
    ) -> None:
        self.messages.append(Message(sentence(reason), column, value, hint, kind, topic))

    @property
    def refused(self) -> bool:
        return any(message.kind == "refusal" for message in self.messages)
