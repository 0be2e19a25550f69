from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from directory import integrity
from directory.transactions import long_transaction


class Command(BaseCommand):
    help = "Compare the search rows and counts with the truth; exit 1 on a difference."

    def handle(self, *args, **options):
        with long_transaction():
            report = integrity.check(timezone.localdate())
        for line in report.wrong[: integrity.MOST_SHOWN]:
            self.stdout.write(line)
        if len(report.wrong) > integrity.MOST_SHOWN:
            self.stdout.write(f"… and {len(report.wrong) - integrity.MOST_SHOWN} more")
        self.stdout.write(
            f"{report.listings} listings, {len(report.wrong)} wrong, {report.pending} pending"
        )
        if report.wrong:
            raise CommandError("The stored rows differ from their sources.")
