from messaging.models.call import Call
from messaging.models.connection import Connection, ConnectionEvent
from messaging.models.contact import Contact, ContactMerge, GroupMember, Identity
from messaging.models.conversation import Conversation, ConversationLabel, Label
from messaging.models.health import GapRepair, HealthLog, Incident
from messaging.models.message import Message, MessageMedia, MessageVersion
from messaging.models.outgoing import (
    ComposerDraft,
    NumberCheck,
    Outgoing,
    OutgoingAttempt,
    Upload,
)
from messaging.models.parked import ParkedEffect
from messaging.models.response import PollVote, Reaction
from messaging.models.webhooks_out import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Call",
    "ComposerDraft",
    "Connection",
    "ConnectionEvent",
    "Contact",
    "ContactMerge",
    "Conversation",
    "ConversationLabel",
    "GapRepair",
    "GroupMember",
    "HealthLog",
    "Identity",
    "Incident",
    "Label",
    "Message",
    "MessageMedia",
    "MessageVersion",
    "NumberCheck",
    "Outgoing",
    "OutgoingAttempt",
    "ParkedEffect",
    "PollVote",
    "Reaction",
    "Upload",
    "WebhookDelivery",
    "WebhookEndpoint",
]
