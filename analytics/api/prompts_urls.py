from django.urls import path

from analytics.api import prompts, trials

urlpatterns = [
    path("prompts", prompts.PromptList.as_view()),
    path("prompts/labels", prompts.PromptLabels.as_view()),
    path("prompts/versions/<uuid:version_id>", prompts.PromptVersion.as_view()),
    path("prompts/trials", trials.Trials.as_view()),
    path("prompts/<slug:name>/versions", prompts.PromptVersions.as_view()),
]
