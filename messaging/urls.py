from django.urls import path

from messaging import urls_media
from messaging.views import connections, contacts, conversations, merges, raw_events

app_name = "messaging"

urlpatterns = [
    *urls_media.urlpatterns,
    path("conversas/", conversations.conversation_list, name="conversation-list"),
    path("conversas/nao-lidas/", conversations.unread_count, name="unread-count"),
    path(
        "conversas/<uuid:conversation_id>/",
        conversations.conversation_detail,
        name="conversation-detail",
    ),
    path(
        "conversas/<uuid:conversation_id>/mensagens/",
        conversations.conversation_messages,
        name="conversation-messages",
    ),
    path(
        "conversas/<uuid:conversation_id>/mensagens/<uuid:message_id>/versoes/",
        conversations.message_versions_view,
        name="message-versions",
    ),
    path(
        "conversas/<uuid:conversation_id>/lida/",
        conversations.conversation_read,
        name="conversation-read",
    ),
    path(
        "conversas/<uuid:conversation_id>/nao-lida/",
        conversations.conversation_unread,
        name="conversation-unread",
    ),
    path("contatos/", contacts.contact_list, name="contact-list"),
    path("contatos/<uuid:contact_id>/", contacts.contact_detail, name="contact-detail"),
    path("contatos/<uuid:contact_id>/nome/", contacts.contact_rename, name="contact-rename"),
    path("contatos/<uuid:contact_id>/unir/", merges.contact_merge, name="contact-merge"),
    path(
        "contatos/<uuid:contact_id>/unioes/<int:merge_id>/desfazer/",
        merges.contact_unmerge,
        name="contact-unmerge",
    ),
    path("conexoes/", connections.connection_list, name="connection-list"),
    path("conexoes/nova/", connections.connection_create, name="connection-create"),
    path("conexoes/<uuid:connection_id>/", connections.connection_detail, name="connection-detail"),
    path(
        "conexoes/<uuid:connection_id>/ajustes/",
        connections.connection_edit,
        name="connection-edit",
    ),
    path(
        "conexoes/<uuid:connection_id>/token/",
        connections.connection_rotate,
        name="connection-rotate",
    ),
    path(
        "conexoes/<uuid:connection_id>/primeiro/",
        connections.connection_first,
        name="connection-first",
    ),
    path(
        "conexoes/<uuid:connection_id>/teste/", connections.connection_test, name="connection-test"
    ),
    path("conexoes/<uuid:connection_id>/eventos/", raw_events.event_list, name="raw-event-list"),
    path(
        "conexoes/<uuid:connection_id>/eventos/repetir/",
        raw_events.event_replay_many,
        name="raw-event-replay-many",
    ),
    path(
        "conexoes/<uuid:connection_id>/eventos/<str:event_id>/",
        raw_events.event_detail,
        name="raw-event-detail",
    ),
    path(
        "conexoes/<uuid:connection_id>/eventos/<str:event_id>/repetir/",
        raw_events.event_replay,
        name="raw-event-replay",
    ),
]
