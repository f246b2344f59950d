from django.db import migrations

from evosense.core.folding import SQL, UNDO


class Migration(migrations.Migration):
    dependencies = [("core", "0003_follow_reencryption")]

    operations = [
        # One place that is on every company's search path; it is never dropped with an app.
        migrations.RunSQL(
            "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public", migrations.RunSQL.noop
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
