from django.core.management.base import BaseCommand
from django.db import connection

from directory.transactions import long_transaction


class Command(BaseCommand):
    help = "Draw the neutral order of the listings again; once a month."

    def handle(self, *args, **options):
        with long_transaction(), connection.cursor() as cursor:
            cursor.execute("UPDATE directory_listing SET position = random()")
            drawn = cursor.rowcount
            cursor.execute("SELECT public.directory_touch(false)")
        self.stdout.write(f"{drawn} listings drawn")
