"""In which languages customers write: a vote of small words, enough to see that the mix moved."""

import datetime as dt
import re
from collections import Counter

from analytics.models import Inference

# Texts of each side that are looked at, the newest.
LOOKED_AT = 500
# Shares of a language that moved so far are news.
MOVED = 0.1
_WORDS = {
    "pt": "que não nao um uma com para você voce meu minha obrigado obrigada bom dia foi já tá",
    "es": "el los las una con para usted mi gracias buenos días hola pero muy está cuando",
    "en": "the and you your is are my please thanks hello what when not have this for with good",
}
_KNOWN = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")


def mix(start: dt.datetime, end: dt.datetime) -> dict[str, float]:
    """Return the share of each language among the newest judged texts of a period.

    Texts without a vote, such as "Ok 👍", have no language and count nowhere.
    """
    rows = Inference.objects.filter(
        message__occurred_at__gte=start, message__occurred_at__lt=end, is_shadow=False, run_id=""
    ).order_by("-message__occurred_at", "-message_id")
    texts = rows.values_list("message__text", flat=True)[:LOOKED_AT]
    votes = Counter(filter(None, map(language_of, texts)))
    total = sum(votes.values())
    return {name: votes[name] / total for name in _KNOWN if votes[name]} if total else {}


def language_of(text: str) -> str:
    """Return "pt", "es" or "en"; "" where no small word, or as many of two languages, speak."""
    words = set(_WORD.findall(text.casefold()))
    (best, most), (_other, second), *_rest = Counter(
        {name: len(words & known) for name, known in _KNOWN.items()}
    ).most_common()
    return best if most > second else ""


def moved(now: dict[str, float], before: dict[str, float]) -> bool:
    """Tell whether a language's share is another one than before."""
    names = set(now) | set(before)
    return any(abs(now.get(name, 0) - before.get(name, 0)) > MOVED for name in names)
