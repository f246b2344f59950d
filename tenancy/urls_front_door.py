"""The pages of a company's host that strangers come to; included under `account`."""

from django.urls import path

from tenancy.views import invitation, password_reset

urlpatterns = [
    path("convite/<str:token>/", invitation.invitation, name="invitation"),
    path("entrar/esqueci/", password_reset.forgot, name="forgot"),
    path("entrar/nova-senha/<str:token>/", password_reset.new_password, name="new-password"),
]
