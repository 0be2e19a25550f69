from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from directory import demo, demo_people, demo_work


class Command(BaseCommand):
    help = "Charge les entreprises fictives de la démonstration, une seule fois."

    def handle(self, **options):
        try:
            written = demo.load()
        except demo.NotEmpty:
            raise CommandError(
                _(
                    "La base contient déjà des entreprises\xa0: la démonstration ne s’y mêle pas. "
                    "Chargez-la dans une base vide."
                )
            ) from None
        people = demo_people.load()
        demo_work.load()
        if written:
            self.stdout.write(
                _("%(number)s entreprises fictives sont prêtes.") % {"number": written}
            )
        else:
            self.stdout.write(_("Les entreprises fictives sont déjà là\xa0: rien à faire."))
        if people:
            self.stdout.write(
                _("%(number)s personnes fictives peuvent se connecter, par la page /demo/.")
                % {"number": people}
            )
