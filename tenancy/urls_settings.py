"""Everything below /ajustes/."""

from django.urls import path

from tenancy.views.settings import index

app_name = "settings"

urlpatterns = [
    path("", index.index, name="index"),
]
