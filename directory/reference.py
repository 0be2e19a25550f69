"""The data the site starts with: Québec's territory, and words for staff to make their own.

Places follow the official files at every load, except their slug, which is a public address.
Vocabularies belong to staff: a row is given once, remembered in `SeededKey`, and then left alone
whether staff renamed, reordered, merged, retired or deleted it. Nothing is ever deleted here.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models

from directory.models import (
    Benefit,
    Borough,
    City,
    PostalArea,
    PurchasingCategory,
    Region,
    RegionalCounty,
    Sector,
    SeededKey,
    Status,
    Synonym,
    SynonymGroup,
    Vocabulary,
)
from directory.transactions import long_transaction

FOLDER = settings.BASE_DIR / "fixtures" / "reference"

# Between two rows of a seeded vocabulary, so that staff can slip others in.
POSITION_STEP = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Count:
    """What became of the rows of one file; `extra` are those of the database it does not have."""

    label: str
    created: int
    updated: int
    left: int
    extra: int = 0


def load(folder: Path = FOLDER) -> list[Count]:
    """Load the files of `folder` (its README says what each holds), all or nothing.

    Gives one `Count` per file. Two loads at once wait for each other. Raises KeyError when a row
    names a place that no file has.
    """
    with long_transaction():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE directory_seededkey IN SHARE ROW EXCLUSIVE MODE")
        return [
            regions(folder),
            counties(folder),
            cities(folder),
            boroughs(folder),
            postal_areas(folder),
            vocabulary(Sector, folder / "sectors.csv"),
            vocabulary(Status, folder / "statuses.csv"),
            vocabulary(Benefit, folder / "benefits.csv"),
            purchasing_categories(folder),
            synonyms(folder),
        ]


# --- Places


def regions(folder: Path) -> Count:
    return follow(Region, rows_of(folder / "regions.csv"))


def counties(folder: Path) -> Count:
    """MRCs and the territories that stand for one: every city has its county."""
    region_ids = dict(Region.objects.values_list("code", "pk"))
    rows = [
        {"region_id": region_ids[row.pop("region")], **row}
        for row in rows_of(folder / "counties.csv")
    ]
    return follow(RegionalCounty, rows)


def cities(folder: Path) -> Count:
    county_ids = dict(RegionalCounty.objects.values_list("code", "pk"))
    rows = [
        {"county_id": county_ids[row.pop("county")], **row}
        for row in rows_of(folder / "cities.csv")
    ]
    return follow(City, rows)


def boroughs(folder: Path) -> Count:
    city_ids = dict(City.objects.values_list("code", "pk"))
    rows = [
        {"city_id": city_ids[row.pop("city")], **row} for row in rows_of(folder / "boroughs.csv")
    ]
    return follow(Borough, rows, key=("city_id", "slug"))


def postal_areas(folder: Path) -> Count:
    return follow(PostalArea, rows_of(folder / "postal_areas.csv"))


def follow(model: type[models.Model], rows: Iterable[Row], key: Sequence[str] = ("code",)) -> Count:
    """Make the table say what the file says, but for the slugs that are already given."""
    kept = {tuple(getattr(row, name) for name in key): row for row in model._default_manager.all()}
    taken = {getattr(row, "slug", None) for row in kept.values()}
    facts: list[str] = []
    new, changed, left = [], [], 0
    for values in rows:
        values = typed(model, values)
        facts = facts or [name for name in values if name not in key and name != "slug"]
        found = kept.pop(tuple(values[name] for name in key), None)
        if found is None:
            if "slug" not in key and values.get("slug") in taken:  # a dissolved place keeps its own
                values["slug"] = f"{values['slug']}-{values['code']}"
            new.append(model(**values))
        elif any(getattr(found, name) != values[name] for name in facts):
            # Never inserted: its key is there, and its slug is not among what is updated.
            changed.append(model(**values))
        else:
            left += 1
    model._default_manager.bulk_create(
        [*new, *changed],
        update_conflicts=True,
        unique_fields=[name.removesuffix("_id") for name in key],
        update_fields=[name.removesuffix("_id") for name in facts],
    )
    return Count(plural(model), len(new), len(changed), left, extra=len(kept))


# --- Vocabularies


def vocabulary(model: type[Vocabulary], path: Path) -> Count:
    rows = [
        {**row, "position": number * POSITION_STEP, "origin": Vocabulary.Origin.SEED}
        for number, row in enumerate(rows_of(path), start=1)
    ]
    return seed(model, rows, key="slug")


def purchasing_categories(folder: Path) -> Count:
    """The SEAO's categories; those it no longer uses are there for old contracts, retired."""
    rows = [
        {
            "retired": row.pop("in_use") == "0",
            **row,
            "position": number * POSITION_STEP,
            "origin": Vocabulary.Origin.SEED,
        }
        for number, row in enumerate(rows_of(folder / "purchasing_categories.csv"), start=1)
    ]
    return seed(PurchasingCategory, rows, key="slug")


def synonyms(folder: Path) -> Count:
    """Groups, each given once with all its terms."""
    terms: dict[str, list[str]] = {}
    for row in rows_of(folder / "synonyms.csv"):
        terms.setdefault(row["group"], []).append(row["term"])
    before = set(SynonymGroup.objects.values_list("name", flat=True))
    count = seed(SynonymGroup, [{"name": name} for name in terms], key="name")
    given = SynonymGroup.objects.filter(name__in=terms).exclude(name__in=before)
    Synonym.objects.bulk_create(
        Synonym(group=group, term=term) for group in given for term in terms[group.name]
    )
    return count


def seed(model: type[models.Model], rows: Sequence[Row], key: str) -> Count:
    """Give the rows not given yet; one that staff have already written themselves is theirs."""
    name = str(model._meta.model_name)
    given = set(SeededKey.objects.filter(vocabulary=name).values_list("key", flat=True))
    fresh = [row for row in rows if row[key] not in given]
    before = model._default_manager.count()
    model._default_manager.bulk_create([model(**row) for row in fresh], ignore_conflicts=True)
    SeededKey.objects.bulk_create(SeededKey(vocabulary=name, key=row[key]) for row in fresh)
    created = model._default_manager.count() - before
    return Count(plural(model), created, 0, len(rows) - created)


# --- Files


def rows_of(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def typed(model: type[models.Model], values: Row) -> Row:
    """The values of a CSV row as the fields of the model hold them."""
    meta: Any = model._meta
    return {name: meta.get_field(name).to_python(value) for name, value in values.items()}


def plural(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)
