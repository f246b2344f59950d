"""Words that several tables share: what a judgement may say and where it came from."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Emotion(models.TextChoices):
    JOY = "alegria", _("Joy")
    GRATITUDE = "gratidao", _("Gratitude")
    SURPRISE = "surpresa", _("Surprise")
    CONFUSION = "confusao", _("Confusion")
    WORRY = "preocupacao", _("Worry")
    SADNESS = "tristeza", _("Sadness")
    FRUSTRATION = "frustracao", _("Frustration")
    ANGER = "raiva", _("Anger")
    NEUTRAL = "neutro", _("Neutral")


class Tone(models.TextChoices):
    FORMAL = "formal", _("Formal")
    CORDIAL = "cordial", _("Cordial")
    NEUTRAL = "neutro", _("Neutral")
    INFORMAL = "informal", _("Informal")
    URGENT = "urgente", _("Urgent")
    IRONIC = "ironico", _("Ironic")
    AGGRESSIVE = "agressivo", _("Aggressive")


class Purpose(models.TextChoices):
    """What a call to a provider was for."""

    MESSAGE = "message_analysis", _("Message analysis")
    CONVERSATION = "conversation_analysis", _("Conversation analysis")
    ROUTING = "routing", _("Routing")
    REPLY = "reply", _("Reply suggestion")
    EMBEDDING = "embedding", _("Embedding")
    TRANSCRIPTION = "transcription", _("Transcription")
    PROBE = "probe", _("Connection test")


# The tasks that a prompt can be written for.
class Task(models.TextChoices):
    MESSAGE = "message_analysis", _("Message analysis")
    CONVERSATION = "conversation_analysis", _("Conversation analysis")
    ROUTING = "routing", _("Routing")
    REPLY = "reply", _("Reply suggestion")


def in_range(field: str, low: float, high: float, name: str) -> models.CheckConstraint:
    """Return the rule that a column is null or within `low`..`high`."""
    inside = models.Q(**{f"{field}__gte": low, f"{field}__lte": high})
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__isnull": True}) | inside, name=name
    )


def one_of(field: str, values: list[str], name: str) -> models.CheckConstraint:
    """Return the rule that a column holds one of these words."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": values}), name=name)
