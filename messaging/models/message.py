from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from evosense.core.folding import Fold
from evosense.core.ids import uuid7
from messaging.models.connection import Connection
from messaging.models.contact import Contact
from messaging.models.conversation import Conversation

# to_tsvector refuses more than 1 MB of lexemes; a body may carry a far longer text.
SEARCHED_CHARACTERS = 20_000


class Message(models.Model):
    """One bubble of a conversation, normalised from any version's event."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Received")
        OUTBOUND = "outbound", _("Sent")

    class Source(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        PHONE = "phone", _("Phone")
        PANEL = "panel", _("Panel")
        API = "api", _("API")
        DISPATCH = "dispatch", _("Dispatch")
        FLOW = "flow", _("Flow")

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        IMAGE = "image", _("Image")
        VIDEO = "video", _("Video")
        AUDIO = "audio", _("Audio")
        DOCUMENT = "document", _("Document")
        STICKER = "sticker", _("Sticker")
        LOCATION = "location", _("Location")
        CONTACT = "contact", _("Contact")
        POLL = "poll", _("Poll")
        INTERACTIVE_REPLY = "interactive_reply", _("Reply to options")
        ORDER = "order", _("Order")
        GROUP_INVITE = "group_invite", _("Group invitation")
        TEMPLATE = "template", _("Template")
        UNSUPPORTED = "unsupported", _("Unsupported")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        PENDING = "pending", _("Waiting")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")
        PLAYED = "played", _("Played")
        FAILED = "failed", _("Failed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # Both are held by one key of the two columns (migration 0006): a message cannot name another
    # connection than its conversation, and PostgreSQL checks each new row once instead of twice.
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    # WhatsApp's id. The sender chooses it, so it is unique only together with chat and author.
    provider_id = models.CharField(max_length=255)
    direction = models.CharField(max_length=8, choices=Direction.choices)
    source = models.CharField(max_length=8, choices=Source.choices)
    # Who wrote it, in groups only; the partner of a person's chat is the conversation's contact.
    author = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT, db_index=False)
    # HMAC of the address that wrote it (`sender` of the source schema).
    sender = models.BinaryField(max_length=32, null=True)
    type = models.CharField(max_length=20, choices=Type.choices)
    # What the type alone does not tell: ptv, gif, voice, list, the name of an unknown kind.
    subtype = models.CharField(max_length=64, blank=True, default="")
    text = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices)
    status_at = models.DateTimeField(null=True)
    # For the index below: a predicate on `status` itself makes every receipt write all indexes.
    is_failed = models.GeneratedField(
        expression=models.Case(
            models.When(status="failed", then=models.Value(value=True)),
            default=models.Value(value=False),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    failure = models.JSONField(null=True)
    occurred_at = models.DateTimeField()
    occurred_at_estimated = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    # The event gave no time, so receipt stands in; a later event may still bring the exact one.
    edited_at_estimated = models.BooleanField(default=False, db_default=False)
    edited_text_unknown = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True)
    reply_to_provider_id = models.CharField(max_length=255, blank=True, default="")
    # Quoted text and author as the message itself carried them; the quoted row may not exist.
    quote = models.JSONField(null=True)
    view_once = models.BooleanField(default=False)
    expires_in = models.PositiveIntegerField(null=True)
    is_forwarded = models.BooleanField(default=False)
    # Content not known yet (undecryptable, view once); the same id may bring it later.
    is_placeholder = models.BooleanField(default=False)
    # Containers such as albums: stored, counted nowhere, never a bubble.
    is_hidden = models.BooleanField(default=False)
    is_history = models.BooleanField(default=False)
    # Location, contact cards, poll options and tally, order, invitation, mentions, button payload.
    extra = models.JSONField(null=True)
    # The judgement that counts, written by analytics or by a person; nothing here computes it.
    sentiment = models.FloatField(null=True)
    emotion = models.CharField(max_length=40, blank=True, default="", db_default="")
    satisfaction = models.SmallIntegerField(null=True)
    tone = models.CharField(max_length=40, blank=True, default="", db_default="")
    summary = models.CharField(max_length=200, blank=True, default="", db_default="")
    confidence = models.FloatField(null=True)
    # Who judged: "" nobody yet, "embedded", "provider", "degraded" (stood in), "person".
    judged_by = models.CharField(max_length=8, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            # The id first: receipts and edits name a message by it alone.
            models.UniqueConstraint(
                fields=["provider_id", "conversation", "direction", "author"],
                nulls_distinct=False,
                name="messaging_message_key",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["inbound", "outbound"]),
                name="messaging_message_direction_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    source__in=["customer", "phone", "panel", "api", "dispatch", "flow"]
                ),
                name="messaging_message_source_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "received",
                        "pending",
                        "sent",
                        "delivered",
                        "read",
                        "played",
                        "failed",
                    ]
                ),
                name="messaging_message_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(sentiment__isnull=True)
                | models.Q(sentiment__gte=-1, sentiment__lte=1),
                name="messaging_message_sentiment",
            ),
            models.CheckConstraint(
                condition=models.Q(satisfaction__isnull=True)
                | models.Q(satisfaction__gte=0, satisfaction__lte=100),
                name="messaging_message_satisfaction",
            ),
            models.CheckConstraint(
                condition=models.Q(confidence__isnull=True)
                | models.Q(confidence__gte=0, confidence__lte=1),
                name="messaging_message_confidence",
            ),
        ]
        indexes = [
            models.Index(
                fields=["conversation", "-occurred_at", "-id"], name="messaging_message_thread"
            ),
            models.Index(fields=["-occurred_at", "-id"], name="messaging_message_recent"),
            models.Index(
                fields=["-occurred_at", "-id"],
                name="messaging_message_failed",
                condition=models.Q(is_failed=True),
            ),
            # Everybody filters by type; only rare ones are not found soon on a walk by time.
            models.Index(
                fields=["type", "-occurred_at", "-id"],
                name="messaging_message_rare_type",
                condition=~models.Q(type__in=["text", "image", "audio"]),
            ),
            # Groups only; merging two people must find what each of them wrote there.
            models.Index(
                fields=["author"],
                name="messaging_message_by_author",
                condition=models.Q(author__isnull=False),
            ),
            GinIndex(
                SearchVector(Fold(Left("text", SEARCHED_CHARACTERS)), config="portuguese"),
                name="messaging_message_folded_words",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class MessageVersion(models.Model):
    """A text that a message had before an edit."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    text = models.TextField(blank=True, default="")
    # When this text was written; the one it replaces is the row before.
    written_at = models.DateTimeField()
    written_at_estimated = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "written_at"], name="messaging_messageversion_unique"
            )
        ]

    def __str__(self) -> str:
        return f"version of {self.message_id}"


