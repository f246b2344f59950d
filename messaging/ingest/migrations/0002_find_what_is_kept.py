"""Operators look for what was kept or given up; without this they would read every partition."""

from django.db import migrations

FORWARD = """
CREATE INDEX webhook_events_kept
ON public.webhook_events (status, id DESC) WHERE status IN (2, 3)
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_bronze_log")]

    operations = [
        migrations.RunSQL(FORWARD, "DROP INDEX public.webhook_events_kept"),
    ]
