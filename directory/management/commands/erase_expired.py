from django.core.management.base import BaseCommand

from directory import reports, throttling


class Command(BaseCommand):
    help = "Erase what is no longer needed: past counters, names and e-mails of old messages."

    def handle(self, *args, **options):
        counters, senders = throttling.forget(), reports.forget()
        self.stdout.write(f"{counters} counters and {senders} names or e-mails erased")
