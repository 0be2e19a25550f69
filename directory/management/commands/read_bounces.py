import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from directory import bounces


class Command(BaseCommand):
    help = "Note the mails that came back, from messages of mail servers: a file each, - for stdin."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")

    def handle(self, *args, files, **options):
        noted = 0
        for name in files:
            try:
                raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            except OSError as error:
                raise CommandError(f"{name}: {error.strerror}") from None
            noted += bounces.read(raw)
        self.stdout.write(f"{len(files)} messages read, {noted} mails came back")
