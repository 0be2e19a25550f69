"""What other apps add to the directory's pages, without the directory knowing them.

An app fills these registries in its `AppConfig.ready()`; the directory only reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.http import HttpRequest

Entry = TypeVar("Entry")


@dataclass
class Registry(Generic[Entry]):
    """What apps add, by name, in the order in which it was registered."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def register(self, name: str, entry: Entry) -> None:
        if name in self.entries:
            raise ValueError(f"{name} is registered twice.")
        self.entries[name] = entry


class Panels(Registry[Callable]):
    def rendered(self, request: HttpRequest, subject: object) -> list[str]:
        """What each function shows of `subject` to this person, as HTML; "" shows nothing."""
        return [html for function in self.entries.values() if (html := function(request, subject))]


#: Panels under a profile: (request, enterprise) → HTML marked safe, or "".
profile_panels = Panels()


@dataclass(frozen=True)
class MergeHandler:
    """What becomes of the rows that name a listing, when it is merged into another.

    Each foreign key to `Enterprise` has a handler; a system check refuses to start without. Both
    functions run in the transaction of the merge, with the two listings held, and are given keys.
    A record that somebody signed, or froze, is never re-pointed: it says what was true then.
    """

    #: The foreign keys it answers for, « app.model.field » in small letters.
    relations: tuple[str, ...]
    #: In a sentence for staff: what becomes of the rows, and of two that collide.
    rule: str
    #: (kept, gone) → what to remember to put it back, as JSON has it.
    move: Callable[[int, int], Any]
    #: (kept, gone, what `move` gave): put back what nobody touched since.
    put_back: Callable[[int, int, Any], None]


#: What to do, at a merge, with rows of other apps that name a listing; by name of the rows.
merge_handlers: Registry[MergeHandler] = Registry()
