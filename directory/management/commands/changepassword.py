from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _


class Command(BaseCommand):
    """In the place of Django's."""

    help = "Ne fait rien\xa0: aucun mot de passe n’existe."

    def handle(self, **options):
        raise CommandError(_("Aucun mot de passe n’existe\xa0: on se connecte par un code envoyé."))
