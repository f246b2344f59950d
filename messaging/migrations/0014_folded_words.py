"""Find words without their accents; the old index serves until the new one is there."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations

import evosense.core.folding


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0013_judgements")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector(
                    evosense.core.folding.Fold(django.db.models.functions.text.Left("text", 20000)),
                    config="portuguese",
                ),
                name="messaging_message_folded_words",
            ),
        ),
        RemoveIndexConcurrently(model_name="message", name="messaging_message_words"),
        ValidateConstraint("message", "messaging_message_sentiment"),
        ValidateConstraint("message", "messaging_message_satisfaction"),
        ValidateConstraint("message", "messaging_message_confidence"),
    ]
