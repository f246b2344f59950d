"""What a person may say of a message, checked before it is kept."""

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from analytics.models import Label
from analytics.models.choices import Emotion, Tone
from evosense.core.errors import Invalid

# The five levels of a review; corrections may be anything between.
LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)
BANDS = (10, 30, 50, 70, 90)


@dataclass(frozen=True, slots=True)
class Word:
    """Values that a person says; None or "" where nothing is said."""

    sentiment: float | None = None
    emotion: str = ""
    satisfaction: int | None = None
    tone: str = ""

    @property
    def says_nothing(self) -> bool:
        return self == Word()

    def over(self, earlier: "Word") -> "Word":
        """Return `earlier` with what is said here in its place."""
        said = {
            name: value
            for name in ("sentiment", "emotion", "satisfaction", "tone")
            if (value := getattr(self, name)) not in (None, "")
        }
        return replace(earlier, **said)


def word_of(label: Label) -> Word:
    return Word(label.sentiment, label.emotion, label.satisfaction, label.tone)


def check(word: Word, *, needs_all: bool = False) -> None:
    """Refuse what is out of range or unknown; raises Invalid that names the field."""
    if word.sentiment is not None and not -1 <= word.sentiment <= 1:
        raise Invalid("out_of_range", _("Sentiment goes from -1 to 1."), field="sentiment")
    if word.satisfaction is not None and not 0 <= word.satisfaction <= 100:
        message = _("Satisfaction goes from 0 to 100.")
        raise Invalid("out_of_range", message, field="satisfaction")
    if word.emotion and word.emotion not in Emotion.values:
        raise Invalid("unknown", _("There is no such emotion."), field="emotion")
    if word.tone and word.tone not in Tone.values:
        raise Invalid("unknown", _("There is no such tone."), field="tone")
    if word.says_nothing:
        raise Invalid("required", _("Choose at least one value."), field="sentiment")
    if needs_all and (word.sentiment is None or not word.emotion):
        field = "sentiment" if word.sentiment is None else "emotion"
        raise Invalid("required", _("Say the sentiment and the emotion."), field=field)
