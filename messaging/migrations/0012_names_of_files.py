from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table of files is a large one, and it is written all day.
    atomic = False
    dependencies = [("messaging", "0011_keys_of_drafts")]
    operations = [
        AddIndexConcurrently(
            "messagemedia",
            models.Index(
                condition=models.Q(("storage_key", ""), _negated=True),
                fields=["storage_key"],
                name="messaging_media_file",
            ),
        ),
    ]
