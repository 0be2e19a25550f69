from django.core.management.base import BaseCommand

from directory import uploads


class Command(BaseCommand):
    help = "Deletes the logos that no enterprise bears, a day after they were sent."

    def handle(self, *args, **options):
        self.stdout.write(f"{uploads.discard_orphans()} files deleted")
