from django.db import migrations, models


class Migration(migrations.Migration):
    """Every booster so far was trained beside embedded-pt-1: the default says so of the old rows."""

    dependencies = [("analytics", "0005_calls_may_go")]

    operations = [
        migrations.AddField(
            "booster", "analyser", models.CharField(max_length=40, db_default="embedded-pt-1")
        )
    ]
