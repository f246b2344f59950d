"""Files of messages, on the pages of a company."""

from django.urls import path

from messaging.views import media

_MESSAGE = "conversas/<uuid:conversation_id>/mensagens/<uuid:message_id>"

urlpatterns = [
    path(f"{_MESSAGE}/arquivo/", media.message_file, name="message-file"),
    path(f"{_MESSAGE}/foto/", media.message_picture, name="message-picture"),
    path(f"{_MESSAGE}/arquivo/buscar/", media.message_file_retry, name="message-file-retry"),
]
