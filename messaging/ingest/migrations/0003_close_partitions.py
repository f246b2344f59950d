"""Let nobody but its owner ask a partition by its own name: row security is the table's."""

from django.db import migrations

CLOSE = """
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent IN ('public.webhook_events'::regclass, 'public.webhook_blobs'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ingest", "0002_find_what_is_kept")]

    operations = [migrations.RunSQL(CLOSE, migrations.RunSQL.noop)]
