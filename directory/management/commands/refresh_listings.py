from django.core.management.base import BaseCommand

from directory import renamings, state


class Command(BaseCommand):
    help = (
        "Refresh the search text of listings whose sector, category or city was renamed,"
        " and gather the words that corrections are chosen among."
    )

    def handle(self, *args, **options):
        total = sum(renamings.settle())
        # A large directory does not gather them at the request that needs them.
        state.take_words()
        self.stdout.write(f"{total} listings refreshed")
