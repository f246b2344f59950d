from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7
from messaging.models.connection import Connection
from messaging.models.conversation import Conversation
from messaging.models.message import Message


class Outgoing(models.Model):
    """One thing that we asked a server to do: a message, or an act on one.

    The row is committed before the call, so a crash between any two steps leaves `sending`, which
    nobody repeats: it becomes `unknown` and is reconciled.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        IMAGE = "image", _("Image")
        VIDEO = "video", _("Video")
        VIDEO_NOTE = "video_note", _("Video note")
        AUDIO = "audio", _("Audio")
        VOICE = "voice", _("Voice message")
        DOCUMENT = "document", _("Document")
        STICKER = "sticker", _("Sticker")
        LOCATION = "location", _("Location")
        CONTACT = "contact", _("Contact")
        POLL = "poll", _("Poll")
        LIST = "list", _("List")
        BUTTONS = "buttons", _("Buttons")
        TEMPLATE = "template", _("Template")
        STATUS = "status", _("Status post")
        REACTION = "reaction", _("Reaction")
        EDIT = "edit", _("Edit")
        DELETE = "delete", _("Deletion")
        READ = "read", _("Read mark")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Outcome unknown")
        DEAD = "dead", _("Given up")
        CANCELLED = "cancelled", _("Cancelled")

    # For messages the same as the message's public id, so that both are one resource.
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, db_index=False)
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.PROTECT, db_index=False
    )
    # What it became in the thread; null for acts on other messages and for status posts.
    message = models.OneToOneField(
        Message, null=True, on_delete=models.PROTECT, related_name="outgoing"
    )
    # What an edit, deletion, reaction or read mark is about.
    target = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # The content in our own words (`messaging.services.sending.contents`), not a server's.
    payload = models.JSONField(default=dict)
    # Hash of what the echo will carry (kind, normalised text); finds it when the answer is lost.
    content_hash = models.BinaryField(max_length=32, null=True)
    # The id that we chose, where the server honours it; "" elsewhere.
    preset_id = models.CharField(max_length=64, blank=True, default="")
    source = models.CharField(
        max_length=8, choices=Message.Source.choices, default=Message.Source.PANEL
    )
    actor_user_id = models.BigIntegerField(null=True)
    api_key_id = models.BigIntegerField(null=True)
    # Lower goes first: 0 a person, 5 the API, 9 bulk.
    priority = models.PositiveSmallIntegerField(default=0)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # How many of them ended by a fault that passes and was neither the number's nor the server's;
    # since it was last queued by somebody.
    passing_faults = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The attempt that is being made; only its holder may settle it.
    attempt_token = models.UUIDField(null=True)
    # `queued`: not before this. `unknown`: the next time somebody looks for it.
    next_at = models.DateTimeField(db_default=Now())
    # While the outcome is unknown later messages of the conversation wait until this.
    holds_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # How often, and since when without a gap, the server said that it does not know this message.
    absences = models.PositiveSmallIntegerField(default=0)
    absent_since = models.DateTimeField(null=True)
    # {"code", "detail", "can_retry"}; null unless something went wrong.
    failure = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "queued",
                        "sending",
                        "sent",
                        "failed",
                        "unknown",
                        "dead",
                        "cancelled",
                    ]
                ),
                name="messaging_outgoing_state_known",
            ),
            # One call in flight for each number, whatever the workers believe.
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(state="sending"),
                name="messaging_outgoing_one_in_flight",
            ),
            models.UniqueConstraint(
                fields=["connection", "preset_id"],
                condition=~models.Q(preset_id=""),
                name="messaging_outgoing_preset_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "priority", "id"],
                name="messaging_outgoing_waiting",
                condition=models.Q(state="queued"),
            ),
            models.Index(
                fields=["connection", "next_at"],
                name="messaging_outgoing_open",
                condition=models.Q(state__in=["sending", "unknown"]),
            ),
            # Order inside a conversation.
            models.Index(
                fields=["conversation", "id"],
                name="messaging_outgoing_order",
                condition=models.Q(state__in=["queued", "sending", "unknown"]),
            ),
            models.Index(
                fields=["-id"],
                name="messaging_outgoing_given_up",
                condition=models.Q(state__in=["failed", "dead", "unknown"]),
            ),
        ]

    def __str__(self) -> str:
        return f"outgoing {self.pk}"


class OutgoingAttempt(models.Model):
    """One call, or one look for what became of it."""

    outgoing = models.ForeignKey(
        Outgoing, on_delete=models.CASCADE, related_name="tries", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    # send · check
    act = models.CharField(max_length=8, default="send")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    # accepted, not_sent, permanent, unknown, found, absent; "" while it lasts or when nobody knows.
    outcome = models.CharField(max_length=12, blank=True, default="")
    # A code of ours, and what the server said in short; never keys, numbers or texts.
    code = models.CharField(max_length=40, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True, default="")
    http_status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["outgoing", "act", "number"], name="messaging_outgoingattempt_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.number} of {self.outgoing_id}"


class Upload(models.Model):
    """A file that a person or a client brought, until a message carries it."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    storage_key = models.CharField(max_length=200)
    thumb_key = models.CharField(max_length=200, blank=True, default="")
    # image, video, audio, document, sticker: what the bytes are, whatever the sender called them.
    kind = models.CharField(max_length=12)
    mime = models.CharField(max_length=120)
    size = models.BigIntegerField()
    name = models.CharField(max_length=255, blank=True, default="")
    sha256 = models.BinaryField(max_length=32)
    seconds = models.PositiveIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    actor_user_id = models.BigIntegerField(null=True)
    api_key_id = models.BigIntegerField(null=True)
    # Set when a message uses it; unused ones are removed after a day.
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                name="messaging_upload_unused",
                condition=models.Q(used_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class ComposerDraft(models.Model):
    """What a person has typed in a conversation and not sent yet."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="drafts", db_index=False
    )
    user_id = models.BigIntegerField()
    text = models.TextField(blank=True, default="")
    # Public ids of uploads, and the public id of the quoted message.
    uploads = models.JSONField(default=list)
    quoted = models.UUIDField(null=True)
    # The one-time key that every window showing this draft sends it under, so that it leaves once.
    key = models.UUIDField(null=True)
    # The key that was sent last: a save that was still on its way must not bring the text back.
    sent_key = models.UUIDField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "user_id"], name="messaging_composerdraft_unique"
            )
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class NumberCheck(models.Model):
    """Whether a number is on WhatsApp, asked at most once a day."""

    # HMAC of the digits as asked, under the tenant's key; both Brazilian forms have their rows.
    hmac = models.BinaryField(max_length=32, unique=True)
    exists = models.BooleanField()
    # The JID that WhatsApp uses, and the LID where it told one.
    jid = EncryptedTextField(null=True)
    lid = EncryptedTextField(null=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, db_index=False)
    checked_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"number check {self.pk}"
