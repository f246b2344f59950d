"""The search page and the searches that people keep."""

from django.urls import path

from analytics.views.search import kept, page

urlpatterns = [
    path("", page.search, name="search"),
    path("salvas/", kept.search_save, name="search-save"),
    path("salvas/<uuid:search_id>/", kept.search_open, name="search-open"),
    path("salvas/<uuid:search_id>/remover/", kept.search_remove, name="search-remove"),
]
