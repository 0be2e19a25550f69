"""An enterprise as a card for an address book: vCard 3.0.

3.0 rather than 4.0 because Outlook reads no later version and telephones read both. Escapes and
folds are those that both have in common (RFC 6350, 3.2 and 3.4). Outlook keeps the first card of a
file alone: it is that of the enterprise, those of the people come after.
"""

import unicodedata
from typing import Any

from django.utils.text import capfirst

from directory import wording

#: Octets of a line, its end not counted.
LONGEST_LINE = 75
ADDRESSES = {"URL;TYPE=WORK", "SOURCE", "UID"}
ESCAPES = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n"})


def cards(enterprise: Any, city: str, sectors: list[str], address: str) -> str:
    """The file, with the lines that RFC 6350 asks for.

    `enterprise` comes from `profile.profiles()`, which left out of its contacts what its reader may
    not see; `city` and `sectors` are names; `address` is that of the page."""
    rows = [
        ["N", enterprise.name, "", "", "", ""],
        ["FN", enterprise.name],
        ["ORG", enterprise.name],
        # Telephones then file it under this name, not under a person without one.
        ["X-ABShowAs", "COMPANY"],
        *_phone(enterprise.phone, enterprise.phone_extension),
        *_email(enterprise.email),
        ["ADR;TYPE=WORK", "", "", enterprise.address, city, "Québec", enterprise.postal_code]
        + ["Canada"],
        *_website(enterprise.website),
        *([["NOTE", enterprise.mission]] if enterprise.mission else []),
        *([["CATEGORIES", sectors]] if sectors else []),
        ["SOURCE", address],
        ["UID", address],
        ["REV", f"{enterprise.updated_at:%Y-%m-%dT%H:%M:%SZ}"],
    ]
    return _card(rows) + "".join(
        _card(_person(contact, enterprise.name))
        for contact in enterprise.contact_list
        if contact["email"] or contact["phone"]  # else there is nothing to keep a card for
    )


def _person(contact: dict, organisation: str) -> list[list]:
    # A name is kept whole: what is a family name in it, nobody said.
    function = capfirst(contact["function"])
    name = contact["name"] or function or organisation
    return [
        ["N", name, "", "", "", ""],
        ["FN", name],
        ["ORG", organisation],
        *([["TITLE", function]] if function else []),
        *_phone(contact["phone"], contact["extension"]),
        *_email(contact["email"]),
    ]


def _phone(number: str, extension: str) -> list[list]:
    if not number:
        return []
    written = f"+1 {wording.phone(number)}".replace(wording.NBSP, " ")
    return [["TEL;TYPE=WORK,VOICE", f"{written} x{extension}" if extension else written]]


def _email(email: str) -> list[list]:
    return [["EMAIL;TYPE=INTERNET,WORK", email]] if email else []


def _website(url: str) -> list[list]:
    address = wording.website(url)[0]
    return [["URL;TYPE=WORK", address]] if address else []


def _card(rows: list[list]) -> str:
    lines = ["BEGIN:VCARD", "VERSION:3.0"]
    for name, *parts in rows:
        # The parts of a value are apart by semicolons, the values of a list by commas.
        # An address of the web is none of those: it stands as it is.
        plain = name in ADDRESSES
        texts = [
            ",".join(map(_escaped, part))
            if isinstance(part, list)
            else _escaped(part, {} if plain else ESCAPES)
            for part in parts
        ]
        lines.append(f"{name}:{';'.join(texts)}")
    lines.append("END:VCARD")
    return "".join(_folded(line) for line in lines)


def _escaped(text: str, escapes: dict = ESCAPES) -> str:
    # Whatever ends a line for some reader is one line break, and no other control goes in.
    text = "\n".join(text.splitlines()).translate(escapes)
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cc")


def _folded(line: str) -> str:
    """In lines of 75 octets, those that follow begun by a space; never within a character."""
    folded, length = [], 0
    for sign in line:
        size = len(sign.encode())
        if length + size > LONGEST_LINE:
            folded.append("\r\n ")
            length = 1
        folded.append(sign)
        length += size
    return "".join(folded) + "\r\n"
