"""The tables of the read side, by what they are about."""

from analytics.models.choices import Emotion, Purpose, Task, Tone
from analytics.models.counters import MessageHour
from analytics.models.errands import Errand
from analytics.models.experiments import Arm, ExperimentRun, SampleItem
from analytics.models.judgement import (
    AnalysisJob,
    CachedJudgement,
    ConversationAnalysis,
    Inference,
    ModelCall,
)
from analytics.models.labels import Booster, GoldItem, GoldSet, Label, ReviewItem
from analytics.models.prompts import PromptLabel, PromptLabelEvent, PromptTemplate
from analytics.models.search import EmbeddingJob, EmbeddingModel, MessageEmbedding, SavedSearch
from analytics.models.setup import AiBudget, AiSettings, Reservation
from analytics.models.transcripts import TranscriptionJob
from analytics.models.watch import AiNotice, DriftReading

__all__ = [
    "AiBudget",
    "AiNotice",
    "AiSettings",
    "AnalysisJob",
    "Arm",
    "Booster",
    "CachedJudgement",
    "ConversationAnalysis",
    "DriftReading",
    "EmbeddingJob",
    "EmbeddingModel",
    "Emotion",
    "Errand",
    "ExperimentRun",
    "GoldItem",
    "GoldSet",
    "Inference",
    "Label",
    "MessageEmbedding",
    "MessageHour",
    "ModelCall",
    "PromptLabel",
    "PromptLabelEvent",
    "PromptTemplate",
    "Purpose",
    "Reservation",
    "ReviewItem",
    "SampleItem",
    "SavedSearch",
    "Task",
    "Tone",
    "TranscriptionJob",
]
