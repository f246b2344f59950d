"""Searching messages, and the searches that are kept."""

from django.urls import path

from analytics.api.saved_searches import SavedSearchDetail, SavedSearchList
from analytics.api.search import MessageSearch, SemanticSearch

urlpatterns = [
    path("search", MessageSearch.as_view()),
    path("messages/semantic-search", SemanticSearch.as_view()),
    path("saved-searches", SavedSearchList.as_view()),
    path("saved-searches/<uuid:search_id>", SavedSearchDetail.as_view()),
]
