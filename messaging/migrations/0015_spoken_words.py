"""Find voice messages by what is said in them; one written down is a row of this index."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

import evosense.core.folding


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0014_folded_words")]

    operations = [
        AddIndexConcurrently(
            model_name="messagemedia",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector(
                    evosense.core.folding.Fold(
                        django.db.models.functions.text.Left("transcript", 20000)
                    ),
                    config="portuguese",
                ),
                name="messaging_media_folded_words",
                condition=models.Q(("transcript__isnull", False)),
            ),
        ),
    ]
