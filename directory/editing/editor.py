"""A section as its page edits it."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.utils import ErrorDict, ErrorList
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import sections
from directory.editing.forms import FORMS
from directory.editing.rows import SETS
from directory.labels import Labels
from directory.models import Enterprise, Section
from directory.sections import Value

#: What a form sends beside its fields: the key that makes it one, the version and the values that
#: the person had before them.
KEY, VERSION, SEEN = "formulaire", "version", "vu"


#: The parts of each page, in their order: a title, then fields, or a field of rows.
LAYOUT: dict[str, list[tuple[Any, tuple[str, ...]]]] = {
    Section.IDENTITY: [
        (_("Qui vous êtes"), ("name", "other_names", "legal_form", "neq", "founded_year")),
        (_("Ce que vous faites"), ("sectors", "mission", "languages", "size")),
    ],
    Section.OFFERINGS: [
        (None, ("offerings",)),
        (_("En plus"), ("description",)),
        (None, ("benefits",)),
    ],
    Section.PLACES: [
        (_("Où vous êtes"), ("address", "city", "borough", "postal_code")),
        (
            _("Où vous livrez ou travaillez"),
            ("serves_province", "served_regions", "served_counties", "served_cities"),
        ),
    ],
    Section.CAPACITY: [
        (_("Votre disponibilité"), ("busy_until", "lead_time_days")),
        (
            _("Ce que vous pouvez prendre"),
            (
                *("smallest_order", "largest_order", "insured_amount"),
                *("accepts_cobidding", "on_seao"),
            ),
        ),
        (None, ("permits",)),
        (None, ("certifications",)),
        (None, ("references",)),
    ],
    Section.CONTACTS: [
        (_("L’entreprise"), ("phone", "phone_extension", "email", "website")),
        (None, ("contacts",)),
    ],
}


class Editor:
    """A section as its page edits it: one form and its sets of rows, bound to `data` if given."""

    def __init__(
        self,
        section: str,
        enterprise: Enterprise,
        labels: Labels,
        data: QueryDict | None = None,
    ) -> None:
        self.section, self.enterprise, self.labels = section, enterprise, labels
        said = sections.present(enterprise, section)
        self.form = FORMS[section](data, said, labels)
        self.sets = {name: SETS[name](data, said[name], labels) for name in said if name in SETS}
        if data is None:
            self.key = secrets.token_urlsafe(12)
            self.version = enterprise.version
            self.seen = {name: sections.digest(value) for name, value in said.items()}
        else:
            self.key = data.get(KEY, "")[:64]
            self.version = int(text) if (text := data.get(VERSION, "")[:9]).isdecimal() else 0
            self.seen = _read_seen(data.get(SEEN, "")[:4_000])

    def is_valid(self) -> bool:
        # All of them are asked, so that all mistakes are shown at once.
        return all([self.form.is_valid(), *(rows.is_valid() for rows in self.sets.values())])

    def said(self) -> dict[str, Value]:
        """Every field of the section as it was typed, in the spelling of `sections`."""
        said = self.form.said() | {name: rows.said() for name, rows in self.sets.items()}
        return {name: said[name] for name in sections.FIELDS[self.section]}

    @property
    def understood(self) -> list[str]:
        """Municipalities that were read otherwise than they were typed, in a sentence each."""
        return [
            gettext("Nous avons lu «\xa0%(read)s\xa0» pour «\xa0%(typed)s\xa0».")
            % {"read": read, "typed": typed[:80]}
            for field in self.form.fields.values()
            for typed, read in getattr(field, "understood", {}).items()
        ]

    def refuse(self, mistakes: Mapping[str, list[str]]) -> None:
        """Show what the listing could not hold beside the fields that said it."""
        for name, texts in mistakes.items():
            if name in self.sets:
                self.sets[name]._non_form_errors.extend(texts)
            else:
                for text in texts:
                    self.form.add_error(name if name in self.form.fields else None, text)

    def quiet(self, added: str = "") -> None:
        """Show what was typed without saying yet what is wrong with it; `added` is the field to
        which a row was just added, where one goes on typing."""
        for form in [self.form, *(row for rows in self.sets.values() for row in rows.forms)]:
            form._errors, form.cleaned_data = ErrorDict(), {}
        for rows in self.sets.values():
            rows._errors, rows._non_form_errors = [], ErrorList()
        if added and (rows := self.sets[added].forms):
            rows[-1].added = True
            rows[-1].questions[0].field.widget.attrs["autofocus"] = True

    @property
    def token(self) -> str:
        return ",".join(f"{name}:{digest}" for name, digest in self.seen.items())

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """What the page shows, in order."""
        blocks: list[dict[str, Any]] = []
        for title, names in LAYOUT[self.section]:
            if names[0] in self.sets:
                blocks.append({"rows": self.sets[names[0]]})
            else:
                blocks.append({"title": title, "fields": [self.form[name] for name in names]})
        return blocks

    @property
    def mistakes(self) -> list[dict[str, str]]:
        """Each mistake, with what it is about and its id."""
        places = [(self.form, "")]
        for rows in self.sets.values():
            places += [
                (
                    row,
                    row.title
                    or gettext("%(rows)s, ligne %(number)d")
                    % {"rows": rows.title, "number": rows.forms.index(row) + 1},
                )
                for row in rows.kept
            ]
        found = [
            {"text": _about([place, form.fields.get(name)], text), "at": _at(form, name)}
            for form, place in places
            for name, texts in form.errors.items()
            for text in texts
        ]
        return found + [
            {"text": text, "at": f"{name}-titre"}
            for name, rows in self.sets.items()
            for text in rows.non_form_errors()
        ]


def _about(parts: Sequence[Any], text: str) -> str:
    """« Traiteur, Catégorie : … », of the row and the field that a mistake is in."""
    names = [getattr(part, "label", part) for part in parts if part]
    return (
        gettext("%(where)s\xa0: %(mistake)s")
        % {"where": ", ".join(map(str, names)), "mistake": text}
        if names
        else text
    )


def _at(form: forms.Form, name: str) -> str:
    if name not in form.fields:
        return ""
    field = form[name]
    return f"{field.auto_id}_0" if field.use_fieldset else field.auto_id


def _read_seen(text: str) -> dict[str, str]:
    pairs = (pair.partition(":") for pair in text.split(","))
    return {name: digest for name, _colon, digest in pairs if digest}


def another_row(data: Mapping[str, list[str]], name: str, most: int) -> dict[str, list[str]]:
    """What was typed (`drafts.typed`), with one more empty row of this field, of `most`."""
    counter = f"{name}-TOTAL_FORMS"
    total = data.get(counter, [""])[-1][:4]
    rows = min(int(total) + 1 if total.isdecimal() else 1, most)
    ready = {
        f"{name}-{rows - 1}-{field}": [str(one.initial)]
        for field, one in SETS[name].form.base_fields.items()
        if one.initial is not None
    }
    return {**data, **ready, counter: [str(rows)]}
