from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"

UNDO = """
DROP FUNCTION directory_source_changed, directory_source_truncated, directory_detail_changed,
    directory_label_changed, directory_place_moved, directory_count_touches, directory_before_write
    CASCADE;
DROP FUNCTION directory_hold_labels, directory_change_labels, directory_labels, directory_take_snapshot, directory_take_words,
    directory_count_facets,
    directory_bearers, directory_refresh_listings, directory_touch;
DROP TABLE directory_snapshot, directory_renaming, directory_touch, directory_version;
DROP VIEW directory_listing_truth;
DROP INDEX enterprise_archived_name;
ALTER TABLE directory_enterprise DROP CONSTRAINT enterprise_borough_in_city;
ALTER TABLE directory_borough DROP CONSTRAINT borough_in_city;
DROP FUNCTION directory_legal_form_number, normalise, fold;
DROP TEXT SEARCH CONFIGURATION directory_french;
DROP TEXT SEARCH DICTIONARY directory_stem;
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_initial")]

    operations = [
        migrations.RunSQL(
            [(SQL / "text.sql").read_text() + (SQL / "listing.sql").read_text()], UNDO
        )
    ]
