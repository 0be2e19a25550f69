"""What a page of an import asks once of all the rows that say the same thing."""

from django.utils.translation import gettext as _

from directory.cells import Asked
from directory.gazetteer import key
from directory.imports import mapping, unread
from directory.imports.batches import EMPTY, Answers
from directory.imports.entries import short
from directory.imports.mapping import ANY
from directory.resources import EnterpriseResource

#: Columns without which a new listing is not made.
REQUIRED = {"legal_form"}


def places(batch, resource):
    """Municipalities to be told, each with the one to propose and those that it may be."""
    found = []
    for name, number in batch.counts.get("unplaced", {}).items():
        proposed, may_be = unread.places(name, resource.gazetteer)
        found.append({"name": name, "number": number, "proposed": proposed, "may_be": may_be})
    return most_frequent(found)


def words(batch, resource):
    """Things that are in no list of ours, each with what may be answered."""
    found = []
    for name, kept in batch.counts.get("unread", {}).items():
        column = resource.columns.get(name)
        if column is None or not isinstance(column.widget, Asked):
            continue
        names = dict(column.widget.options())
        for written, number in kept["said"]:
            proposed, likely = unread.likely(written, names)
            found.append(
                {
                    "of": f"{name}:{written}",
                    "column": column.label,
                    "written": written,
                    "number": number,
                    "proposed": proposed,
                    "likely": [(value, names[value]) for value in likely],
                    "others": [pair for pair in names.items() if pair[0] not in likely],
                }
            )
    return most_frequent(found)


def most_frequent(found):
    """The most frequent first: the database keeps no order of what is kept as JSON."""
    return sorted(found, key=lambda one: -one["number"])


def cells(batch, resource):
    """Columns of which some cells cannot be read, and may be left empty."""
    return [
        {"name": name, "label": resource.columns[name].label, "number": kept["rows"]}
        for name, kept in batch.counts.get("unread", {}).items()
        if name in resource.columns and not isinstance(resource.columns[name].widget, Asked)
    ]


def answered(batch, resource):
    """What was answered, to be taken back: what stands for it in the form, and its words."""
    found = []
    for written, answer in batch.places.items():
        label = mapping.label("city", resource)
        found.append((f"city:{written}", label, written, answer))
    for name, said in batch.answers.items():
        column = resource.columns.get(name)
        if column is None or name == "city":
            continue
        names = dict(column.widget.options()) if isinstance(column.widget, Asked) else {}
        for written, answer in said.items():
            text = _("ce qui n’est pas lisible") if written == ANY else short(written)
            shown = names.get(answer, answer) or _("case laissée vide")
            found.append((f"{name}:{written}", column.label, text, shown))
    return found


def asked(batch):
    """All of it, for the template."""
    resource = EnterpriseResource()
    return {
        "places": places(batch, resource),
        "words": words(batch, resource),
        "cells": cells(batch, resource),
        "answered": answered(batch, resource),
        "empty": EMPTY,
    }


def answers(post):
    """What the form says, as `batches.amend` takes it."""
    said = {}
    for of, answer in zip(post.getlist("of"), post.getlist("so"), strict=False):
        name, _colon, written = of.partition(":")
        if answer and key(written):
            said.setdefault(name, {})[written] = answer
    for name in post.getlist("empty"):
        said.setdefault(name, {})[ANY] = EMPTY
    return Answers(
        {
            name: answer
            for name, answer in zip(post.getlist("place"), post.getlist("is"), strict=False)
            if answer.strip()
        },
        said,
        [
            (name, written)
            for name, _c, written in (of.partition(":") for of in post.getlist("forget"))
        ],
    )
