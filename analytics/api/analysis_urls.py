from django.urls import path

from analytics.api.analysis import (
    AnalysisBatch,
    InferenceDetail,
    InferenceList,
    MessageAnalysis,
)
from analytics.api.analysis_books import (
    AnalysisCalls,
    AnalysisSettings,
    AnalysisStats,
    AnalysisUsage,
)
from analytics.api.analysis_talks import (
    ConversationAnalysisView,
    ReplySuggestions,
    RouteSuggestion,
)
from analytics.api.errands import ErrandView

_CONVERSATION = "conversations/<uuid:conversation_id>"

urlpatterns = [
    path("messages/<uuid:message_id>/analysis", MessageAnalysis.as_view()),
    path(f"{_CONVERSATION}/analysis", ConversationAnalysisView.as_view()),
    path(f"{_CONVERSATION}/reply-suggestions", ReplySuggestions.as_view()),
    path("analysis/requests/<uuid:errand_id>", ErrandView.as_view()),
    path("inferences", InferenceList.as_view()),
    path("inferences/<int:inference_id>", InferenceDetail.as_view()),
    path("analysis/messages", AnalysisBatch.as_view()),
    path("analysis/routing", RouteSuggestion.as_view()),
    path("analysis/stats", AnalysisStats.as_view()),
    path("analysis/calls", AnalysisCalls.as_view()),
    path("analysis/usage", AnalysisUsage.as_view()),
    path("analysis/settings", AnalysisSettings.as_view()),
]
