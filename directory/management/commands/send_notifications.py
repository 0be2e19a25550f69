import logging
import signal
import time

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections, connection

from directory import outbox

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send the mails that are due; with --loop, go on until told to stop."

    def add_arguments(self, parser):
        parser.add_argument("--loop", action="store_true", help="look again, for ever")
        parser.add_argument(
            "--every", type=int, default=10, metavar="SECONDS", help="between two looks (10)"
        )

    def handle(self, *args, loop, every, **options):
        if not loop:
            self.say(outbox.send_due())
            return
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self.stopping:
            self.look()
            waited = 0
            while waited < every and not self.stopping:
                time.sleep(1)
                waited += 1

    def look(self):
        """Outlives the database: what it cannot read now, it reads later."""
        close_old_connections()
        try:
            tally = outbox.send_due(stop=lambda: self.stopping)
        except OperationalError as error:
            connection.close()
            log.error("The outbox cannot be read: %s", type(error).__name__)
            return
        if tally.sent or tally.postponed or tally.given_up:
            self.say(tally)

    def stop(self, *_signal):
        """The mail being sent is sent first."""
        self.stopping = True

    def say(self, tally):
        self.stdout.write(
            f"{tally.sent} sent, {tally.postponed} postponed, {tally.given_up} given up"
        )
        if tally.down:
            self.stderr.write(tally.down)
