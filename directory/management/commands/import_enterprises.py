import json
import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from tqdm import tqdm

from directory.gazetteer import key
from directory.imports import mapping, report
from directory.imports.bounds import Refused
from directory.imports.entries import Outcome
from directory.imports.rights import Consent
from directory.imports.run import Import
from directory.models import ConsentBasis
from directory.resources import EnterpriseResource

HELP = """\
Importe des entreprises d’un fichier CSV, XLSX ou ODS. Sans --apply, dit ce qui serait fait et
n’écrit rien. Les nouvelles fiches sont des brouillons\xa0; une case vide, ou une colonne absente,
laisse ce qui est déjà inscrit\xa0; ce que l’entreprise ou le Pôle ont écrit n’est jamais remplacé.

Une fiche se reconnaît à son adresse (colonne «\xa0Fiche\xa0» de nos exports), à son NEQ, ou à son
nom et à sa ville. Une ligne qui ne fait que ressembler à une fiche est à trancher\xa0: dans une
colonne «\xa0Fiche\xa0», écrivez l’adresse de la fiche si c’est elle, «\xa0nouvelle\xa0» sinon, et
recommencez.
"""
MAPPING = """\
fichier JSON qui dit quelle colonne est laquelle\xa0; s’il n’existe pas, il est créé d’après ce qui
a été deviné, avec les municipalités à préciser\xa0: corrigez-le et recommencez. Par exemple
{"columns": {"Organisme": "name", "Remarques": null}, "constants": {"legal_form": "npo"},
"places": {"Chicoutimi": "Saguenay", "Saint-Lambert": "58012"}}
"""
DEFAULT = """\
ce que reçoit une nouvelle fiche dont la case est vide, par exemple --default legal_form=npo\xa0;
peut se répéter
"""


#: Municipalities to be told, in a new mapping file: those of most rows.
MOST_PLACES = 200


def same(one: Path | None, other: Path | None) -> bool:
    """Whether two addresses are of one file, be it by a link."""
    if one is None or other is None:
        return False
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args, **kwargs):
        return super().create_parser(*args, **kwargs, formatter_class=RawDescriptionHelpFormatter)

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FICHIER")
        parser.add_argument("--apply", action="store_true", help="écrire, tout ou rien")
        parser.add_argument(
            "--skip-refused",
            action="store_true",
            help="écrire les autres lignes s’il y a des refus",
        )
        parser.add_argument("--mapping", type=Path, metavar="FICHIER", help=MAPPING)
        parser.add_argument(
            "--default", action="append", default=[], metavar="COLONNE=VALEUR", help=DEFAULT
        )
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FICHIER",
            help="y écrire un CSV, une ligne par ligne lue",
        )
        parser.add_argument(
            "--consent",
            choices=ConsentBasis.Basis.values,
            help="fondement du consentement aux courriels\xa0; sans cette option, rien",
        )
        parser.add_argument(
            "--consent-source", default="", metavar="TEXTE", help="d’où on le sait, avec --consent"
        )
        parser.add_argument("--json", action="store_true", help="dire le résultat en JSON")

    def handle(self, *, file, apply, skip_refused, **options):
        try:
            done = self.run(file, apply, skip_refused, options)
        except FileNotFoundError as error:
            raise CommandError(
                _("Il n’y a pas de fichier à l’adresse «\xa0%(path)s\xa0».")
                % {"path": error.filename}
            ) from None
        except OSError as error:
            raise CommandError(
                _("Ce fichier ne peut être lu ou écrit\xa0: %(path)s (%(error)s).")
                % {"path": error.filename, "error": error.strerror}
            ) from None
        except Refused as error:
            raise CommandError(str(error)) from None
        except (OperationalError, InterfaceError) as error:
            # The database stopped, or someone held too long what the import needed.
            raise CommandError(
                _(
                    "La base de données n’a pas répondu\xa0: rien n’a été écrit. Recommencez. "
                    "(%(error)s)"
                )
                % {"error": str(error).strip().split("\n")[0]}
            ) from None
        if apply and not done.applied:
            raise CommandError(
                _(
                    "Des lignes sont refusées\xa0: rien n’a été écrit. Corrigez-les, ou ajoutez "
                    "--skip-refused pour écrire les autres."
                )
            )

    def run(self, file, apply, skip_refused, options):
        if same(options["report"], file):
            raise Refused(
                _("Le rapport effacerait le fichier à importer\xa0: nommez-le autrement.")
            )
        if same(options["report"], options["mapping"]):
            raise Refused(
                _(
                    "Le rapport effacerait le fichier de correspondance\xa0: nommez l’un des deux "
                    "autrement."
                )
            )
        if bool(options["consent"]) != bool(options["consent_source"].strip()):
            raise Refused(_("--consent et --consent-source vont ensemble."))
        work = Import(file, self.answers(options["mapping"], options["default"]))
        if options["consent"]:
            work.consent = Consent(options["consent"], options["consent_source"].strip()[:240])
        if not options["json"]:
            self.stdout.write("\n".join([*report.columns(work), ""]))
        with report.written(options["report"], applied=False) as each:
            summary = self.follow(_("Lecture"), work.table.size, work.preview, each=each)
        kept = self.keep_mapping(options["mapping"], work, summary)
        if apply and (skip_refused or not summary.counts[Outcome.REFUSED]):
            with report.written(options["report"], applied=True) as each:
                summary = self.follow(
                    *(_("Écriture"), summary.rows, work.apply, summary),
                    skip_refused=skip_refused,
                    each=each,
                )
        if options["json"]:
            content = json.dumps(report.as_json(work, summary), ensure_ascii=False, indent=2)
            self.stdout.write(content)
        else:
            lines = [*report.counts(summary), *report.messages(summary)]
            lines += report.steps(summary, kept and options["mapping"], options["report"])
            self.stdout.write("\n".join(lines))
        return summary

    def answers(self, path, defaults):
        """What the mapping file says, and the values given on the command line."""
        resource = EnterpriseResource()
        answers = mapping.read(path, resource) if path and path.exists() else mapping.Answers()
        headers = mapping.Headers(resource)
        for default in defaults:
            name, equals, value = default.partition("=")
            if not equals:
                raise Refused(_("--default s’écrit COLONNE=VALEUR, par exemple legal_form=npo."))
            # Named as the headers of a file are, or by its code name.
            name = headers.by_key.get(key(name), name)
            mapping.check_constant(name, resource)
            answers.constants[name] = value
        return answers

    def follow(self, title, size, work, *args, **kwargs):
        """Call `work` with a progress bar, on a terminal only."""
        bar = tqdm(desc=title, total=size, unit=_(" lignes"), file=sys.stderr, disable=None)
        with bar:
            return work(*args, progress=bar.update, **kwargs)

    def keep_mapping(self, path, work, summary):
        """Write what was guessed where the mapping file does not exist yet."""
        if path is None or path.exists():
            return False
        unplaced = sorted(summary.unplaced, key=lambda name: -summary.unplaced[name])
        mapping.write(path, work.table.header, work.layout, unplaced[:MOST_PLACES], work.resource)
        return True
