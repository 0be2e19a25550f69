from django.core.management.base import BaseCommand, CommandError

from directory import changes, retention
from directory.transactions import long_transaction


class Command(BaseCommand):
    help = "Erase what the retention schedule no longer keeps; counts it, unless --apply."

    def add_arguments(self, parser):
        parser.add_argument("--apply", action="store_true", help="erase for good")

    def handle(self, apply, **options):
        done = retention.purge() if apply else retention.Purged(retention.due())
        for name, number in done.changed.items():
            self.stdout.write(f"{name:<12}{number:>8}")
        if apply:
            with long_transaction():
                self.stdout.write(f"{changes.forget()} versions that no change remembers, erased")
            self.stdout.write(f"{retention.warn_unused()} accounts told that they are unused")
        else:
            self.stdout.write("Nothing erased: run again with --apply.")
        if done.failed:
            raise CommandError(f"Nothing erased of: {', '.join(done.failed)}. The log says why.")
