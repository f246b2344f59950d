from django.contrib.postgres.fields import ArrayField
from django.db import models

from messaging.models.contact import Contact
from messaging.models.message import Message


class Reaction(models.Model):
    """One person's reaction to one message; an empty emoji means it was taken back."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="reactions", db_index=False
    )
    # Null: the connection's own side.
    author = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT)
    emoji = models.CharField(max_length=32, blank=True, default="")
    reacted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "author"],
                nulls_distinct=False,
                name="messaging_reaction_unique",
            )
        ]

    def __str__(self) -> str:
        return f"reaction to {self.message_id}"


class PollVote(models.Model):
    """What one person chose in a poll; an empty list means the vote was taken back."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="votes", db_index=False
    )
    voter = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT)
    options = ArrayField(models.TextField(), default=list)
    voted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "voter"], nulls_distinct=False, name="messaging_pollvote_unique"
            )
        ]

    def __str__(self) -> str:
        return f"vote in {self.message_id}"
