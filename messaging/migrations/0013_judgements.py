"""Room for judgements on each message; the rules hold for new rows at once."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


def text(length: int) -> models.CharField:
    return models.CharField(blank=True, db_default="", default="", max_length=length)


def within(field: str, low: int, high: int) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=models.Q(
            (f"{field}__isnull", True),
            models.Q((f"{field}__gte", low), (f"{field}__lte", high)),
            _connector="OR",
        ),
        name=f"messaging_message_{field}",
    )


class Migration(migrations.Migration):
    dependencies = [("messaging", "0012_names_of_files")]

    operations = [
        migrations.AddField("message", "sentiment", models.FloatField(null=True)),
        migrations.AddField("message", "emotion", text(40)),
        migrations.AddField("message", "satisfaction", models.SmallIntegerField(null=True)),
        migrations.AddField("message", "tone", text(40)),
        migrations.AddField("message", "summary", text(200)),
        migrations.AddField("message", "confidence", models.FloatField(null=True)),
        migrations.AddField("message", "judged_by", text(8)),
        AddConstraintNotValid("message", within("sentiment", -1, 1)),
        AddConstraintNotValid("message", within("satisfaction", 0, 100)),
        AddConstraintNotValid("message", within("confidence", 0, 1)),
    ]
