from django.urls import include, path

from tenancy.views import account, streams, workspaces

account_patterns = (
    [
        path("entrar/", account.login, name="login"),
        path("sair/", account.logout, name="logout"),
        path("conta/preferencias/", account.preferences, name="preferences"),
        path("conta/empresas/", workspaces.switch, name="workspaces"),
        path("conta/eventos/", streams.stream_address, name="stream-address"),
    ],
    "account",
)

urlpatterns = [
    path("", include(account_patterns)),
    path("ajustes/", include("tenancy.urls_settings")),
]
