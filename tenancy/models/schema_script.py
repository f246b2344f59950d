from django.db import models
from django.db.models.functions import Now


class SchemaScript(models.Model):
    """The recorded statements that make a tenant schema, for one state of the migrations."""

    digest = models.CharField(max_length=64, primary_key=True)
    statements = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.digest[:12]
