import re
from pathlib import Path

import django.contrib.postgres.indexes
from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


def definition(file, name):
    """The function or trigger of this name as the file has it, and as a new database has it from
    the migration that reads that file."""
    text = (SQL / file).read_text()
    return re.search(
        rf"CREATE OR REPLACE (FUNCTION|TRIGGER) (public\.)?{name}\b.*?\n\n", text, re.DOTALL
    )[0]


DEFINITIONS = [
    definition("text.sql", "normalise"),
    definition("listing.sql", "directory_touch"),
    definition("listing.sql", "directory_hold_labels"),
    definition("listing.sql", "directory_before_write"),
    definition("listing.sql", "directory_count_touches"),
    definition("listing.sql", "directory_source_changed"),
    definition("changes.sql", "directory_note_change"),
    definition("changes.sql", "directory_enterprise_changed"),
    definition("changes.sql", "change_enterprise"),
    definition("changes.sql", "directory_part_changed"),
    definition("changes.sql", "directory_settle_changes"),
    definition("changes.sql", "directory_record_commit"),
]

# Settings of what is there: an index made anew would keep writers of a large directory waiting for
# minutes. A vector of words cannot be compressed; trying took time at each save.
LATER = """
ALTER INDEX listing_search SET (fastupdate = on, gin_pending_list_limit = 256);
ALTER TABLE directory_listing ALTER COLUMN search SET STORAGE EXTERNAL;
"""
AT_ONCE = """
ALTER TABLE directory_listing ALTER COLUMN search SET STORAGE EXTENDED;
ALTER INDEX listing_search RESET (gin_pending_list_limit);
ALTER INDEX listing_search SET (fastupdate = off);
SELECT gin_clean_pending_list('listing_search');
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0006_changes_kept_by_the_database")]

    operations = [
        # The way back leaves them: a new database has them before this migration.
        migrations.RunSQL(DEFINITIONS, migrations.RunSQL.noop),
        migrations.RunSQL(
            LATER,
            AT_ONCE,
            state_operations=[
                migrations.RemoveIndex(model_name="listing", name="listing_search"),
                migrations.AddIndex(
                    model_name="listing",
                    index=django.contrib.postgres.indexes.GinIndex(
                        fields=["search"],
                        name="listing_search",
                        fastupdate=True,
                        gin_pending_list_limit=256,
                    ),
                ),
            ],
        ),
    ]
