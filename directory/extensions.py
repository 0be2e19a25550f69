"""What other apps add to the directory's pages, without the directory knowing them.

An app fills these registries in its `AppConfig.ready()`; the directory only reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest


@dataclass
class Registry:
    """Functions by name, called in the order in which they were registered."""

    entries: dict[str, Callable] = field(default_factory=dict)

    def register(self, name: str, function: Callable) -> None:
        if name in self.entries:
            raise ValueError(f"{name} is registered twice.")
        self.entries[name] = function

    def rendered(self, request: HttpRequest, subject: object) -> list[str]:
        """What each function shows of `subject` to this person, as HTML; "" shows nothing."""
        return [html for function in self.entries.values() if (html := function(request, subject))]


#: Panels under a profile: (request, enterprise) → HTML marked safe, or "".
profile_panels = Registry()
