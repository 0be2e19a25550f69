import django.contrib.postgres.indexes
from django.db import migrations

# As sql/listing.sql has it since: why is said there.
PLAN_ONCE = """
ALTER FUNCTION public.directory_refresh_listings(bigint[])
    SET plan_cache_mode = 'force_generic_plan';
"""
PLAN_EACH_TIME = """
ALTER FUNCTION public.directory_refresh_listings(bigint[]) RESET plan_cache_mode;
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0002_listing_kept_by_the_database")]

    operations = [
        migrations.AddIndex(
            model_name="listing",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["statuses"], name="listing_statuses", fastupdate=False
            ),
        ),
        migrations.RunSQL(PLAN_ONCE, PLAN_EACH_TIME),
    ]
