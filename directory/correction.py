"""The answer to a search, or to what was meant by it where a word is mistyped."""

import math
import re
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from rapidfuzz import process
from rapidfuzz.distance import OSA

from directory import results, search
from directory.criteria import Criteria
from directory.filters import EnterpriseFilter, understand
from directory.help import Help, help_for
from directory.results import Results
from directory.state import State

#: Letters below which a word has too many neighbours to be corrected, and from which two slips are
#: forgiven: a letter too many, missing, wrong, or two that changed places.
SHORTEST_CORRECTED = 4
LONG_WORD = 8


@dataclass(frozen=True)
class Correction:
    """What was searched for, rather than what was typed."""

    criteria: Criteria
    text: str
    #: What was typed, with the words that were corrected in quotes: those never are.
    quoted: str


def corrected(criteria: Criteria, help_: Help, state: State) -> Correction | None:
    """The first page of the same search with each word that no listing has replaced by the closest
    of the directory's; None where no word comes close. Nothing says yet that it finds anything."""
    query = criteria.query
    text = quoted = query.text
    for place in help_.unknown:
        for term in query.groups[place].terms:
            for typed in [] if term.phrase else term.text.split():
                if closest := closest_word(typed, help_.words):
                    word = re.compile(rf"(?<!\w){re.escape(typed)}(?!\w)")
                    # A word of the directory may hold what `sub` reads as an escape.
                    text = word.sub(closest.replace("\\", r"\\"), text)
                    quoted = word.sub(f'"{typed}"'.replace("\\", r"\\"), quoted)
    if text == query.text:
        return None
    meant = replace(criteria, query=understand(text, state.labels), page=1)
    return Correction(meant, text, quoted)


def closest_word(typed: str, words: dict[str, str]) -> str | None:
    """The word of the directory that `typed` is one slip away from, two where it is long."""
    folded = search.fold(typed)
    if folded in words or folded in search.STOP_WORDS or len(folded) < SHORTEST_CORRECTED:
        return None
    closest = process.extractOne(
        folded, words.keys(), scorer=OSA.distance, score_cutoff=1 if len(folded) < LONG_WORD else 2
    )
    return words[closest[0]] if closest else None


Answer = tuple[Results, Help | None, Correction | None]


def answer(filters: EnterpriseFilter, current: State) -> Answer:
    """Results for these filters; a word that matches nothing is corrected, a page beyond the last
    gives way to the last: its results, help where there is nothing, and the correction."""
    criteria = filters.criteria
    found = results.find(criteria, current)
    last = last_page(found.total, criteria)
    if found.total and criteria.page > last:
        filters.notices.append(
            _("La page %(page)d n’existe pas : voici la dernière.") % {"page": criteria.page}
        )
        criteria.page = last
        return results.find(criteria, current), None, None
    if found.total or not criteria.narrowed:
        return found, None, None

    help_ = help_for(criteria, current)
    if correction := corrected(criteria, help_, current):
        again = results.find(correction.criteria, current)
        if again.total:
            filters.criteria = correction.criteria
            return again, None, correction
    return found, help_, None


def last_page(total: int, criteria: Criteria) -> int:
    """The number of the last page of so many results."""
    return max(1, math.ceil(min(total, criteria.reach) / criteria.size))
