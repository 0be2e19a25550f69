from django.core.management.base import BaseCommand

from directory import renamings


class Command(BaseCommand):
    help = "Refresh the search text of listings whose sector, category or city was renamed."

    def handle(self, *args, **options):
        total = sum(renamings.settle())
        self.stdout.write(f"{total} listings refreshed")
