"""Spare each stored message an index and a look-up of its connection.

One key holds a message to its conversation and to the conversation's connection, where two keys
held it to each alone; and the unique key begins with the id by which receipts name a message.
"""

import django.db.models.deletion
from django.db import migrations, models

# Rows that name another connection than their conversation would stop the migration.
AGREE = """
UPDATE messaging_message m SET connection_id = c.connection_id
FROM messaging_conversation c
WHERE c.id = m.conversation_id AND m.connection_id <> c.connection_id
"""
KEY = """
ALTER TABLE messaging_message ADD CONSTRAINT messaging_message_line
FOREIGN KEY (conversation_id, connection_id)
REFERENCES messaging_conversation (id, connection_id) DEFERRABLE INITIALLY DEFERRED
"""
NO_KEY = "ALTER TABLE messaging_message DROP CONSTRAINT messaging_message_line"


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_room_for_receipts")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="connection",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="messaging.connection",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="conversation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="messaging.conversation",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("id", "connection"), name="messaging_conversation_line"
            ),
        ),
        migrations.RunSQL(AGREE, migrations.RunSQL.noop),
        # The next statement changes a table that still has triggers to run otherwise.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(KEY, NO_KEY),
        migrations.RemoveIndex(model_name="message", name="messaging_message_by_wa_id"),
        migrations.RemoveConstraint(model_name="message", name="messaging_message_key"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("provider_id", "conversation", "direction", "author"),
                name="messaging_message_key",
                nulls_distinct=False,
            ),
        ),
    ]
