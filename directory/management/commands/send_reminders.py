from django.core.management.base import BaseCommand

from directory import digests, freshness


class Command(BaseCommand):
    help = (
        "Remind enterprises that their listing is to be confirmed, and tell staff of what came to "
        "wait for them; may run as often as one likes."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count, and write nothing")

    def handle(self, *args, dry_run, **options):
        done = freshness.remind(dry_run=dry_run)
        told = digests.send(dry_run=dry_run)
        self.stdout.write(
            f"{done.mailed} reminded, {done.again} reminded again, {done.to_call} to call, "
            f"{told} of the staff told" + (" (dry run)" if dry_run else "")
        )
