"""Count apart how often a message met a fault that passes; waiting for a number is none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0015_spoken_words")]

    operations = [
        migrations.AddField(
            model_name="outgoing",
            name="passing_faults",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
