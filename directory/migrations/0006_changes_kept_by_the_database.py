from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"

UNDO = """
DROP TRIGGER directory_touch_changes ON directory_touch;
DROP TRIGGER directory_touch_recorded ON directory_touch;
DROP FUNCTION directory_enterprise_changed, directory_part_changed, directory_settle_changes,
    directory_record_commit CASCADE;
DROP FUNCTION directory_note_change;
DROP TABLE directory_change, directory_commit, directory_changing;
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0005_messages_from_the_public")]

    operations = [migrations.RunSQL([(SQL / "changes.sql").read_text()], UNDO)]
