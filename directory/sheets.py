"""A listing on one page of PDF, to join to a bid: tagged (PDF/UA-1), in French, its fonts within.

What people wrote goes to the typesetter as data, never as markup. Long lists are cut, and say how
many are left for the page on the site; the size of the text then goes down until all fits.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import typst
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory import uploads

TEMPLATE = settings.BASE_DIR / "templates" / "pdf/profile.typ"
#: Of each list, and characters of each text.
MOST, LONGEST, LONGEST_LEAD = 12, 180, 500
#: A sheet says whom to call, not everyone.
MOST_CONTACTS = 3
#: What the typesetter's fonts have all of. They have more, here and there: it is tried first.
DRAWN = re.compile(
    "[\x20-\x7e\xa0-\u02af\u0370-\u03ff\u0400-\u045f\u1e00-\u1eff\u2010-\u2027\u202f-\u2040"
    "\u2070-\u209c\u20a0-\u20bf\u2190-\u22ff\u25a0-\u25ff]"
)
#: In the place of a character that no font of ours has: an emoji, a Chinese or Cree letter.
BOX = "□"


def draw(page: Mapping[str, Any], *, logo: str, address: str, today: str) -> bytes:
    """The PDF of a listing. `page` is the listing in words, as its page prints it; `logo` the name
    of its file, "" where there is none; `address` where the listing is on the site; `today` in
    words."""
    said = _said(page, logo, address, today)
    try:
        return _typeset(said)
    except typst.TypstError:
        # PDF/UA has no room for a letter without a shape.
        return _typeset(_drawable(said) | {"title": _drawable(said["title"]) or BOX})


def _drawable(said: Any) -> Any:
    """The same with boxes for the characters that the fonts may lack."""
    if isinstance(said, dict):
        return {name: _drawable(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_drawable(value) for value in said]
    if not isinstance(said, str):
        return said
    return "".join(map(_shape, unicodedata.normalize("NFC", said)))


def _shape(character: str) -> str:
    category = unicodedata.category(character)
    if DRAWN.match(character) and category != "Cn":
        return character
    return "" if category[0] in "CM" else BOX  # controls and marks take no room


def _typeset(said: Mapping[str, Any]) -> bytes:
    words = json.dumps(said, default=str, ensure_ascii=False)
    return typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"said": words},
    )


def _said(page: Mapping[str, Any], logo: str, address: str, today: str) -> dict[str, Any]:
    where = " · ".join(filter(None, [page["place"], page["form"]]))
    recognised = page["recognised"]
    parts = [
        _facts(
            _("Joindre l’entreprise"),
            [
                (_("Téléphone"), page["phone"]),
                (_("Courriel"), page["email"]),
                (_("Site web"), page["website"]),
                (_("Adresse"), ", ".join(page["address_lines"])),
                *_some(
                    _("Autres personnes-ressources"),
                    [(_("Personne-ressource"), _contact(row)) for row in page["contacts"]],
                    MOST_CONTACTS,
                ),
            ],
        ),
        _items(_("Services"), page["services"]),
        _items(_("Produits"), page["products"]),
        _facts(
            _("Où, pour qui, à quelles conditions"),
            [
                (_("Territoire desservi"), page["territory"]),
                *((row["label"], row["value"]) for row in page["capacity"]),
                (_("Langues de service"), page["languages"]),
                (_("Taille"), page["size"]),
                (_("Disponibilité"), page["busy"]),
            ],
        ),
        _facts(
            _("Preuves et références"),
            [
                (_("NEQ"), page["neq"]),
                (_("Fondée en"), page["founded"]),
                *_some(
                    _("Autres statuts"),
                    [
                        (row["name"], _listed(row["issuer"], row["number"], row["expires"]))
                        for row in page["statuses"]
                    ],
                ),
                *_some(
                    _("Autres permis"),
                    [
                        (row["kind"], _listed(row["number"], row["expires"]))
                        for row in page["permits"]
                    ],
                ),
                *_some(
                    _("Autres travaux"),
                    [
                        (row["client"], _listed(row["work"], row["year"], row["amount"]))
                        for row in page["references"]
                    ],
                ),
            ],
        ),
        _items(
            _("Bienfaits pour la collectivité"),
            [{"name": row["name"], "description": row["evidence"]} for row in page["benefits"]],
        ),
    ]
    foot = _("%(site)s. Fiche du %(day)s\xa0: %(address)s") % {
        "site": settings.SITE_NAME,
        "day": today,
        "address": address,
    }
    return {
        "title": page["name"],
        "author": settings.SITE_NAME,
        "lines": [line for line in (where, recognised and recognised["text"]) if line],
        "lead": _cut(page["mission"], LONGEST_LEAD),
        "logo": _image(logo),
        "parts": [part for part in parts if part.get("facts") or part.get("items")],
        "foot": foot,
    }


def _facts(title: str, rows: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    facts = [{"label": str(label), "value": _cut(str(value))} for label, value in rows if value]
    return {"title": title, "facts": facts}


def _items(title: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    items = [{"title": row["name"], "text": _cut(row["description"])} for row in rows[:MOST]]
    if (left := len(rows) - MOST) > 0:
        items.append({"title": _left(left), "text": ""})
    return {"title": title, "items": items}


def _some(others: str, rows: Sequence[tuple[Any, Any]], most: int = MOST) -> list[tuple[Any, Any]]:
    """The first of these facts, and how many `others` are left."""
    left = len(rows) - most
    return [*rows[:most], *([(others, _left(left))] if left > 0 else [])]


def _left(number: int) -> str:
    text = ngettext("Et %(n)d autre sur le site", "Et %(n)d autres sur le site", number)
    return text % {"n": number}


def _contact(row: Mapping[str, Any]) -> str:
    return _listed(row["name"], row["function"], row["phone"], row["email"])


def _listed(*parts: Any) -> str:
    return ", ".join(str(part) for part in parts if part)


def _cut(text: str, longest: int = LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _image(name: str) -> list[int]:
    """The bytes of a logo, drawn anew: staff may have given one that the typesetter cannot read.
    Nothing where there is none to draw."""
    if not name or not default_storage.exists(name):
        return []
    with default_storage.open(name) as file:
        try:
            return list(uploads.redrawn(file))
        except uploads.Refused:
            return []
