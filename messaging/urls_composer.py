"""Addresses of the composer and of what is done with one message."""

from django.urls import URLPattern, path

from messaging.views import composer, composer_extras, message_acts, new_conversation

_CONVERSATION = "conversas/<uuid:conversation_id>"
_MESSAGE = f"{_CONVERSATION}/mensagens/<uuid:message_id>"

urlpatterns: list[URLPattern] = [
    path("conversas/nova/", new_conversation.conversation_new, name="conversation-new"),
    path(f"{_CONVERSATION}/compositor/", composer.composer_gate, name="composer-gate"),
    path(
        f"{_CONVERSATION}/compositor/<str:kind>/",
        composer_extras.composer_extra,
        name="composer-extra",
    ),
    path(f"{_CONVERSATION}/enviar/", composer.message_send, name="message-send"),
    path(f"{_CONVERSATION}/rascunho/", composer.draft_save, name="draft-save"),
    path(f"{_CONVERSATION}/anexos/", composer.attachment_add, name="attachment-add"),
    path(f"{_CONVERSATION}/digitando/", composer.typing_tell, name="typing-tell"),
    path(f"{_MESSAGE}/", message_acts.message_detail, name="message-detail"),
    path(f"{_MESSAGE}/menu/", message_acts.message_menu, name="message-menu"),
    path(f"{_MESSAGE}/citar/", composer.message_quote, name="message-quote"),
    path(f"{_MESSAGE}/reagir/", message_acts.message_react, name="message-react"),
    path(f"{_MESSAGE}/encaminhar/", message_acts.message_forward, name="message-forward"),
    path(f"{_MESSAGE}/editar/", message_acts.message_edit, name="message-edit"),
    path(f"{_MESSAGE}/apagar/", message_acts.message_delete, name="message-delete"),
    path(f"{_MESSAGE}/reenviar/", message_acts.message_retry, name="message-retry"),
    path(f"{_MESSAGE}/cancelar/", message_acts.message_cancel, name="message-cancel"),
    path(f"{_MESSAGE}/resolver/", message_acts.message_resolve, name="message-resolve"),
]
