"""The public host: probes, the way to a workspace, the operators' site."""

from django.conf import settings
from django.urls import include, path

from evosense import house_metrics, views
from evosense.admin_sites import operator_site

house_metrics.register()

handler400 = "evosense.views.bad_request"
handler403 = "evosense.views.permission_denied"
handler404 = "evosense.views.not_found"
handler500 = "evosense.views.server_error"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("admin/", operator_site.urls),
    path("", include("tenancy.urls_public")),
]

if settings.IS_LOCAL:
    urlpatterns.append(path("", include("evosense.urls_local")))
