from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory import duplicates
from directory.transactions import long_transaction


class Command(BaseCommand):
    help = (
        "Keep the pairs of listings that may be one enterprise, for staff to look at (/doublons/)."
    )

    def handle(self, *args, **options):
        with long_transaction():
            counts = duplicates.search()
        waiting = counts.new + counts.open
        text = ngettext(
            "%(n)d paire à examiner, dont %(new)d nouvelle",
            "%(n)d paires à examiner, dont %(new)d nouvelles",
            waiting,
        ) % {"n": waiting, "new": counts.new}
        said = _("déjà tranchées\xa0: %(n)d") % {"n": counts.distinct}
        over = _("sans plus rien en commun\xa0: %(n)d") % {"n": counts.over}
        self.stdout.write(f"{text}\xa0; {said}\xa0; {over}.")
