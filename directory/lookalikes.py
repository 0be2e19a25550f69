"""Listings whose name looks like one that somebody typed: is it already here?"""

from itertools import combinations

from django.db import connection
from rapidfuzz import fuzz

from directory.search import CONFIGURATION, LONGEST_TEXT, STOP_WORDS, fold, normalise

SHOWN = 4
#: Listings looked at, and words of the name looked for.
CANDIDATES, WORDS = 200, 6
#: From 0 to 100, from which two names are alike.
ALIKE = 70
# Words of so many names that they make none alike.
COMMON = set(
    normalise(
        "association centre coop cooperative entreprise groupe inc les maison oeuvre organisme "
        "organisation quebec regroupement service societe solidarite travail"
    ).split()
)

SQL = f"""
SELECT json_agg(json_build_array(card->>'name', card->>'slug', (card->>'city')::integer)) FROM (
    (SELECT card FROM directory_listing WHERE sort_name LIKE %s
     ORDER BY sort_name, enterprise_id LIMIT {SHOWN})
    UNION ALL
    (SELECT card FROM directory_listing
     WHERE search @@ to_tsquery({CONFIGURATION}, %s) LIMIT {CANDIDATES})
) l"""


def lookalikes(name: str) -> list[tuple[str, str, int]]:
    """At most four published listings that have two words of `name` (or the only one it has) in
    theirs, each with its slug and the row of its city; the most alike first. One statement."""
    folded = " ".join(fold(name[:LONGEST_TEXT]).split())
    # Cut again: some characters become three once folded, and no lexeme is longer than 2 kB.
    typed = list(dict.fromkeys(normalise(name)[:LONGEST_TEXT].split()))
    words = [word for word in typed if word not in STOP_WORDS and word not in COMMON] or typed
    if not words:
        return []
    pairs: list[tuple[str, ...]] = [*combinations(words[:WORDS], 2)] or [(words[0],)]
    # The words of names are those of weight A. Normalised, they hold no quote.
    asked = " | ".join("(" + " & ".join(f"'{word}':A" for word in pair) + ")" for pair in pairs)
    begun = folded.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    with connection.cursor() as cursor:
        cursor.execute(SQL, [begun, asked])
        (rows,) = cursor.fetchone()
    alike = {slug: (_likeness(name, known), known, slug, city) for known, slug, city in rows or ()}
    closest = sorted(alike.values(), key=lambda row: (-row[0], row[1], row[2]))[:SHOWN]
    return [tuple(row[1:]) for row in closest if row[0] >= ALIKE]


def _likeness(name: str, other: str) -> float:
    return fuzz.token_set_ratio(normalise(name), normalise(other))
