from django.core.management.base import BaseCommand

from directory import changes, reports, throttling
from directory.transactions import long_transaction


class Command(BaseCommand):
    help = (
        "Erase what is no longer needed: past counters, names and e-mails of old messages,"
        " versions that no change remembers."
    )

    def handle(self, *args, **options):
        counters, senders = throttling.forget(), reports.forget()
        with long_transaction():
            versions = changes.forget()
        self.stdout.write(
            f"{counters} counters, {senders} names or e-mails and {versions} versions erased"
        )
