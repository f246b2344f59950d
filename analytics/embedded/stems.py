"""Stems of Portuguese, Spanish and English words, cut short on purpose, and words without topic."""

import re
from functools import lru_cache
from importlib.resources import files

STOP_WORDS = frozenset(
    (files("analytics.embedded") / "data" / "stop_words.txt").read_text("utf-8").split()
)

_ENDINGS = (
    (re.compile(r"(?:coes|cao|cion|ciones|tion|tions)$"), "c"),
    (re.compile(r"(?:amentos?|imentos?|amientos?|imientos?)$"), ""),
    (re.compile(r"mente$"), ""),
    (re.compile(r"(?:idades?|idad)$"), ""),
    (
        re.compile(
            r"(?:ariam|eriam|iriam|assem|essem|issem|avamos|aremos|eremos|iremos|ando|endo|indo"
            r"|aram|eram|iram|avam|aria|eria|iria|arei|asse|esse|isse|ados|adas|idos|idas|amos"
            r"|emos|imos|ado|ada|ido|ida|ava|ara|era|ira|iam|aba|ou|eu|iu|ei|am|em|ar|er|ir|ing|ed"
            r"|inhos?|inhas?|oes|aos|ais|eis|os|as|es|is|ao|a|e|o|i|s)$"
        ),
        "",
    ),
)
_SHORTEST = 3


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the part of a folded word that its forms share; at least three letters."""
    for ending, instead in _ENDINGS:
        short = ending.sub(instead, word)
        if short != word and len(short) >= _SHORTEST:
            return short
    return word
