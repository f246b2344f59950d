from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.ids import uuid7
from messaging.models.connection import Connection
from messaging.models.contact import Contact


class Conversation(models.Model):
    """Everything said between one connection and one contact."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        GROUP = "group", _("Group")
        BROADCAST = "broadcast", _("Broadcast list")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="conversations")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    is_live = models.BooleanField(default=True)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, db_index=False)
    is_archived_on_phone = models.BooleanField(default=False)

    # Kept by apply, always derivable from the stored messages.
    last_message_at = models.DateTimeField()
    last_message_id = models.BigIntegerField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    last_outbound_at = models.DateTimeField(null=True)
    preview = models.CharField(max_length=200, blank=True, default="")
    preview_type = models.CharField(max_length=20, blank=True, default="")
    preview_direction = models.CharField(max_length=8, blank=True, default="")
    preview_status = models.CharField(max_length=10, blank=True, default="")
    unread_count = models.PositiveIntegerField(default=0)
    # Inbound messages up to here were read, here or on the phone.
    read_until = models.DateTimeField(null=True)
    # Click-to-WhatsApp attribution of the first message that carried one.
    attribution = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "contact"],
                condition=models.Q(is_live=True),
                name="messaging_conversation_one_live",
            ),
            # What the messages' key refers to.
            models.UniqueConstraint(
                fields=["id", "connection"], name="messaging_conversation_line"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["person", "group", "broadcast"]),
                name="messaging_conversation_kind_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["open", "closed"]),
                name="messaging_conversation_status_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-last_message_at", "-id"],
                name="messaging_conv_recent",
                condition=models.Q(is_live=True),
            ),
            models.Index(
                fields=["connection", "-last_message_at", "-id"],
                name="messaging_conv_by_connection",
                condition=models.Q(is_live=True),
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                name="messaging_conv_unread",
                condition=models.Q(is_live=True, unread_count__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Label(models.Model):
    """A label of WhatsApp Business, as the phone defines it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    provider_id = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    color = models.SmallIntegerField(default=0)
    is_deleted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "provider_id"], name="messaging_label_unique"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ConversationLabel(models.Model):
    """A label put on a conversation on the phone."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="labels", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "label"], name="messaging_conversationlabel_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.label_id} on {self.conversation_id}"
