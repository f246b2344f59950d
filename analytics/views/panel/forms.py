"""The form that corrects a judgement. Rules that must hold are the service's."""

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.labelling.words import LEVELS, Word
from analytics.models.choices import Emotion, Tone
from messaging.forms import ServiceForm
from messaging.models import Message
from messaging.selectors.judged import sentiment_level


class CorrectionForm(ServiceForm):
    """What a field leaves out stays as it was judged."""

    level = forms.TypedChoiceField(
        label=_("Sentiment"),
        choices=[(one, one) for one in range(1, len(LEVELS) + 1)],
        coerce=int,
        empty_value=None,
        required=False,
    )
    emotion = forms.ChoiceField(
        label=_("Emotion"), choices=[("", ""), *Emotion.choices], required=False
    )
    satisfaction = forms.IntegerField(
        label=_("Satisfaction"), min_value=0, max_value=100, required=False
    )
    tone = forms.ChoiceField(label=_("Tone"), choices=[("", ""), *Tone.choices], required=False)

    def word(self, message: Message) -> Word:
        """Return what the person says; the level that stood there keeps its exact value."""
        level = self.cleaned_data["level"]
        same = level is not None and level == sentiment_level(message.sentiment)
        chosen = LEVELS[level - 1] if level is not None else None
        return Word(
            sentiment=message.sentiment if same else chosen,
            emotion=self.cleaned_data["emotion"],
            satisfaction=self.cleaned_data["satisfaction"],
            tone=self.cleaned_data["tone"],
        )


def initial_of(message: Message) -> dict[str, object]:
    """Return the values that stand now."""
    return {
        "level": sentiment_level(message.sentiment),
        "emotion": message.emotion,
        "satisfaction": message.satisfaction,
        "tone": message.tone,
    }
