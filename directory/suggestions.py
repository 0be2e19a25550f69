"""What a person may mean while typing: sectors, cities, enterprises, products and services."""

from django.db import connection
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from directory.facets import Dimension
from directory.labels import Label
from directory.search import CONFIGURATION, LONGEST_TEXT, STOP_WORDS, fold, normalise
from directory.state import State

#: Of each kind.
MOST = 4
#: Listings looked at for the names of their offerings.
CANDIDATES = 200

SQL = f"""
WITH asked AS (SELECT ({{asked}}) AS q),
candidates AS (
    SELECT l.card FROM directory_listing l, asked WHERE l.search @@ asked.q LIMIT {CANDIDATES}
)
SELECT json_build_object(
    'names', (SELECT json_agg(json_build_array(card->>'name', card->>'slug')) FROM (
        SELECT card FROM directory_listing
        WHERE sort_name LIKE %s ORDER BY sort_name, enterprise_id LIMIT {MOST}) begun),
    'offerings', (SELECT json_agg(name) FROM (
        SELECT offering->>0 AS name
        FROM candidates, jsonb_array_elements(card->'offerings') offering
        WHERE to_tsvector({CONFIGURATION}, offering->>1) @@ (SELECT q FROM asked)
        GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST}) offered)
)"""


def suggest(text: str, state: State) -> list[dict]:
    """At most four suggestions of each kind for `text`, whose last word may be unfinished; each a
    label, a kind and an address. One statement, none where nothing was typed."""
    folded = " ".join(fold(text).split())
    # Cut again: some characters become three once folded, and no lexeme is longer than 2 kB.
    words = normalise(text)[:LONGEST_TEXT].split()
    words = [word for word in words if word not in STOP_WORDS][:6]
    if not words or len(folded) < 2:
        return []
    found = _ask(folded, words)
    labels = state.labels
    sectors = [label for label in labels.of(Dimension.SECTOR) if not label.retired]
    cities = [label for label in labels.of(Dimension.CITY) if label.code in state.whole.counts]
    path = reverse("directory:list")
    return [
        *_labelled(_("Secteur"), "directory:sector", _begun(sectors, folded)),
        *_labelled(_("Ville"), "directory:city", _begun(cities, folded)),
        *(
            {
                "label": name,
                "kind": _("Produit ou service"),
                "url": f"{path}?{urlencode({'q': name})}",
                "fill": True,
            }
            for name in found["offerings"] or ()
        ),
        *(
            {
                "label": name,
                "kind": _("Entreprise"),
                "url": reverse("directory:detail", args=[slug]),
            }
            for name, slug in found["names"] or ()
        ),
    ]


def _ask(folded: str, words: list[str]) -> dict:
    # The last word as it stands, or as the beginning of another. It holds no quote: `normalise`
    # leaves letters and digits only.
    asked = [f"plainto_tsquery({CONFIGURATION}, %s)"] * (len(words) - 1)
    asked.append(f"(plainto_tsquery({CONFIGURATION}, %s) || %s::tsquery)")
    begun = folded.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(asked=" && ".join(asked)), [*words, f"'{words[-1]}':*", begun])
        (found,) = cursor.fetchone()
    return found


def _begun(labels: list[Label], folded: str) -> list[Label]:
    """Those of which a word begins as typed."""
    return [label for label in labels if f" {folded}" in f" {_apart(fold(label.name))}"][:MOST]


def _apart(name: str) -> str:
    return name.replace("-", " ").replace("'", " ") + " " + name


def _labelled(kind: str, view: str, labels: list[Label]) -> list[dict]:
    return [
        {
            "label": getattr(label, "full_name", label.name),
            "kind": kind,
            "url": reverse(view, args=[label.key]),
        }
        for label in labels
    ]
