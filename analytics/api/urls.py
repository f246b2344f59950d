"""The analytics part of /api/v1, one module a subject."""

from django.urls import include, path

urlpatterns = [
    path("", include("analytics.api.search_urls")),
    path("", include("analytics.api.prompts_urls")),
    path("", include("analytics.api.experiments_urls")),
    path("", include("analytics.api.labelling_urls")),
    path("", include("analytics.api.analysis_urls")),
    path("", include("analytics.api.setup_urls")),
]
