"""A tenant's host: pages, API and probes."""

from django.conf import settings
from django.urls import include, path

from evosense import views

handler400 = "evosense.views.bad_request"
handler403 = "evosense.views.permission_denied"
handler404 = "evosense.views.not_found"
handler500 = "evosense.views.server_error"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("api/v1/", include("evosense.api")),
    path("", include("tenancy.urls_tenant")),
    path("", include("messaging.urls")),
    path("", include("analytics.urls")),
]

if settings.IS_LOCAL:
    from evosense.core.views_dev import components

    urlpatterns.append(path("", include("evosense.urls_local")))
    urlpatterns.append(path("dev/componentes", components, name="dev-components"))
