"""What a result shows of an enterprise, from the row of its listing; strings, ready to print."""

from datetime import date
from functools import lru_cache

from django.urls import reverse
from django.utils.translation import ngettext

from directory import wording
from directory.facets import STEP, Dimension, code
from directory.labels import Labels
from directory.models import Enterprise
from directory.search import Query
from directory.state import State

#: Offerings that a card names; those searched for come first.
SHOWN = 4
BENEFITS_SHOWN = 3

FORMS = {value: str(label) for value, label in Enterprise.LegalForm.choices}


def cards(rows: list[dict], query: Query, state: State) -> list[dict]:
    searched = [
        set(term.key.split()) for group in query.groups for term in (*group.terms, *group.widened)
    ]
    base = reverse("directory:list")
    return [_card(row, searched, base, state) for row in rows]


def _card(row: dict, searched: list[set[str]], base: str, state: State) -> dict:
    card, labels = row["card"], state.labels
    offerings = [
        {"name": name, "matched": any(words <= set(normalised.split()) for words in searched)}
        for name, normalised in card["offerings"]
    ]
    if searched:
        offerings.sort(key=lambda offering: not offering["matched"])
    confirmed_on = row["confirmed_on"] and date.fromisoformat(row["confirmed_on"])
    confirmed, stale = wording.freshness(confirmed_on, state.today)
    return {
        "name": card["name"],
        "url": f"{base}{card['slug']}/",
        "place": place(card, labels),
        "distance": wording.distance(row["distance"]) if "distance" in row else "",
        "form": FORMS[card["form"]],
        "sectors": " · ".join(names(Dimension.SECTOR, card["sectors"], labels)),
        "offerings": offerings[:SHOWN] or _mission(card),
        "more": others(len(offerings) - SHOWN),
        "territory": wording.territory(card["serves"], labels, most=3),
        "tags": [
            *(labels.name(Dimension.STATUS, status) for status in valid_statuses(row, state.today)),
            *names(Dimension.BENEFIT, card["benefits"][:BENEFITS_SHOWN], labels),
        ],
        "recognised": recognised(row, state.today),
        "confirmed": confirmed,
        "stale": stale,
        "busy": wording.busy(date.fromisoformat(card["busy"]), state.today) if card["busy"] else "",
    }


@lru_cache(maxsize=256)
def others(count: int) -> str:
    if count < 1:
        return ""
    return ngettext("et %(n)d autre", "et %(n)d autres", count) % {"n": count}


def _mission(card: dict) -> list[dict]:
    return [{"name": card["mission"], "matched": False}] if card["mission"] else []


def place(card: dict, labels: Labels) -> str:
    city = labels.city(card["city"]).full_name
    return f"{city}, {labels.boroughs[card['borough']]}" if card["borough"] else city


def names(dimension: Dimension, row_ids: list[int], labels: Labels) -> list[str]:
    return [labels.by_code[code(dimension, row_id)].name for row_id in row_ids]


def valid_statuses(row: dict, today: date) -> list[int]:
    """Certified as of today; ISO dates compare as text."""
    day = today.isoformat()
    valid = [
        status for status, until in zip(row["statuses"], row["until"], strict=True) if until >= day
    ]
    return list(dict.fromkeys(valid))


def recognised(row: dict, today: date) -> str:
    day = today.isoformat()
    given, until = row["recognised_on"], row["recognised_until"]
    if not given or not given <= day <= until:
        return ""
    return wording.recognition(date.fromisoformat(given))


def summary(card: dict, labels: Labels) -> dict:
    """The few words of a card that stands outside a results page."""
    what = [name for name, _ in card["offerings"][:2]] or [card["mission"]]
    return {
        "name": card["name"],
        "url": reverse("directory:detail", args=[card["slug"]]),
        "city": labels.city(card["city"]).full_name,
        "what": ", ".join(what),
    }


def record(row: dict, state: State) -> dict:
    """One result of `/entreprises.json`."""
    card, labels = row["card"], state.labels
    city = labels.city(card["city"])
    sectors = [labels.by_code[code(Dimension.SECTOR, row_id)] for row_id in card["sectors"]]
    return {
        "slug": card["slug"],
        "name": card["name"],
        "neq": card["neq"],
        "city": city.name,
        "city_code": city.official,
        "county_code": labels.by_code[city.county].official,
        "region_code": labels.by_code[city.region].official,
        "borough": labels.boroughs.get(card["borough"]),
        "sectors": [label.key for label in sectors],
        "legal_form": card["form"],
        "statuses": [
            labels.by_code[code(Dimension.STATUS, status)].key
            for status in valid_statuses(row, state.today)
        ],
        "benefits": [
            labels.by_code[code(Dimension.BENEFIT, row_id)].key for row_id in card["benefits"]
        ],
        "offerings": [name for name, _ in card["offerings"]],
        "territory": _served(card["serves"], labels),
        "recognised_on": row["recognised_on"] if recognised(row, state.today) else None,
        "confirmed_on": row["confirmed_on"],
        "distance_km": round(row["distance"], 2) if "distance" in row else None,
        "url": reverse("directory:detail", args=[card["slug"]]),
    }


def _served(serves: list, labels: Labels) -> dict:
    province, regions, counties, cities = serves

    def official(dimension: Dimension, row_ids: list[int]) -> list[str]:
        return [labels.by_code[dimension * STEP + row_id].official for row_id in row_ids]

    return {
        "province": province,
        "regions": official(Dimension.REGION, regions),
        "counties": official(Dimension.COUNTY, counties),
        "cities": official(Dimension.CITY, cities),
    }
