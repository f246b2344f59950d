from django.urls import path

from tenancy.views import certificates, password_reset, sign_up, workspaces

app_name = "public"

urlpatterns = [
    path("", workspaces.find, name="find-workspace"),
    path("criar-conta/", sign_up.sign_up, name="sign-up"),
    path("criar-conta/endereco/", sign_up.sign_up_address, name="sign-up-address"),
    path("criar-conta/enviado/", sign_up.sign_up_sent, name="sign-up-sent"),
    path("criar-conta/reenviar/", sign_up.sign_up_resend, name="sign-up-resend"),
    path("criar-conta/confirmar/<str:token>/", sign_up.sign_up_confirm, name="sign-up-confirm"),
    path("criar-conta/renovar/<str:token>/", sign_up.sign_up_renew, name="sign-up-renew"),
    path("criar-conta/pronto/<str:token>/", sign_up.sign_up_progress, name="sign-up-progress"),
    path("entrar/esqueci/", password_reset.forgot, name="forgot"),
    path("tls/ask", certificates.may_have_certificate, name="may-have-certificate"),
    path("termos/", sign_up.terms, name="terms"),
]
