from django.urls import path

from messaging import urls_composer, urls_media, urls_webhooks
from messaging.views import (
    connections,
    connections_acts,
    connections_detail,
    connections_incidents,
    connections_new,
    connections_sending,
    connections_servers,
    connections_settings,
    contacts,
    conversations,
    merges,
    pairing,
    raw_events,
)

app_name = "messaging"

urlpatterns = [
    *urls_composer.urlpatterns,
    *urls_media.urlpatterns,
    *urls_webhooks.urlpatterns,
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
    path("conexoes/nova/", connections_new.connection_new, name="connection-new"),
    path("conexoes/nova/existente/", connections_new.connection_adopt, name="connection-adopt"),
    path("conexoes/nova/manual/", connections.connection_create, name="connection-create"),
    path("conexoes/servidores/", connections_servers.server_list, name="server-list"),
    path("conexoes/servidores/novo/", connections_servers.server_create, name="server-create"),
    path(
        "conexoes/servidores/<uuid:server_id>/", connections_servers.server_edit, name="server-edit"
    ),
    path(
        "conexoes/servidores/<uuid:server_id>/testar/",
        connections_servers.server_test,
        name="server-test",
    ),
    path(
        "conexoes/servidores/<uuid:server_id>/remover/",
        connections_servers.server_remove,
        name="server-remove",
    ),
    path("conexoes/incidentes/", connections_incidents.incident_list, name="incident-list"),
    path(
        "conexoes/incidentes/<uuid:incident_id>/visto/",
        connections_incidents.incident_seen,
        name="incident-seen",
    ),
    path(
        "conexoes/<uuid:connection_id>/",
        connections_detail.connection_detail,
        name="connection-detail",
    ),
    path("conexoes/<uuid:connection_id>/conectar/", pairing.pairing, name="connection-pair"),
    path(
        "conexoes/<uuid:connection_id>/conectar/codigo/",
        pairing.pairing_start,
        name="connection-pair-start",
    ),
    path(
        "conexoes/<uuid:connection_id>/conectar/recriar/",
        pairing.pairing_anew,
        name="connection-pair-anew",
    ),
    path(
        "conexoes/<uuid:connection_id>/conectar/desconectar/",
        pairing.pairing_disconnect,
        name="connection-pair-disconnect",
    ),
    path(
        "conexoes/<uuid:connection_id>/conectar/trocar-numero/",
        pairing.pairing_accept,
        name="connection-pair-accept",
    ),
    path(
        "conexoes/<uuid:connection_id>/envios/",
        connections_sending.connection_sending,
        name="connection-sending",
    ),
    path(
        "conexoes/<uuid:connection_id>/envios/<uuid:message_id>/",
        connections_sending.outgoing_decide,
        name="outgoing-decide",
    ),
    path(
        "conexoes/<uuid:connection_id>/envios/repetir/",
        connections_sending.outgoing_replay,
        name="outgoing-replay",
    ),
    path(
        "conexoes/<uuid:connection_id>/ajustes/",
        connections_settings.connection_edit,
        name="connection-edit",
    ),
    path(
        "conexoes/<uuid:connection_id>/atos/<str:act>/",
        connections_acts.connection_act,
        name="connection-act",
    ),
    path(
        "conexoes/<uuid:connection_id>/procurar/",
        connections_detail.connection_repair,
        name="connection-repair",
    ),
    path(
        "conexoes/<uuid:connection_id>/sair/",
        connections_acts.connection_log_out,
        name="connection-log-out",
    ),
    path(
        "conexoes/<uuid:connection_id>/excluir/",
        connections_acts.connection_remove,
        name="connection-remove",
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
