"""Let a receipt touch one row version and nothing else.

PostgreSQL leaves all indexes alone when an update changes no column that any of them mentions and
the new version fits beside the old one. The index of failed messages named `status` in its
predicate, so that every receipt wrote every index, the one of words above all.
"""

from django.db import migrations, models


def room(table: str, percent: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET (fillfactor = {percent})",
        f"ALTER TABLE {table} RESET (fillfactor)",
    )


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_find_rare_types")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="messaging_message_failed"),
        migrations.AddField(
            model_name="message",
            name="is_failed",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(status="failed", then=models.Value(value=True)),
                    default=models.Value(value=False),
                ),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("is_failed", True)),
                fields=["-occurred_at", "-id"],
                name="messaging_message_failed",
            ),
        ),
        room("messaging_message", 75),
        room("messaging_contact", 80),
        room("messaging_conversation", 80),
    ]
