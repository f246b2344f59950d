"""Log-in and the pages of a person's own account, on every tenant host."""

from django.urls import path

from tenancy.views import account, streams, workspaces
from tenancy.views.account_security import (
    confirm,
    credentials,
    factors,
    passkeys,
    profile,
    sessions,
)

urlpatterns = [
    path("entrar/", account.login, name="login"),
    path("entrar/codigo/", account.login_code, name="login-code"),
    path("entrar/chave/", account.login_passkey, name="login-passkey"),
    path("entrar/chave/opcoes/", account.login_passkey_options, name="login-passkey-options"),
    path("sair/", account.logout, name="logout"),
    path("conta/", profile.profile, name="profile"),
    path("conta/preferencias/", account.preferences, name="preferences"),
    path("conta/empresas/", workspaces.switch, name="workspaces"),
    path("conta/eventos/", streams.stream_address, name="stream-address"),
    path("conta/confirmar/", confirm.confirm, name="confirm"),
    path("conta/confirmar/chave/opcoes/", confirm.confirm_options, name="confirm-options"),
    path("conta/senha/", credentials.password, name="password"),
    path("conta/email/", credentials.email, name="email"),
    path("conta/email/manter/", credentials.withdraw_email, name="email-withdraw"),
    path("conta/email/confirmar/<str:token>/", credentials.confirm_email, name="email-confirm"),
    path("conta/seguranca/", factors.security, name="security"),
    path("conta/seguranca/app/", factors.app, name="app"),
    path("conta/seguranca/app/remover/", factors.remove_app, name="app-remove"),
    path("conta/seguranca/codigos/", factors.codes, name="codes"),
    path("conta/seguranca/chaves/", passkeys.add, name="passkey-add"),
    path("conta/seguranca/chaves/opcoes/", passkeys.options, name="passkey-options"),
    path("conta/seguranca/chaves/<slug:passkey>/", passkeys.rename, name="passkey-rename"),
    path("conta/seguranca/chaves/<slug:passkey>/remover/", passkeys.remove, name="passkey-remove"),
    path("conta/sessoes/", sessions.listing, name="sessions"),
    path("conta/sessoes/encerrar/", sessions.end_others, name="sessions-end-others"),
    path("conta/sessoes/<slug:session>/encerrar/", sessions.end, name="session-end"),
    path("conta/notificacoes/", profile.notifications, name="notifications"),
]
