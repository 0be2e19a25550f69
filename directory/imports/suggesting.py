"""What a file says otherwise than a person did: proposed to the moderators, never written.

In the caller's transaction, of enterprises that it holds.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from directory import sections
from directory.cells import pair
from directory.facets import STEP, Dimension
from directory.gazetteer import key
from directory.imports.entries import Entry
from directory.models import Enterprise, Revision, User, Visibility
from directory.resources import EnterpriseResource
from directory.sections import ROWS, SECTION_OF

#: Columns that a listing's sections call otherwise.
CALLED = {"statuses": "certifications"}
#: Columns of the keys of rows → the vocabulary, and what of a row stands for it in a section.
KEYED = {
    "sectors": (Dimension.SECTOR, "key"),
    "served_regions": (Dimension.REGION, "official"),
    "served_counties": (Dimension.COUNTY, "official"),
    "served_cities": (Dimension.CITY, "official"),
    "certifications": (Dimension.STATUS, "key"),
    "benefits": (Dimension.BENEFIT, "key"),
}


def suggest(entries: Sequence[Entry], resource: EnterpriseResource, *, by: User | None) -> None:
    """Keep as revisions that wait what these entries say otherwise than a person did, one for each
    section of a listing; their keys are added to each entry. Said again word for word, while what
    is kept is the same, it makes no second one, whatever was decided of the first."""
    wanted: dict[str, tuple[Entry, Revision]] = {}
    enterprises = Enterprise.objects.in_bulk(
        [entry.pk for entry in entries if {*entry.kept, *entry.kept_person} & IN_ROWS]
    )
    for entry in entries:
        if not entry.corrects:
            continue
        for section, changes in by_section(entry, enterprises.get(entry.pk), resource).items():
            revision = Revision(
                enterprise_id=entry.pk,
                section=section,
                base_version=entry.version,
                changes=changes,
                source=Enterprise.Source.IMPORT,
                submitted_by=by,
                key=key_of(entry.pk, section, changes),
                state=Revision.State.WAITING,
            )
            wanted[revision.key] = entry, revision
    known = set(Revision.objects.filter(key__in=wanted).values_list("key", flat=True))
    new = [pair for revision_key, pair in wanted.items() if revision_key not in known]
    Revision.objects.bulk_create([revision for _entry, revision in new])
    for entry, revision in new:
        entry.revisions.append(revision.pk)


def key_of(pk: int, section: str, changes: dict[str, Any]) -> str:
    said = json.dumps(["import", pk, section, changes], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def by_section(
    entry: Entry, enterprise: Enterprise | None, resource: EnterpriseResource
) -> dict[str, dict[str, Any]]:
    """Section → field → {"before", "proposed"}, as `sections` spells them. What no section has, a
    position for one, is left out."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for column, (before, value) in entry.kept.items():
        name = CALLED.get(column, column)
        if name not in SECTION_OF:
            continue
        if name in ROWS:
            now = rows_of(enterprise, name)
            said = {"before": now, "proposed": LISTS[name](now, value, resource)}
        else:
            said = {
                "before": spelt(name, before, resource),
                "proposed": spelt(name, value, resource),
            }
        found[SECTION_OF[name]][name] = said
    if entry.kept_person:
        now = rows_of(enterprise, "contacts")
        said = {"before": now, "proposed": with_person(now, entry.kept_person)}
        found[SECTION_OF["contacts"]]["contacts"] = said
    return found


#: What `Entry` names of fields that are many rows.
IN_ROWS = {"offerings", "statuses", "benefits", "permits", "name", "function", "email", "phone"}


def rows_of(enterprise: Enterprise | None, name: str) -> list[dict[str, Any]]:
    assert enterprise
    return sections.present(enterprise, SECTION_OF[name])[name]


def spelt(name: str, value: Any, resource: EnterpriseResource) -> Any:
    """A value in plain form, as `sections.present` spells it."""
    if name == "city":
        return resource.gazetteer.cities[value].official
    if name == "borough":
        return resource.labels.boroughs[value] if value else ""
    if name in KEYED:
        return sorted(words(name, value, resource))
    if name == "neq":
        return value or ""
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value


def words(name: str, value: Iterable[int], resource: EnterpriseResource) -> list[str]:
    """What stands, in a section, for the rows of these keys."""
    dimension, attribute = KEYED[name]
    known = {
        label.code % STEP: getattr(label, attribute) for label in resource.labels.of(dimension)
    }
    return [known[row] for row in value]


# --- Lists, as the file would have them: rows that stay keep what else they say


def offerings(now: list[dict], value: Sequence[tuple[str, str]], _resource: Any) -> list[dict]:
    pairs, added = pair([(row["kind"], row["name"]) for row in now], value)
    placed = {place: now[mine] for mine, place in pairs.items()}
    for place in added:
        kind, name = value[place]
        placed[place] = blank("offerings") | {"kind": kind or "service", "name": name}
    return [placed[place] for place in sorted(placed)]


def certifications(now: list[dict], value: Iterable[int], resource: EnterpriseResource) -> list:
    return of_vocabulary("certifications", "status", now, value, resource)


def benefits(now: list[dict], value: Iterable[int], resource: EnterpriseResource) -> list:
    return of_vocabulary("benefits", "benefit", now, value, resource)


def of_vocabulary(
    name: str, column: str, now: list[dict], value: Iterable[int], resource: EnterpriseResource
) -> list[dict]:
    wanted = words(name, value, resource)
    there = {row[column] for row in now}
    return [row for row in now if row[column] in wanted] + [
        blank(name) | {column: word} for word in wanted if word not in there
    ]


def permits(now: list[dict], value: Iterable[tuple], resource: EnterpriseResource) -> list[dict]:
    wanted = [(kind, number, spelt("", until, resource)) for kind, number, until in value]
    there = [(row["kind"], row["number"], row["expires_on"]) for row in now]
    return [row for row, said in zip(now, there, strict=True) if said in wanted] + [
        blank("permits") | {"kind": kind, "number": number, "expires_on": until}
        for kind, number, until in wanted
        if (kind, number, until) not in there
    ]


LISTS: dict[str, Callable[..., list[dict]]] = {
    "offerings": offerings,
    "certifications": certifications,
    "benefits": benefits,
    "permits": permits,
}


def with_person(now: list[dict], person: dict[str, Any]) -> list[dict]:
    """The people of a listing with this one completed, or added after the others."""
    proposed = [row | person if key(row["name"]) == key(person["name"]) else row for row in now]
    if proposed != now:
        return proposed
    seen = {
        "name_visibility": Visibility.PUBLIC.value,
        "email_visibility": Visibility.BUYERS.value,
        "phone_visibility": Visibility.BUYERS.value,
    }
    return [*now, blank("contacts") | seen | person]


def blank(name: str) -> dict[str, Any]:
    """A row that says nothing yet, as a section spells it."""
    model = ROWS[name].model
    values: dict[str, Any] = {"id": None}
    for column in ROWS[name].columns:
        values[column] = None if model._meta.get_field(column).null else ""
    return values
