import re
from pathlib import Path

import django.contrib.postgres.indexes
from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


def definition(file, *beginning):
    """What begins so in the file, up to the next blank line: there is one such statement, and a new
    database has it from the migration that reads the file."""
    text = (SQL / file).read_text()
    pattern = r"\s+(?:public\.)?".join(map(re.escape, beginning))
    return re.search(rf"^{pattern}\b.*?\n\n", text, re.DOTALL | re.MULTILINE)[0]


def function(file, name):
    return definition(file, "CREATE OR REPLACE FUNCTION", name)


NORMALISE = function("text.sql", "normalise")
WORDS = [
    definition("listing.sql", "ALTER TABLE", "directory_offering"),
    definition("listing.sql", "CREATE OR REPLACE AGGREGATE", "directory_words"),
]
TRUTH = definition("listing.sql", "CREATE OR REPLACE VIEW", "directory_listing_truth")
SOURCE_CHANGED = function("listing.sql", "directory_source_changed")
OTHERS = [
    function("listing.sql", "directory_touch"),
    function("listing.sql", "directory_hold_labels"),
    function("listing.sql", "directory_before_write"),
    function("listing.sql", "directory_count_touches"),
    function("changes.sql", "directory_note_change"),
    function("changes.sql", "directory_enterprise_changed"),
    definition("changes.sql", "CREATE OR REPLACE TRIGGER", "change_enterprise"),
    function("changes.sql", "directory_part_changed"),
    function("changes.sql", "directory_settle_changes"),
    function("changes.sql", "directory_record_commit"),
]


def without_words(statement):
    """The words of the descriptions read from the descriptions, as they were."""
    for now, before in [
        ("|| offering.words\n", "\n"),
        ("concat_ws(' ', e.mission, e.description))) AS search",
         "concat_ws(' ', offering.descriptions, e.mission, e.description))) AS search"),
        ("public.directory_words(o.words ORDER BY o.position, o.id) AS words",
         "string_agg(o.description, ' ' ORDER BY o.position, o.id) AS descriptions"),
        ("SELECT public.directory_words(o.words ORDER BY o.position, o.id)",
         "SELECT coalesce(to_tsvector('public.directory_french', public.normalise("
         "string_agg(o.description, ' ' ORDER BY o.position, o.id))), '')"),
    ]:
        statement = statement.replace(now, before)
    return statement


# The way back leaves what a new database has before this migration and can be left.
BACK = [
    without_words(TRUTH),
    without_words(SOURCE_CHANGED),
    "DROP AGGREGATE public.directory_words(tsvector)",
    "ALTER TABLE public.directory_offering DROP COLUMN words",
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
        migrations.RunSQL([NORMALISE, *WORDS, TRUTH, SOURCE_CHANGED, *OTHERS], BACK),
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
