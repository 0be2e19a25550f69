from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from directory.models import User


class Command(BaseCommand):
    """In the place of Django's, which asks for a password."""

    help = "Crée un compte qui peut tout\xa0; on s’y connecte par un code envoyé à son courriel."

    def add_arguments(self, parser):
        parser.add_argument("--email", help="demandé si on ne le donne pas")
        parser.add_argument("--name", default="")

    def handle(self, email, name, **options):
        try:
            user = User.objects.create_superuser(email or input(_("Courriel\xa0: ")), name=name)
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from None
        self.stdout.write(
            _("%(email)s peut se connecter\xa0; un second facteur lui sera demandé.")
            % {"email": user.email}
        )
