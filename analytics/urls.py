"""Pages of the read side, one module a subject."""

from django.urls import include, path

from analytics.views import overview

app_name = "analytics"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("busca/", include("analytics.views.search.urls")),
    path("experimentos/", include("analytics.views.experiments.urls")),
    path("prompts/", include("analytics.views.prompts.urls")),
    path("revisao/", include("analytics.views.review.urls")),
    path("analise/", include("analytics.views.panel.urls")),
    path("configuracoes/ia/", include("analytics.views.setup.urls")),
]
