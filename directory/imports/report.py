"""What an import did or would do: in words, as a file with a line for each row, and as JSON."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from directory.exports import neutralise
from directory.imports.entries import OUTCOMES, PLANNED, Entry, Outcome, sentence
from directory.imports.mapping import label
from directory.imports.run import Each, Group, Import, Summary
from directory.wording import number

#: Groups of messages shown of each kind, and values of one group.
MOST_GROUPS = 12
MOST_VALUES = 6

COUNTED = {
    Outcome.CREATED: gettext_lazy("à créer (brouillons)"),
    Outcome.UPDATED: gettext_lazy("à mettre à jour"),
    Outcome.LEFT: gettext_lazy("inchangées"),
    Outcome.PROPOSED: gettext_lazy("à trancher par une personne"),
    Outcome.REFUSED: gettext_lazy("refusées"),
}
DONE = COUNTED | {
    Outcome.CREATED: gettext_lazy("créées (brouillons)"),
    Outcome.UPDATED: gettext_lazy("mises à jour"),
}
KINDS = {
    "refusal": gettext_lazy("Refus"),
    "proposal": gettext_lazy("Doublons possibles"),
    "kept": gettext_lazy("Valeurs gardées, que le fichier dit autrement"),
    "note": gettext_lazy("À savoir"),
}


@contextmanager
def written(path: Path | None, *, applied: bool) -> Iterator[Each]:
    """Gives what to call with each entry, to write its line of the report.

    The file takes its name once the work is done: one that is stopped leaves no report, or the one
    that was there. Parted by semicolons, with a byte-order mark: what a spreadsheet in French
    opens as it is."""
    if path is None:
        yield lambda entry: None
        return
    path = path.resolve()
    # A terminal or a pipe is written to, not replaced.
    whole = path if path.exists() and not path.is_file() else path.with_name(f".{path.name}.part")
    try:
        with whole.open("w", encoding="utf-8-sig", newline="") as file:
            yield lines_of(file, OUTCOMES if applied else PLANNED)
        if whole != path:
            whole.replace(path)
    finally:
        if whole != path:
            whole.unlink(missing_ok=True)


def lines_of(file: TextIO, outcomes: Mapping[Outcome, Any]) -> Each:
    writer = csv.writer(file, delimiter=";")
    writer.writerow([_("Ligne"), _("Résultat"), _("Entreprise"), _("Fiche"), _("Messages")])

    def line(entry: Entry) -> None:
        messages = "\n".join(str(message) for message in entry.messages)
        texts = [str(outcomes[entry.outcome]), entry.name, entry.slug, messages]
        writer.writerow([entry.row, *map(neutralise, texts)])

    return line


def columns(work: Import) -> list[str]:
    """The table of what was understood of the file."""
    layout, resource = work.layout, work.resource
    lines = [
        _("%(kind)s\xa0; en-têtes à la ligne %(row)d")
        % {"kind": sentence(work.table.description), "row": work.table.header_row},
        "",
        _("Colonnes lues"),
    ]
    width = max(map(len, layout.headers.values()), default=0)
    for name, header in layout.headers.items():
        lines.append(f"  {header:<{width}}  →  {label(name, resource)}  ({name})")
    for name, value in layout.constants.items():
        lines.append(f"  {_('valeur par défaut'):<{width}}  →  {name} = {value}")
    if layout.unread:
        lines += ["", _("Colonnes laissées de côté")]
        width = max(len(header) for header, _reason in layout.unread)
        lines += [f"  {header:<{width}}  {reason}" for header, reason in layout.unread]
    return lines


def counts(summary: Summary) -> list[str]:
    names = DONE if summary.applied else COUNTED
    width = max(len(str(name)) for name in names.values())
    total = ngettext("%(n)s ligne", "%(n)s lignes", summary.rows) % {"n": number(summary.rows)}
    lines = [total]
    lines += [
        f"  {str(names[outcome]):<{width}}  {number(count):>7}"
        for outcome, count in summary.counts.items()
    ]
    return lines


def messages(summary: Summary) -> list[str]:
    lines = []
    for kind, title in KINDS.items():
        groups = summary.of(kind)
        if not groups:
            continue
        lines += ["", str(title)]
        for group in groups[:MOST_GROUPS]:
            lines += grouped(group)
        if len(groups) > MOST_GROUPS:
            lines.append(
                _("  … et %(n)d autres raisons, dans le rapport (--report).")
                % {"n": len(groups) - MOST_GROUPS}
            )
    return lines


def grouped(group: Group) -> Iterable[str]:
    message = group.message
    where = f"{message.column}\xa0: " if message.column else ""
    rows = ", ".join(map(str, group.rows)) + ("…" if group.count > len(group.rows) else "")
    said = ngettext("ligne %(rows)s", "lignes %(rows)s", group.count) % {"rows": rows}
    if group.count == 1:
        yield f"  {number(1):>6}  {message} ({said})"
        return
    yield f"  {number(group.count):>6}  {where}{message.topic or message.reason} ({said})"
    frequent = sorted(group.values.items(), key=lambda item: -item[1])[:MOST_VALUES]
    if frequent:
        values = ", ".join(
            f"«\xa0{value}\xa0»" + (f" ×{number(times)}" if times > 1 else "")
            for value, times in frequent
        )
        more = "…" if len(group.values) > MOST_VALUES else ""
        yield f"          {values}{more}"


def steps(summary: Summary, mapping_path: Path | None, report_path: Path | None) -> list[str]:
    """What was written, and what is to be done now."""
    lines = [""]
    if not summary.applied:
        lines.append(_("Rien n’a été écrit."))
    if mapping_path:
        text = _("La correspondance des colonnes est dans %(path)s\xa0: corrigez-la au besoin.")
        if summary.unplaced:
            text = _(
                "La correspondance des colonnes est dans %(path)s, avec les municipalités à "
                "préciser (leur nom officiel ou leur code géographique)\xa0: complétez-la et "
                "recommencez."
            )
        lines.append(text % {"path": mapping_path})
    if report_path:
        lines.append(_("Le détail, ligne par ligne\xa0: %(path)s") % {"path": report_path})
    counted = summary.counts
    if not report_path and counted[Outcome.REFUSED] + counted[Outcome.PROPOSED]:
        lines.append(_("Pour le détail, ligne par ligne\xa0: --report rapport.csv"))
    if summary.correcting:
        text = (
            _("Ce que le fichier dit autrement que l’entreprise ou le Pôle attend à la modération.")
            if summary.applied
            else _(
                "Ce que le fichier dit autrement que l’entreprise ou le Pôle sera proposé à la "
                "modération."
            )
        )
        lines.append(text)
    if summary.applied:
        if counted[Outcome.CREATED]:
            lines.append(
                _("Les nouvelles fiches sont des brouillons, à publier dans l’administration.")
            )
    elif counted[Outcome.CREATED] or counted[Outcome.UPDATED]:
        lines.append(
            _("Pour écrire sans les lignes refusées\xa0: --apply --skip-refused")
            if counted[Outcome.REFUSED]
            else _("Pour écrire\xa0: --apply")
        )
    return lines


def as_json(work: Import, summary: Summary) -> dict[str, Any]:
    """The summary for a program: counts, columns, and messages by reason."""
    return {
        "applied": summary.applied,
        "format": work.table.description,
        "header_row": work.table.header_row,
        "columns": {header: name for name, header in work.layout.headers.items()},
        "constants": work.layout.constants,
        "unread": [header for header, _reason in work.layout.unread],
        "rows": summary.rows,
        **{outcome.value: count for outcome, count in summary.counts.items()},
        "correcting": summary.correcting,
        "unplaced": summary.unplaced,
        "messages": [
            {
                "kind": kind,
                "column": group.message.column,
                "reason": group.message.topic or group.message.reason,
                "count": group.count,
                "rows": group.rows,
                "values": list(group.values)[:MOST_VALUES],
            }
            for kind in KINDS
            for group in summary.of(kind)
        ],
    }
