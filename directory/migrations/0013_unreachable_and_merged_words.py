from importlib import import_module

from django.db import migrations, models

lighter = import_module("directory.migrations.0007_lighter_writes")
function, definition = lighter.function, lighter.definition

# The column, and the function that reads it. A new database has them since the migration that reads
# the file, and one that was at the sixth since the seventh.
LISTED = [
    definition("listing.sql", "ALTER TABLE", "directory_enterprise"),
    lighter.TRUTH,
    function("listing.sql", "directory_refresh_listings"),
    lighter.SOURCE_CHANGED,
    function("listing.sql", "directory_take_words"),
]
# The last of its file.
LABELS = "".join(
    (lighter.SQL / "listing.sql")
    .read_text()
    .partition("CREATE OR REPLACE FUNCTION public.directory_labels()")[1:]
)


def without_listed(statement):
    """Every published enterprise listed, as they were."""
    for now, before in [
        (
            "public.directory_listed(\n"
            "                                          e.state, e.unreachable_since, e.confirmed_on)",
            "e.state = 'published'",
        ),
        (
            "public.directory_listed(e.state, e.unreachable_since, e.confirmed_on)",
            "e.state = 'published'",
        ),
        (
            "public.directory_listed(n.state, n.unreachable_since, n.confirmed_on) AND",
            "n.state = 'published' AND",
        ),
        (",\n                 public.directory_listed(o.state, o.unreachable_since, o.confirmed_on)", ""),
        (",\n                 public.directory_listed(n.state, n.unreachable_since, n.confirmed_on)", ""),
    ]:
        statement = statement.replace(now, before)
    return statement


SINCE = models.DateField(
    blank=True, editable=False, null=True, verbose_name="injoignable depuis le"
)


class Migration(migrations.Migration):
    """What nobody answers for leaves the results; an address with a merged word is understood."""

    dependencies = [("directory", "0012_what_is_read_of_a_file")]

    operations = [
        migrations.AddField("historicalenterprise", "unreachable_since", SINCE),
        migrations.RunSQL(
            LISTED,
            [
                *(without_listed(statement) for statement in LISTED[1:]),
                "DROP FUNCTION public.directory_listed(text, date, date)",
                "ALTER TABLE public.directory_enterprise DROP COLUMN unreachable_since",
            ],
            state_operations=[migrations.AddField("enterprise", "unreachable_since", SINCE)],
        ),
        # Those that help.py looks for by their name, beside the archived ones.
        migrations.RunSQL(
            "CREATE INDEX enterprise_unreachable_name ON public.directory_enterprise"
            " (public.fold(name)) WHERE unreachable_since IS NOT NULL",
            "DROP INDEX public.enterprise_unreachable_name",
        ),
        migrations.RunSQL(LABELS, LABELS.replace(", retired, replaced_by_id)", ", retired)")),
    ]
