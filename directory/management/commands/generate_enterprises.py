from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from directory import demo
from directory.models import Enterprise


class Command(BaseCommand):
    help = "Ajoute des entreprises fictives dans tout le Québec, pour mesurer le site."

    def add_arguments(self, parser):
        parser.add_argument("count", type=int, metavar="N", help="combien en ajouter")
        parser.add_argument(
            "--seed", help="la même donne les mêmes entreprises\xa0; sinon, d’autres à chaque fois"
        )

    def handle(self, *, count, seed, **options):
        ending = "\r" if self.stdout.isatty() else "\n"

        def progress(written):
            self.stdout.write(
                _("%(written)s entreprises sur %(count)s") % {"written": written, "count": count},
                ending=ending,
            )
            self.stdout.flush()

        seed = seed or str(Enterprise.objects.count())
        written = demo.generate(count, seed=seed, progress=progress)
        self.stdout.write(_("%(number)s entreprises ajoutées.") % {"number": written})
