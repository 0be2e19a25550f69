from django.db import migrations, models


class Migration(migrations.Migration):
    """The admin's list of enterprises is read in the order of a dictionary, by an index."""

    dependencies = [("directory", "0013_unreachable_and_merged_words")]

    operations = [
        migrations.AddIndex(
            "enterprise",
            models.Index(
                models.Func("name", function="public.fold"),
                models.F("id"),
                name="enterprise_folded_name",
            ),
        ),
    ]
