from django.core.management.base import BaseCommand

from tests import starting_point


class Command(BaseCommand):
    """In the place of Django's, which its tests call after one that commits."""

    help = "Puts the tests' database back as they found it."
    stealth_options = (
        *("interactive", "database", "reset_sequences", "allow_cascade", "inhibit_post_migrate"),
    )

    def handle(self, **options):
        starting_point.put_back()