class MessageMedia(models.Model):
    """A file that a message carries. The bytes live in the storage, never in this table."""

    class Status(models.TextChoices):
        PENDING = "pending", _("To be fetched")
        STORED = "stored", _("Stored")
        UNAVAILABLE = "unavailable", _("No longer available")
        SKIPPED = "skipped", _("Not kept")

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="media")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    kind = models.CharField(max_length=12)
    mime = models.CharField(max_length=120, blank=True, default="")
    size = models.BigIntegerField(default=0)
    # Cleaned for display; never used as a path.
    name = models.CharField(max_length=255, blank=True, default="")
    seconds = models.PositiveIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    sha256 = models.BinaryField(max_length=32, null=True)
    storage_key = models.CharField(max_length=200, blank=True, default="")
    # A small picture of it, JPEG or WebP, written by us.
    thumb_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    stored_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    # While pending: when the next attempt is due; null for the first.
    next_attempt_at = models.DateTimeField(null=True)
    # A code of ours: expired, too_large, wrong_type, infected, refused, …
    failure = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Loudness of a voice message, 0 to 100, for its picture.
    waveform = models.JSONField(null=True)
    # What a later fetch needs: the raw event that described the file, or a URL of the server's S3.
    raw_event_id = models.BigIntegerField(null=True)
    raw_received_at = models.DateTimeField(null=True)
    remote_url = models.TextField(blank=True, default="")
    transcript = models.TextField(null=True)  # noqa: DJ001  null: never transcribed

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "stored", "unavailable", "skipped"]),
                name="messaging_messagemedia_status_known",
            )
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="messaging_media_waiting",
                condition=models.Q(status="pending"),
            ),
            # Which files of the storage nobody names any more.
            models.Index(
                fields=["storage_key"],
                name="messaging_media_file",
                condition=~models.Q(storage_key=""),
            ),
            # Only what was spoken and written down: files as such cost it nothing.
            GinIndex(
                SearchVector(Fold(Left("transcript", SEARCHED_CHARACTERS)), config="portuguese"),
                name="messaging_media_folded_words",
                condition=models.Q(transcript__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id}"
