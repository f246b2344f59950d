"""Experiments; the names of the source system's calls are kept where they had some."""

from django.urls import path

from analytics.api import experiments

urlpatterns = [
    path("experiments", experiments.ExperimentList.as_view()),
    path("experiments/replay", experiments.ExperimentReplay.as_view()),
    path("experiments/stats", experiments.ExperimentStats.as_view()),
    path(
        "experiments/compare/<uuid:experiment_id>/<uuid:other_id>",
        experiments.ExperimentComparison.as_view(),
    ),
    path("experiments/<uuid:experiment_id>", experiments.ExperimentDetail.as_view()),
    path("experiments/<uuid:experiment_id>/start", experiments.ExperimentStart.as_view()),
    path("experiments/<uuid:experiment_id>/pause", experiments.ExperimentPause.as_view()),
    path("experiments/<uuid:experiment_id>/resume", experiments.ExperimentResume.as_view()),
    path("experiments/<uuid:experiment_id>/cancel", experiments.ExperimentCancel.as_view()),
    path("experiments/<uuid:experiment_id>/report", experiments.ExperimentReport.as_view()),
    path(
        "experiments/<uuid:experiment_id>/disagreements",
        experiments.ExperimentDisagreements.as_view(),
    ),
]
