"""What a page of an import shows of its rows: what becomes of each, why, its cells to correct."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from directory import wording
from directory.cells import Asked, join
from directory.gazetteer import key
from directory.imports import mapping, misread, rows, unread
from directory.imports.batches import layout_of
from directory.imports.entries import Outcome, short
from directory.imports.rows import ASIDE, PENDING, PREVIEWED, REMOVED, RESTORED, SAVED, STAYED
from directory.imports.unread import NEEDED
from directory.models import Enterprise, ImportBatch
from directory.resources import EnterpriseResource

State = ImportBatch.State
#: In the order of what a person has to do.
ORDER = (
    *(Outcome.REFUSED, Outcome.PROPOSED, Outcome.CREATED, Outcome.UPDATED, Outcome.LEFT),
    *(REMOVED, RESTORED, STAYED, ASIDE),
)
ONLY_UNDONE = {REMOVED, RESTORED, STAYED}
CORRECTIONS = ngettext_lazy(
    "correction proposée à la modération", "corrections proposées à la modération"
)
TO_PROPOSE = ngettext_lazy("correction à proposer", "corrections à proposer")
PLACE = ("city", "city_code", "borough", "province", "country")
LONG = {"mission", "description", "offerings", "served_cities"}


def tabs(batch):
    """The kinds of rows of a batch, with their number and the condition that finds them."""
    names = SAVED if batch.state in (State.APPLIED, State.UNDONE) else PREVIEWED
    found = [
        tab(outcome, names[outcome], batch.counts.get(outcome, 0), {"outcome": outcome})
        for outcome in ORDER
        if outcome not in ONLY_UNDONE or batch.state == State.UNDONE
    ]
    correcting = tab(
        "corrections",
        CORRECTIONS if batch.state == State.APPLIED else TO_PROPOSE,
        batch.counts.get("correcting", 0),
        {"messages__contains": [{"kind": "kept"}]},
    )
    return [*found[:5], correcting, *found[5:]]


def tab(name, label, number, rows):
    return {"name": str(name), "label": label % number, "number": number, "rows": rows}


def shown(batch, some):
    """These rows as the template shows them."""
    resource = EnterpriseResource()
    layout = layout_of(batch, resource)
    some = list(some)
    alike = sides(batch, some, layout, resource)
    items = [row_shown(batch, row, layout, resource, alike) for row in some]
    for item in items:
        item["compared"] = compared(item, resource) if item["alike"] else []
    return items


def row_shown(batch, row, layout, resource, alike):
    by_column = {}
    others, kept = [], []
    above = {*batch.counts.get("unread", {}), *(PLACE if batch.counts.get("unplaced") else ())}
    fields = cells(row, layout, resource)
    names = {field["name"] for field in fields}
    for message in row.messages:
        if message["kind"] == "kept":
            kept.append(message)
        elif message["kind"] == "refusal" and message["name"] in names:
            by_column.setdefault(message["name"], []).append(message)
        else:
            others.append(message)
    for field in fields:
        field["errors"] = by_column.get(field["name"], [])
        field["choices"] = cell_choices(field, layout, resource)
        several = len(field["choices"]) > 1
        field["field_name"] = field["id"] + (SEVERAL if several else "")
        field["empty"] = may_be_empty(field)
        # Most are needless: only what has to be told the enterprise by is.
        field["may_be_empty"] = bool(field["errors"] and field["text"] and field["empty"])
        field["misread"] = to_rewrite(field)
        field["mended"] = misread.mended(field["text"]) if field["misread"] else ""
    written = batch.state in (State.APPLIED, State.UNDONE)
    pending = row.outcome in PENDING
    return {
        "row": row,
        "name": name_of(row, layout),
        "messages": others,
        "kept": kept,
        "changes": changes(row, resource),
        "wrong": [field for field in fields if field["errors"]],
        "fields": [field for field in fields if not field["errors"]],
        "editable": pending or not written and row.outcome != ASIDE,
        "listed": row.enterprise,
        "choices": choices(row, written),
        "alike": [alike[told(one)] for one in row.candidates if told(one) in alike],
        "own": own_side(row, layout, resource) if row.candidates else {},
        # What is asked above of all rows needs no form of its own to be open.
        "folded": row.outcome == Outcome.REFUSED
        and not any(field["misread"] for field in fields)
        and all(message["name"] in above for message in row.messages if is_wrong(message)),
        "seen": rows.seen(row),
    }


def is_wrong(message):
    return message["kind"] == "refusal"


def may_be_empty(field):
    return field["name"] not in {*NEEDED, *PLACE, "legal_form"}


# --- What a cell may say

#: What ends the name of the fields that are one cell, each a thing that it says.
SEVERAL = "[]"
#: Things of a list that a cell says, each chosen by itself.
MOST_CHOSEN = 10


def cell_choices(field, layout, resource):
    """The choices to make of a cell that says things of a list: the first stands for what it says;
    none where a text has to be written. One that says several of a long list shows them only where
    one is wrong: what reads well is left as it is written."""
    column = resource.columns.get(field["name"])
    widget = column.widget if column else None
    if not isinstance(widget, Asked) or widget.several and not field["errors"]:
        return []
    try:
        parts = [*widget.parts(field["text"]), ""] if widget.several else [field["text"]]
    except ValueError:  # more than a cell may hold
        return []
    if len(parts) > MOST_CHOSEN:
        return []
    names = dict(widget.options())
    answers = layout.answers.get(field["name"], {})
    found = []
    for part in parts:
        wrong = bool(part) and not widget.reads(part) and key(part) not in answers
        likely = unread.likely(part, names)[1] if wrong else []
        found.append(
            {
                "said": part,
                "value": join([part]) if widget.several else part,
                "wrong": wrong or not part and bool(field["errors"]) and len(parts) == 1,
                "likely": [option(names[value], widget) for value in likely],
                "others": [
                    option(name, widget)
                    for value, name in names.items()
                    if value not in likely and name != part
                ],
            }
        )
    return found


def option(name, widget):
    """How a cell would write it, and its name: what is sent back to the partner is in words."""
    return (join([name]) if widget.several else name), name


def to_rewrite(field):
    """Whether a cell was misread, unless what it said is asked otherwise: in a list, or above."""
    asked = field["choices"] or field["name"] == "city"
    return bool(field["errors"]) and not asked and misread.awry(field["text"])


def cities(items, asked):
    """Every municipality, to be chosen from, where one is asked on the page."""
    wrong = (field["name"] for item in items for field in item["wrong"])
    if not (asked and asked["places"] or "city" in wrong):
        return []
    gazetteer = EnterpriseResource().gazetteer
    return sorted((gazetteer.written(city) for city in gazetteer.cities), key=key)


# --- Two that may be one, side by side

SIDE = ("name", "city", "phone", "address", "neq")


def told(candidate):
    """What tells a candidate: its listing, else its row in the file."""
    return candidate["slug"] or candidate["row"]


def sides(batch, some, layout, resource):
    """What each candidate of these rows says: that of its listing, or of its row of the file."""
    candidates = [one for row in some for one in row.candidates]
    slugs = {one["slug"] for one in candidates if one["slug"]}
    numbers = {one["row"] for one in candidates if not one["slug"]}
    found = {}
    listed = Enterprise.objects.filter(slug__in=slugs).select_related("city")
    for enterprise in listed:
        found[enterprise.slug] = {
            "title": _("Au répertoire, %(state)s") % {"state": enterprise.get_state_display()},
            "url": reverse("admin:directory_enterprise_change", args=[enterprise.pk]),
            "said": [
                enterprise.name,
                resource.gazetteer.written(enterprise.city_id),
                wording.phone(enterprise.phone) if enterprise.phone else "",
                enterprise.address,
                enterprise.neq or "",
            ],
        }
    for row in batch.rows.filter(number__in=numbers):
        title = _("Ligne %(number)d du fichier") % {"number": row.number}
        found[row.number] = {"title": title, **own_side(row, layout, resource)}
    return found


def own_side(row, layout, resource):
    return {"said": [rows.text(row, name, layout) for name in SIDE]}


def compared(item, resource):
    """The table of a row and of what it may be: a line for each thing, a column for each."""
    all_sides = [item["own"], *item["alike"]]
    return [
        {
            "label": mapping.label(name, resource),
            "said": [one["said"][place] for one in all_sides],
            "same": len({key(one["said"][place]) for one in all_sides}) == 1,
        }
        for place, name in enumerate(SIDE)
        if any(one["said"][place] for one in all_sides)
    ]


def name_of(row, layout):
    """What the row is called on the page: its name and its city, as far as it says them."""
    said = [rows.text(row, name, layout) for name in ("name", "city")]
    if not said[0] and row.enterprise:
        said[0] = row.enterprise.name
    return ", ".join(text for text in said if text) or _("sans nom")


def cells(row, layout, resource):
    """The cells that may be corrected: those of the file in its order, then those it lacks."""
    own = sorted(layout.positions, key=lambda name: layout.positions[name])
    lacking = [message["name"] for message in row.messages if message["kind"] == "refusal"]
    names = dict.fromkeys([*own, *row.corrections, *lacking])
    return [
        {
            "name": name,
            "id": f"{row.pk}-{name}",
            "label": layout.where(name, resource).text,
            "text": rows.text(row, name, layout),
            "long": name in LONG,
        }
        for name in names
        if name in resource.columns or name in mapping.HELPERS
    ]


def choices(row, written):
    """What a person may say of the row as a whole: value, words, whether it is what stands."""
    if row.outcome == ASIDE:
        return [("back", _("reprendre cette ligne"))]
    if row.outcome not in PENDING and written:
        return []
    found = []
    for one in row.candidates:
        if one["slug"]:
            why = ", ".join(one["reasons"])
            text = _("c’est %(name)s") % {"name": one["name"]}
            found.append((f"={one['slug']}", f"{text}, {why}" if why else text))
    if row.candidates and not any(one["same"] for one in row.candidates):
        found.append(("=" + mapping.NEW, _("c’est une autre entreprise\xa0: la créer")))
    if "slug" in row.corrections:
        found.append(("undecided", _("revenir sur ce qui a été dit de cette ligne")))
    return [*found, ("aside", _("laisser cette ligne de côté"))]


def changes(row, resource):
    """What it changes: column, before, after; nothing of a listing that it makes."""
    if not row.before:
        return []
    found = []
    for name, (before, after) in row.before["fields"].items():
        column = resource.columns[name]
        if name == "borough" and after is None:
            continue
        texts = [
            short(str(column.widget.render(value)), 200) if value not in (None, ()) else ""
            for value in (rows.load(before), rows.load(after))
        ]
        found.append((column.label, *texts))
    if person := row.before.get("contact"):
        for name, after in person["after"].items():
            column = resource.columns[f"contact_{name}"]
            before = (person["before"] or {}).get(name, "")
            found.append((column.label, *(str(column.widget.render(v)) for v in (before, after))))
    return found


def both_said(batch, conflict):
    """A row that two people corrected: what it says now, and what the second wrote."""
    resource = EnterpriseResource()
    layout = layout_of(batch, resource)
    said = [
        (layout.where(name, resource).text, rows.text(conflict.row, name, layout), yours)
        for name, yours in conflict.yours.items()
        if name in resource.columns and yours != rows.text(conflict.row, name, layout)
    ]
    return {"row": conflict.row, "said": said}
