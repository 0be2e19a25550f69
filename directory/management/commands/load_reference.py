from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from directory import reference, roles


class Command(BaseCommand):
    help = (
        "Charge le territoire, les vocabulaires et les groupes\xa0; garde ce que l’équipe a changé."
    )

    def handle(self, **options):
        counts = reference.load()
        roles.load_groups()
        heads = [_("créés"), _("changés"), _("laissés")]
        width = max(len(count.label) for count in counts)
        self.stdout.write(" " * width + "".join(f"{head:>10}" for head in heads))
        for count in counts:
            numbers = (count.created, count.updated, count.left)
            self.stdout.write(
                f"{count.label:<{width}}" + "".join(f"{number:>10}" for number in numbers)
            )
        for count in counts:
            if count.extra:
                self.stdout.write(
                    _("%(label)s\xa0: %(number)s gardés, absents des données officielles.")
                    % {"label": count.label, "number": count.extra}
                )
