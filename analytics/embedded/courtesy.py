"""Greetings and thanks: what stands around the matter of a message."""

import re

from analytics.embedded.replies import says_nothing
from analytics.embedded.text import tokens

_HELLO = re.compile(
    r"^(?:\W*\b(?:oi+e?|ol[aá]|opa|e a[ií]|al[oô]|hola|hi|hello|hey|b[ao]m dia|boa (?:tarde|noite)"
    r"|b[aã]o(?: dia| tarde| noite)?|buen[oa]s (?:d[ií]as|tardes|noches)|buen d[ií]a"
    r"|good (?:morning|afternoon|evening)|(?:tudo|td) (?:bem|bom|certo|j[oó]ia)"
    r"(?: (?:por a[ií]|com (?:voc[eê]s?|vcs?)|contigo|a[ií]))?|como vai(?: voc[eê]s?)?)\b)+\W*",
    re.IGNORECASE,
)
_THANKS_WORDS = (
    "muito muita bem obrigada obrigado valeu grata grato agradeco perfeito otimo beleza show certo"
    " combinado gracias thanks thank you , . ! ?"
)
_THANKS = frozenset(_THANKS_WORDS.split())


def without_greeting(text: str) -> str:
    """Return the text from its first word of matter on; the text itself when it only greets."""
    rest = _HELLO.sub("", text, count=1)
    return rest if rest.strip() else text


def is_courtesy(text: str) -> bool:
    """Tell whether a text only greets, thanks, or says yes."""
    rest = _HELLO.sub("", text, count=1)
    words = [word for word in tokens(rest) if not word.startswith("<e_")]
    return says_nothing(rest) or (len(words) <= 6 and all(word in _THANKS for word in words))
