"""One row of a file, what becomes of it, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

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


class Heading(NamedTuple):
    """A column: its code name, and how the file calls it."""

    name: str = ""
    text: str = ""


NOWHERE = Heading()


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
    #: Code name of the column.
    name: str = ""

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


@dataclass(frozen=True)
class Candidate:
    """An enterprise that a row may speak of; where it is not listed yet, the row that makes it."""

    name: str
    slug: str = ""
    row: int = 0
    reasons: tuple[str, ...] = ()
    #: Whether both have one NEQ: no one may say that they are two.
    same: bool = False


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
    #: Who is to be noted as having said each field, where it is not the file; "" for nobody.
    said: dict[str, str] | None = None
    #: Of what is to change, what was there, and who had said it.
    before: dict[str, Any] = field(default_factory=dict)
    contact_before: Record = field(default_factory=dict)
    said_before: dict[str, str] = field(default_factory=dict)
    #: Column → (value kept, value of the file): what a person said and the file says otherwise.
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    #: The same of the person that the file names, by field of `Contact`.
    kept_person: Record = field(default_factory=dict)
    #: Rows of other tables that writing it deleted: the model's name, the key.
    gone: list[tuple[str, int]] = field(default_factory=list)
    #: The revisions that propose it.
    revisions: list[int] = field(default_factory=list)
    #: The rights to write that were noted.
    consents: list[int] = field(default_factory=list)
    #: Those that a person is to choose among.
    candidates: Sequence[Candidate] = ()
    #: The e-mail addresses that the row gives.
    emails: tuple[str, ...] = ()

    def say(
        self,
        kind: str,
        reason: str,
        where: Heading = NOWHERE,
        value: str = "",
        hint: str = "",
        topic: str = "",
    ) -> None:
        said = Message(sentence(reason), where.text, value, hint, kind, topic, where.name)
        self.messages.append(said)

    def drop(self) -> None:
        """Write nothing of it."""
        self.changes, self.contact, self.contact_before = {}, {}, {}
        self.kept, self.kept_person = {}, {}

    @property
    def refused(self) -> bool:
        return any(message.kind == "refusal" for message in self.messages)

    @property
    def corrects(self) -> bool:
        """Whether it says otherwise than a person did: a correction to propose."""
        return bool(self.kept or self.kept_person)
