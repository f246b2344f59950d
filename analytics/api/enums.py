"""Lists of words that the OpenAPI schema names: one field name has several of them."""

from analytics.models import Emotion, ExperimentRun, Inference

EXPERIMENT_MODES = ExperimentRun.Mode.values
EXPERIMENT_STATES = ExperimentRun.Status.values
INFERENCE_STATES = Inference.Status.choices
EMOTIONS = Emotion.values
