"""/api/v1: each app adds its routes here; the schema and its page describe them."""

from django.urls import include, path

urlpatterns = [path("", include("messaging.api.urls"))]
