from pathlib import Path

import django.core.validators
from django.db import migrations, models

WORDS = """
-- Addresses made before they had to be words parted by one hyphen, and none of a page of the site.
UPDATE public.directory_enterprise SET slug = left(coalesce(nullif(btrim(regexp_replace(
    lower(slug), '[^a-z0-9]+', '-', 'g'), '-'), ''), 'entreprise'), 80) || '-' || id
WHERE slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
    OR slug IN ('carte', 'export', 'suggerer', 'suggestions');
SET CONSTRAINTS ALL IMMEDIATE;
"""

SQL = Path(__file__).parent.parent / "sql"

UNDO = """
DROP FUNCTION directory_cells, directory_take_cells;
DROP VIEW directory_cell_truth;
DROP TABLE directory_cell, directory_cells_taken;
DROP FUNCTION directory_map_y;
"""


class Migration(migrations.Migration):
    dependencies = [("directory", "0003_listing_statuses_found_by_an_index")]

    operations = [
        migrations.RemoveIndex(model_name="listing", name="listing_place"),
        migrations.AddIndex(
            model_name="listing",
            index=models.Index(
                fields=["latitude", "longitude"], include=("enterprise",), name="listing_place"
            ),
        ),
        migrations.RunSQL([(SQL / "map.sql").read_text()], UNDO),
        migrations.AlterField(
            model_name="enterprise",
            name="slug",
            field=models.SlugField(
                max_length=100,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z0-9]+(-[a-z0-9]+)*$",
                        "Écrivez l’adresse en minuscules sans accent, chiffres et traits d’union.",
                    )
                ],
                verbose_name="adresse",
            ),
        ),
        migrations.RunSQL(WORDS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="enterprise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slug__regex", "^[a-z0-9]+(-[a-z0-9]+)*$"),
                    models.Q(
                        ("slug__in", ("carte", "export", "suggerer", "suggestions")), _negated=True
                    ),
                ),
                name="enterprise_slug",
                violation_error_message="Écrivez l’adresse en minuscules sans accent, chiffres et traits d’union.",
            ),
        ),
    ]
