from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Listings that share something are found without reading them all."""

    dependencies = [("directory", "0009_words_merged")]

    operations = [
        migrations.RunSQL(
            [(SQL / "duplicates.sql").read_text()],
            """
            DROP INDEX enterprise_likeness;
            DROP FUNCTION directory_likeness_keys;
            """,
        ),
    ]
