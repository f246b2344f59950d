"""Short answers: what "sim" or "não" says depends on what was asked before."""

import re
from collections.abc import Sequence

from analytics.embedded.text import tokens
from analytics.values import Turn

# A word or two of assent says nothing without what it answers.
_YES_WORDS = "sim uhum aham claro isso si yes certo positivo <e_positivo>"
_NO_WORDS = "nao no nope"
_OTHER_WORDS = (
    "ok beleza esta pode tudo bem entendi tchau oi ola bom_dia boa_tarde boa_noite <n> <nn> ah hum"
    " opa e ai alo vale okay hola hi hello hey"
)
_YES = frozenset(_YES_WORDS.split())
_NO = frozenset(_NO_WORDS.split())
_ASSENT = _YES | _NO | frozenset(_OTHER_WORDS.split())
# "bom" and "boa" praise when no part of the day follows.
_GREETING = re.compile(
    r"\b(?:(?:bom|bons|boas?|buen[oa]?s?) (?:dias?|tardes?|noites?|noches?)"
    r"|good (?:day|morning|afternoon|evening|night))\b"
)
_WENT_WELL = re.compile(
    r"\b(?:resolv|deu certo|funcionou|voltou|conseguiu|gostou|ajudei|atendid|satisfeit|recebeu"
    r"|chegou|solved|worked|helped|resolvi|funciono|quedo)\w*\b[^?]*\?"
)
_WENT_BADLY = re.compile(
    r"\b(?:continua|persiste|ainda (?:esta|tem|com)|algum problema|alguma reclamacao|still"
    r"|sigue|any problem)\b[^?]*\?"
)
_TOLD = 0.35
_SURE = 0.5


def says_nothing(text: str) -> bool:
    """Tell whether only assent, greeting or numbers are there."""
    words = _GREETING.sub("oi", " ".join(tokens(text))).split()
    return len(words) <= 4 and all(word in _ASSENT or word in ",.;:?" for word in words)


def answered(text: str, context: Sequence[Turn]) -> tuple[int, float, float] | None:
    """Return sign, value and confidence of a yes or no to "did it work?"; None without one."""
    words = set(tokens(text))
    yes, no = bool(words & _YES), bool(words & _NO)
    if yes == no or not context or context[-1].who != "A":
        return None
    asked = " ".join(tokens(context[-1].text))
    if _WENT_BADLY.search(asked):
        sign = 1 if no else -1
    elif _WENT_WELL.search(asked):
        sign = 1 if yes else -1
    else:
        return None
    return sign, sign * _TOLD, _SURE
