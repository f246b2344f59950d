"""The settings' pages of outbound webhooks."""

from django.urls import path

from messaging.views import webhooks, webhooks_acts

_ONE = "ajustes/webhooks/<uuid:webhook_id>/"

urlpatterns = [
    path("ajustes/webhooks/", webhooks.webhook_list, name="webhooks"),
    path("ajustes/webhooks/novo/", webhooks.webhook_new, name="webhooks-new"),
    path(_ONE, webhooks.webhook_detail, name="webhooks-detail"),
    path(f"{_ONE}alterar/", webhooks.webhook_edit, name="webhooks-edit"),
    path(f"{_ONE}segredo/", webhooks_acts.webhook_rotate, name="webhooks-rotate"),
    path(f"{_ONE}testar/", webhooks_acts.webhook_test, name="webhooks-test"),
    path(f"{_ONE}remover/", webhooks_acts.webhook_remove, name="webhooks-remove"),
    path(
        f"{_ONE}entregas/<uuid:delivery_id>/repetir/",
        webhooks_acts.delivery_replay,
        name="webhooks-replay",
    ),
]
