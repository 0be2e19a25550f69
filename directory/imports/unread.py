"""What a file says that its columns cannot hold, told once of all the rows that say it.

Of a list (sectors, legal forms, sizes…), each thing that is not in it, which a person says what it
is; of the other columns, how many rows have something that cannot be read.
"""

from collections.abc import Mapping
from typing import Any

from rapidfuzz import fuzz, process

from directory.cells import Asked, Cell
from directory.gazetteer import Gazetteer, Unfit, bare, key
from directory.imports.misread import mended

#: How alike two texts are, out of 100, from which the one is proposed for the other…
CLOSE = 85
#: … and from which it is shown before the others.
LIKELY = 65
MOST_LIKELY = 5
#: Things of one column that are asked at once.
MOST = 30
#: What no answer can leave empty: it tells the enterprise.
NEEDED = {"name", "slug"}


class Unread:
    def __init__(self) -> None:
        #: Column → rows that have something unreadable in it.
        self.rows: dict[str, int] = {}
        #: Column of a list → key of what is not in it → how it is written first, how often.
        self.said: dict[str, dict[str, tuple[str, int]]] = {}

    def add(self, name: str, text: str, widget: Cell) -> None:
        if name in NEEDED:
            return
        self.rows[name] = self.rows.get(name, 0) + 1
        if not isinstance(widget, Asked):
            return
        try:
            parts = widget.unread(text)
        except ValueError:  # more than a cell may hold
            return
        known = self.said.setdefault(name, {})
        for part in parts:
            if wanted := key(part):
                written, times = known.get(wanted, (part[:200], 0))
                known[wanted] = written, times + 1

    def kept(self) -> dict[str, Any]:
        """The same as JSON holds it, the most frequent first."""
        return {
            name: {
                "rows": rows,
                "said": sorted(self.said.get(name, {}).values(), key=lambda said: -said[1])[:MOST],
            }
            for name, rows in self.rows.items()
        }


def likely(text: str, names: Mapping[str, str]) -> tuple[str, list[str]]:
    """Of these answers by their names, the one to propose, if it is close, and those to show before
    the others, the closest first."""
    text = mended(text) or text
    spelt = [(value, key(said)) for value, name in names.items() for said in (name, value)]
    texts = [said for _value, said in spelt]
    close = process.extractOne(key(text), texts, scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE)
    near = process.extract(key(text), texts, scorer=fuzz.WRatio, score_cutoff=LIKELY)
    proposed = spelt[close[2]][0] if close else ""
    shown = dict.fromkeys([proposed, *(spelt[place][0] for _text, _score, place in near)])
    return proposed, [value for value in shown if value][:MOST_LIKELY]


def places(name: str, gazetteer: Gazetteer) -> tuple[str, list[str]]:
    """The municipality to propose for what a file writes, and those that it may be: one of the
    site's own where only one is, else one spelt nearly so."""
    meant = mended(name)
    name = meant or name
    try:
        found = gazetteer.find(name)
    except Unfit as error:
        may_be = list(dict.fromkeys([*error.cities, *error.alike]))
        own = [city for city in gazetteer.own_first(may_be) if city in gazetteer.own]
        proposed = own[0] if len(own) == 1 else None
        if proposed is None and error.alike and not error.cities:
            spelt = bare(key(gazetteer.name(error.alike[0])))
            close = fuzz.ratio(bare(key(name)), spelt) >= CLOSE
            proposed = error.alike[0] if close else None
        written = [gazetteer.written(city) for city in gazetteer.own_first(may_be)]
        return gazetteer.written(proposed) if proposed is not None else "", written
    return gazetteer.written(found.city) if meant else "", []
