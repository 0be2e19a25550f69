"""How well the search answers: real phrasings, each with what an answer must sell.

Used by the test that holds the share found above its floor, and by the bench, which prints it. The
database must hold the demonstration's enterprises.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from directory.models import City, Enterprise
from directory.search import fold
from tests import demonstration

PHRASINGS = Path(__file__).parent / "directory" / "data" / "phrasings.csv"
#: The answer must be among so many.
FIRST = 5


@dataclass(frozen=True)
class Answer:
    """What the site gave for one phrasing; `rank` is that of the first good one, 0 for none."""

    kind: str
    phrasing: str
    total: int
    rank: int


def load(today):
    """The demonstration's enterprises, without their logos, in an order that never changes: the
    one drawn at random for equals would make one run differ from the next."""
    demonstration.write(today=today)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE directory_listing SET position = places.place FROM ("
            " SELECT l.enterprise_id, (rank() OVER (ORDER BY md5(e.slug)) - 1)::float8"
            "  / count(*) OVER () AS place"
            " FROM directory_listing l JOIN directory_enterprise e ON e.id = l.enterprise_id"
            ") places WHERE places.enterprise_id = directory_listing.enterprise_id"
        )


def answers(client):
    """What `/entreprises.json` gives for each phrasing of the set, in its order."""
    with PHRASINGS.open(newline="") as file:
        return [answer(client, row) for row in csv.DictReader(file)]


def shares(given):
    """Kind → share of its phrasings answered among the first, and "all"."""
    asked, found = Counter(), Counter()
    for answer in given:
        for kind in (answer.kind, "all"):
            asked[kind] += 1
            found[kind] += bool(answer.rank)
    return {kind: found[kind] / asked[kind] for kind in asked}


def report(given):
    """The shares by kind and the phrasings missed, in lines to print."""
    sizes = Counter(answer.kind for answer in given) + Counter({"all": len(given)})
    lines = [
        f"{kind:24}{sizes[kind]:5}{share:8.1%}"
        for kind, share in sorted(shares(given).items(), key=lambda row: (row[0] == "all", row))
    ]
    first = sum(answer.rank == 1 for answer in given) / len(given)
    lines.append(f"{'all, as the first result':24}{len(given):5}{first:8.1%}")
    return lines + [
        f"  missed: « {answer.phrasing} » ({answer.kind}), {answer.total} results"
        for answer in given
        if not answer.rank
    ]


def answer(client, row):
    """The same for one row of the set."""
    page = client.get("/entreprises.json", {"q": row["phrasing"], "taille": FIRST}).json()
    city = row["city"] and City.objects.select_related("county__region").get(code=row["city"])
    good = [
        any(sells(fold(name), row) for name in result["offerings"])
        and (not city or reaches(Enterprise.objects.get(slug=result["slug"]), city))
        for result in page["results"]
    ]
    rank = good.index(True) + 1 if True in good else 0
    return Answer(row["kind"], row["phrasing"], page["total"], rank)


def sells(name, row):
    """Whether an offering of this folded name is what the phrasing is after."""
    return bool(re.search(row["offering"], name))


def reaches(enterprise, city):
    """Whether it is in this city, or says that it, or something that it offers, goes there."""
    return enterprise.city_id == city.pk or any(
        seller.serves_province
        or seller.served_regions.filter(pk=city.county.region_id).exists()
        or seller.served_counties.filter(pk=city.county_id).exists()
        or seller.served_cities.filter(pk=city.pk).exists()
        for seller in (enterprise, *enterprise.offerings.all())
    )
