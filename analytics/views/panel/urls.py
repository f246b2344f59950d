from django.urls import path

from analytics.views.panel import conversations, messages

_MESSAGE = "mensagens/<uuid:message_id>/"
_CONVERSATION = "conversas/<uuid:conversation_id>/"

urlpatterns = [
    path(_MESSAGE, messages.message_panel, name="message-panel"),
    path(f"{_MESSAGE}corrigir/", messages.message_correct, name="message-correct"),
    path(f"{_MESSAGE}analisar/", messages.message_judge, name="message-judge"),
    path(_CONVERSATION, conversations.conversation_panel, name="conversation-panel"),
    path(
        f"{_CONVERSATION}analisar/", conversations.conversation_analyse, name="conversation-analyse"
    ),
    path(
        f"{_CONVERSATION}respostas/",
        conversations.conversation_replies,
        name="conversation-replies",
    ),
]
