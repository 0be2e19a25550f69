from importlib import import_module

from django.db import migrations

lighter = import_module("directory.migrations.0007_lighter_writes")


class Migration(migrations.Migration):
    """What a process keeps of the data is given with the version, only where that has moved."""

    dependencies = [("directory", "0015_answers_of_a_file_and_calls_taken_back")]

    operations = [
        migrations.RunSQL(
            lighter.function("listing.sql", "directory_state"),
            "DROP FUNCTION public.directory_state",
        )
    ]
