"""/api/v1: each app adds its routes here; the schema and its page describe them."""

from django.urls import include, path, re_path

from evosense.api_docs import docs, openapi, unknown_address

urlpatterns = [
    path("openapi.json", openapi, name="api-schema"),
    path("docs", docs, name="api-docs"),
    path("", include("messaging.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("tenancy.api.urls")),
    re_path(r"^.*\Z", unknown_address),
]
