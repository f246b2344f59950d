"""Texts that no provider needs to be paid for: greetings, thanks, emoji, numbers.

Only what means the same whatever was said before. "sim", "não" and "de novo?" are not among them.
"""

import re
import unicodedata

_WORD = re.compile(r"\w+")
_MOST_WORDS = 3
_PHRASES = frozenset(
    """oi|ola|opa|oie|alo|bom dia|boa tarde|boa noite|ola bom dia|oi bom dia|ola boa tarde
    |oi boa tarde|oi boa noite|ola boa noite|oi tudo bem|ola tudo bem|tudo bem|tchau|ate mais
    |ate logo|ate amanha|ok|okay|ok obrigado|ok obrigada|obrigado|obrigada|obg|obgd|brigado
    |brigada|muito obrigado|muito obrigada|valeu|vlw|blz|beleza|bom dia obrigado|hi|hello|hey
    |good morning|good afternoon|thanks|thank you|bye|hola|buenos dias|buenas tardes|gracias
    |muchas gracias|adios""".replace("\n", "")
    .replace("    ", "")
    .split("|")
)


def is_acknowledgement(text: str) -> bool:
    """Tell whether a text is only a greeting, thanks, emoji or a number."""
    words = _WORD.findall(_folded(text[:200]))
    if len(text) > 200 or len(words) > _MOST_WORDS:
        return False
    if "?" in text or not text.strip():
        return False
    # No letter at all: emoji, punctuation, a house number.
    return all(word.isdecimal() for word in words) or " ".join(words) in _PHRASES


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
