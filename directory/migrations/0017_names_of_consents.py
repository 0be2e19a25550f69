from django.db import migrations, models


class Migration(migrations.Migration):
    """« Droit d’écrire » was read as a right in the software. Nothing moves in the database."""

    dependencies = [
        ('directory', '0016_state_in_one_statement'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='consentbasis',
            options={'ordering': ['enterprise', '-given_on', 'pk'], 'verbose_name': 'consentement aux courriels', 'verbose_name_plural': 'consentements aux courriels'},
        ),
        migrations.AlterField(
            model_name='importbatch',
            name='basis',
            field=models.CharField(blank=True, max_length=12, verbose_name='consentement aux courriels'),
        ),
    ]
