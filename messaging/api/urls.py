from django.urls import path

from messaging.api.connection_acts import (
    ConnectionLogout,
    ConnectionNumber,
    ConnectionPairing,
    ConnectionRestart,
    ConnectionSettings,
    SendingPause,
    SendingResumption,
    WebhookCheck,
    WebhookRotation,
)
from messaging.api.connections import ConnectionDetail, ConnectionList, ConnectionRotation
from messaging.api.contacts import ContactDetail, ContactList
from messaging.api.conversations import ConversationDetail, ConversationList
from messaging.api.health import (
    ConnectionHealth,
    HealthList,
    IncidentAcknowledgement,
    IncidentDetail,
    IncidentList,
    RepairList,
)
from messaging.api.message_acts import (
    ConversationPresence,
    ConversationRead,
    FailedReplay,
    MessageAttempts,
    MessageCancel,
    MessageEdit,
    MessageForward,
    MessageReaction,
    MessageResolution,
    MessageRetry,
    OutgoingDetail,
)
from messaging.api.messages import ConversationMessages, MessageDetail, MessageList
from messaging.api.raw_events import RawEventDetail, RawEventList, RawEventReplay
from messaging.api.sending import NumberCheckList, StatusPosts, UploadList
from messaging.api.servers import (
    ServerConnections,
    ServerDetail,
    ServerInstances,
    ServerList,
    ServerTest,
)
from messaging.api.webhooks import (
    DeliveryList,
    DeliveryReplay,
    WebhookDetail,
    WebhookList,
    WebhookSecret,
    WebhookTest,
)

_SERVER = "servers/<uuid:server_id>"
_CONNECTION = "connections/<uuid:connection_id>"
_EVENT = f"{_CONNECTION}/events/<str:event_id>"
_MESSAGE = "messages/<uuid:message_id>"
_WEBHOOK = "webhooks/<uuid:webhook_id>"
_CONVERSATION = "conversations/<uuid:conversation_id>"

urlpatterns = [
    path("connections", ConnectionList.as_view()),
    path(_CONNECTION, ConnectionDetail.as_view()),
    path(f"{_CONNECTION}/rotate", ConnectionRotation.as_view()),
    path(f"{_CONNECTION}/pairing", ConnectionPairing.as_view()),
    path(f"{_CONNECTION}/accept-number", ConnectionNumber.as_view()),
    path(f"{_CONNECTION}/restart", ConnectionRestart.as_view()),
    path(f"{_CONNECTION}/logout", ConnectionLogout.as_view()),
    path(f"{_CONNECTION}/settings", ConnectionSettings.as_view()),
    path(f"{_CONNECTION}/webhook/verify", WebhookCheck.as_view()),
    path(f"{_CONNECTION}/webhook/rotate", WebhookRotation.as_view()),
    path(f"{_CONNECTION}/sending/pause", SendingPause.as_view()),
    path(f"{_CONNECTION}/sending/resume", SendingResumption.as_view()),
    path(f"{_CONNECTION}/dead-letters/replay", FailedReplay.as_view()),
    path(f"{_CONNECTION}/health", ConnectionHealth.as_view()),
    path(f"{_CONNECTION}/repairs", RepairList.as_view()),
    path(f"{_CONNECTION}/status-posts", StatusPosts.as_view()),
    path(f"{_CONNECTION}/events", RawEventList.as_view()),
    path(_EVENT, RawEventDetail.as_view()),
    path(f"{_EVENT}/replay", RawEventReplay.as_view()),
    path("servers", ServerList.as_view()),
    path(_SERVER, ServerDetail.as_view()),
    path(f"{_SERVER}/test", ServerTest.as_view()),
    path(f"{_SERVER}/instances", ServerInstances.as_view()),
    path(f"{_SERVER}/connections", ServerConnections.as_view()),
    path("webhooks", WebhookList.as_view()),
    path(_WEBHOOK, WebhookDetail.as_view()),
    path(f"{_WEBHOOK}/test", WebhookTest.as_view()),
    path(f"{_WEBHOOK}/secret", WebhookSecret.as_view()),
    path(f"{_WEBHOOK}/deliveries", DeliveryList.as_view()),
    path(f"{_WEBHOOK}/deliveries/<uuid:delivery_id>/replay", DeliveryReplay.as_view()),
    path("health", HealthList.as_view()),
    path("incidents", IncidentList.as_view()),
    path("incidents/<uuid:incident_id>", IncidentDetail.as_view()),
    path("incidents/<uuid:incident_id>/acknowledge", IncidentAcknowledgement.as_view()),
    path("conversations", ConversationList.as_view()),
    path(_CONVERSATION, ConversationDetail.as_view()),
    path(f"{_CONVERSATION}/messages", ConversationMessages.as_view()),
    path(f"{_CONVERSATION}/read", ConversationRead.as_view()),
    path(f"{_CONVERSATION}/presence", ConversationPresence.as_view()),
    path("contacts", ContactList.as_view()),
    path("contacts/<uuid:contact_id>", ContactDetail.as_view()),
    path("messages", MessageList.as_view()),
    path(_MESSAGE, MessageDetail.as_view()),
    path(f"{_MESSAGE}/attempts", MessageAttempts.as_view()),
    path(f"{_MESSAGE}/reaction", MessageReaction.as_view()),
    path(f"{_MESSAGE}/edit", MessageEdit.as_view()),
    path(f"{_MESSAGE}/forward", MessageForward.as_view()),
    path(f"{_MESSAGE}/retry", MessageRetry.as_view()),
    path(f"{_MESSAGE}/cancel", MessageCancel.as_view()),
    path(f"{_MESSAGE}/resolve", MessageResolution.as_view()),
    path("outgoing/<uuid:outgoing_id>", OutgoingDetail.as_view()),
    path("uploads", UploadList.as_view()),
    path("numbers/check", NumberCheckList.as_view()),
]
