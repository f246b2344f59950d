from django.urls import path

from analytics.api.labelling import Correction, GoldSets, ReviewState

urlpatterns = [
    path("messages/<uuid:message_id>/correction", Correction.as_view()),
    path("analysis/review", ReviewState.as_view()),
    path("gold-sets", GoldSets.as_view()),
]
