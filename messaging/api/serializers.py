"""How stored things look outside. Sources are the dataclasses of the selectors."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evosense.core.rest import UtcDateTimeField
from messaging.api.connection_outputs import CONNECTION_STATES, HEALTH, WithLaneSerializer
from messaging.api.sending_outputs import SendingSerializer
from messaging.echoes import is_placeholder
from messaging.models import Contact, Conversation, Message, MessageMedia
from messaging.selectors.bubbles import Bubble
from messaging.selectors.contacts import ContactRow
from messaging.selectors.conversations import ConversationRow
from messaging.services.media import media_link

FREE_FORM = {"type": ["object", "null"], "additionalProperties": True}


class ChatSerializer(serializers.Serializer[Any]):
    jid = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=Conversation.Kind.values)


class AuthorSerializer(serializers.Serializer[Any]):
    jid = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    is_self = serializers.BooleanField()


class ReactionSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField()
    author = serializers.CharField(allow_null=True, help_text="JID; null for the own side.")


class MediaSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=MessageMedia.Status.values)
    kind = serializers.CharField()
    mime = serializers.CharField()
    size = serializers.IntegerField()
    name = serializers.CharField()
    transcript = serializers.CharField(allow_null=True)
    url = serializers.SerializerMethodField()
    thumb_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_url(self, media: MessageMedia) -> str | None:
        """Return a link that works for some minutes; null while the file is not stored."""
        return media_link(media) or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_thumb_url(self, media: MessageMedia) -> str | None:
        """Return a link to the small picture; null where there is none."""
        return media_link(media, "thumb") or None


class AnalysisSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["pending", "done", "deferred", "failed", "none"])
    sentiment = serializers.FloatField(allow_null=True)
    emotion = serializers.CharField(allow_null=True)
    satisfaction = serializers.IntegerField(allow_null=True)
    tone = serializers.CharField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    prompt_version = serializers.CharField(allow_null=True)


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    provider_id = serializers.SerializerMethodField()
    connection = serializers.UUIDField(source="message.connection.public_id")
    conversation = serializers.UUIDField(source="message.conversation.public_id")
    chat = serializers.SerializerMethodField()
    author = serializers.SerializerMethodField()
    direction = serializers.ChoiceField(
        choices=Message.Direction.values, source="message.direction"
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=Message.Source.values, source="message.source"
    )
    type = serializers.ChoiceField(choices=Message.Type.values, source="message.type")
    text = serializers.CharField(source="message.text")
    status = serializers.ChoiceField(choices=Message.Status.values, source="message.status")
    failure = serializers.SerializerMethodField()
    occurred_at = UtcDateTimeField(source="message.occurred_at")
    occurred_at_estimated = serializers.BooleanField(source="message.occurred_at_estimated")
    received_at = UtcDateTimeField(source="message.received_at")
    edited_at = UtcDateTimeField(source="message.edited_at", allow_null=True)
    edited_text_unknown = serializers.BooleanField(source="message.edited_text_unknown")
    deleted_at = UtcDateTimeField(source="message.deleted_at", allow_null=True)
    reply_to = serializers.SerializerMethodField()
    view_once = serializers.BooleanField(source="message.view_once")
    expires_in = serializers.IntegerField(source="message.expires_in", allow_null=True)
    reactions = serializers.SerializerMethodField()
    sending = serializers.SerializerMethodField()
    media = MediaSerializer(allow_null=True)
    location = serializers.SerializerMethodField()
    contacts = serializers.SerializerMethodField()
    analysis = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_provider_id(self, bubble: Bubble) -> str | None:
        """Return WhatsApp's id; null until the server has told it."""
        known = bubble.message.provider_id
        return None if is_placeholder(known) else known

    @extend_schema_field(SendingSerializer(allow_null=True))
    def get_sending(self, bubble: Bubble) -> Any:
        view = self.context.get("sending", {}).get(bubble.message.pk)
        return SendingSerializer(view).data if view else None

    @extend_schema_field(ChatSerializer)
    def get_chat(self, bubble: Bubble) -> dict[str, Any]:
        jid = bubble.chat.jid if bubble.chat else ""
        return {"jid": jid or None, "kind": bubble.message.conversation.kind}

    @extend_schema_field(AuthorSerializer)
    def get_author(self, bubble: Bubble) -> dict[str, Any]:
        if bubble.is_self:
            own = bubble.message.connection
            name = own.profile_name or own.name
            return {"jid": bubble.own_jid or None, "name": name, "is_self": True}
        author = bubble.author
        jid, name = (author.jid or None, author.name) if author else (None, "")
        return {"jid": jid, "name": name, "is_self": False}

    @extend_schema_field(FREE_FORM)
    def get_failure(self, bubble: Bubble) -> Any:
        return bubble.message.failure

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_reply_to(self, bubble: Bubble) -> str | None:
        return bubble.message.reply_to_provider_id or None

    @extend_schema_field(ReactionSerializer(many=True))
    def get_reactions(self, bubble: Bubble) -> list[dict[str, Any]]:
        return [
            {"emoji": group.emoji, "author": author}
            for group in bubble.reactions
            for author in (
                *((bubble.own_jid or None,) if group.is_own else ()),
                *(person.jid or None for person in group.people),
            )
        ]

    @extend_schema_field(FREE_FORM)
    def get_location(self, bubble: Bubble) -> Any:
        return (bubble.message.extra or {}).get("location")

    @extend_schema_field({"type": ["array", "null"], "items": {"type": "object"}})
    def get_contacts(self, bubble: Bubble) -> Any:
        return (bubble.message.extra or {}).get("contacts")

    @extend_schema_field(AnalysisSerializer)
    def get_analysis(self, bubble: Bubble) -> dict[str, Any]:
        message: Message = bubble.message
        known = self.context["analysis"][message.pk]
        return {
            "status": known.status,
            "sentiment": message.sentiment,
            "emotion": message.emotion or None,
            "satisfaction": message.satisfaction,
            "tone": message.tone or None,
            "summary": message.summary if message.judged_by else None,
            "confidence": message.confidence,
            "model": known.model or None,
            "prompt_version": known.prompt_version or None,
        }


class LastMessageSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    type = serializers.CharField()
    direction = serializers.CharField()
    status = serializers.CharField()


class ConversationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    connection = serializers.UUIDField(source="connection.id")
    contact = serializers.UUIDField(source="contact.id")
    chat = serializers.SerializerMethodField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Conversation.Status.values)
    unread_count = serializers.IntegerField()
    last_message = LastMessageSerializer(source="preview")
    last_message_at = UtcDateTimeField()
    last_inbound_at = UtcDateTimeField(allow_null=True)
    last_outbound_at = UtcDateTimeField(allow_null=True)
    attribution = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()

    @extend_schema_field(ChatSerializer)
    def get_chat(self, row: ConversationRow) -> dict[str, Any]:
        return {"jid": row.contact.jid or None, "kind": row.kind}

    @extend_schema_field(FREE_FORM)
    def get_attribution(self, row: ConversationRow) -> Any:
        return row.attribution


class IdentitySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["pn", "lid", "group"])
    jid = serializers.CharField()
    sender = serializers.CharField(help_text="Keyed hash of the address, as exports show it.")
    first_seen = UtcDateTimeField()
    last_seen = UtcDateTimeField()


class ContactSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="person.id")
    kind = serializers.ChoiceField(choices=Contact.Kind.values, source="person.kind")
    name = serializers.SerializerMethodField()
    name_source = serializers.ChoiceField(choices=["", "profile", "address_book", "agent"])
    push_name = serializers.CharField()
    avatar_url = serializers.CharField(source="person.avatar_url")
    identities = IdentitySerializer(many=True)
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()

    def get_name(self, row: ContactRow) -> str:
        return row.person.name if row.person.is_named else ""


class ContactChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=200, allow_blank=True, help_text="Empty: back to the name of the profile."
    )


class EventCountsSerializer(serializers.Serializer[Any]):
    pending = serializers.IntegerField()
    done = serializers.IntegerField()
    kept = serializers.IntegerField()
    dead = serializers.IntegerField()


class ConnectionSerializer(WithLaneSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    server = serializers.UUIDField(source="server_id", allow_null=True)
    instance = serializers.CharField()
    server_url = serializers.CharField()
    has_api_key = serializers.BooleanField()
    number = serializers.CharField(allow_null=True)
    profile_name = serializers.CharField()
    state = serializers.ChoiceField(choices=CONNECTION_STATES)
    state_code = serializers.IntegerField(allow_null=True)
    state_at = UtcDateTimeField()
    is_active = serializers.BooleanField()
    is_managed = serializers.BooleanField(help_text="Whether we look after its instance.")
    is_default = serializers.BooleanField()
    allows_bulk = serializers.BooleanField()
    health = serializers.ChoiceField(choices=HEALTH)
    health_at = UtcDateTimeField(allow_null=True)
    muted_until = UtcDateTimeField(allow_null=True)
    webhook_state = serializers.CharField(help_text="ok, repaired, unreachable, foreign or empty.")
    webhook_checked_at = UtcDateTimeField(allow_null=True)
    last_error = serializers.CharField(help_text="A code.")
    last_error_at = UtcDateTimeField(allow_null=True)
    next_retry_at = UtcDateTimeField(allow_null=True)
    quarantined_at = UtcDateTimeField(allow_null=True)
    quarantine_reason = serializers.CharField()
    last_event_at = UtcDateTimeField(allow_null=True)
    last_inbound_at = UtcDateTimeField(allow_null=True)
    last_outbound_at = UtcDateTimeField(allow_null=True)
    removed_at = UtcDateTimeField(allow_null=True)
    previous_token_until = UtcDateTimeField(allow_null=True)
    events_24h = EventCountsSerializer(source="events")
    created_at = UtcDateTimeField()


class NewConnectionSerializer(ConnectionSerializer):
    webhook_url = serializers.CharField()
    webhook_token = serializers.CharField(help_text="Shown once, here.")


class ConnectionInputSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    instance = serializers.CharField(max_length=120)
    server_url = serializers.CharField(max_length=300, required=False, allow_blank=True)
    api_key = serializers.CharField(max_length=500, required=False, allow_blank=True)
    number = serializers.CharField(max_length=40, required=False, allow_blank=True)


class RotationSerializer(serializers.Serializer[Any]):
    webhook_url = serializers.CharField()
    webhook_token = serializers.CharField(help_text="Shown once, here.")
    previous_token_until = UtcDateTimeField()


class RawEventSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    received_at = UtcDateTimeField()
    event = serializers.CharField()
    instance = serializers.CharField()
    lane = serializers.ChoiceField(choices=["live", "history"])
    status = serializers.ChoiceField(choices=["pending", "done", "kept", "dead"])
    flag = serializers.CharField()
    attempts = serializers.IntegerField()
    processed_at = UtcDateTimeField(allow_null=True)
    processing_time_ms = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()


class RawEventDetailSerializer(serializers.Serializer[Any]):
    event = RawEventSerializer(source="row")
    size = serializers.IntegerField(help_text="Bytes of the body as it is kept.")
    body = serializers.SerializerMethodField()
    text = serializers.CharField(
        help_text="The body as text, cut after 512 KiB; what there is of a broken one."
    )
    is_cut = serializers.BooleanField()

    @extend_schema_field({"description": "The body as JSON; null when broken or too long."})
    def get_body(self, detail: Any) -> Any:
        return detail.body
