from messaging.models.call import Call
from messaging.models.connection import Connection, ConnectionEvent
from messaging.models.contact import Contact, ContactMerge, GroupMember, Identity
from messaging.models.conversation import Conversation, ConversationLabel, Label
from messaging.models.message import Message, MessageMedia, MessageVersion
from messaging.models.parked import ParkedEffect
from messaging.models.response import PollVote, Reaction

__all__ = [
    "Call",
    "Connection",
    "ConnectionEvent",
    "Contact",
    "ContactMerge",
    "Conversation",
    "ConversationLabel",
    "GroupMember",
    "Identity",
    "Label",
    "Message",
    "MessageMedia",
    "MessageVersion",
    "ParkedEffect",
    "PollVote",
    "Reaction",
]
