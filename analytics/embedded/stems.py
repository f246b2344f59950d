"""Stems of Portuguese, Spanish and English words, cut short on purpose, and words without topic."""

import re
from functools import lru_cache

STOP_WORDS = frozenset(
    """
a o as os um uma uns umas de do da dos das em no na nos nas por pelo pela pelos pelas para com sem
e ou mas que se eu voce voces ele ela eles elas nos me te lhe lhes meu minha meus minhas seu sua
seus suas isso isto esse essa este esta estes estas aquele aquela aqui ai la ja so ate como quando
onde qual quais quem porque porem tambem muito mais menos bem mal ser sou sao foi era esta estao
estou estava ter tem tenho tinha ha vai vou vao ir fazer faz fiz pode posso quero queria oi ola bom
boa dia tarde noite obrigada por_favor beleza ok sim nao gente moca moco ne entao ainda agora hoje
gostaria saber preciso alguem
el los las del al una unos unas lo le les su sus mi mis tu y pero con sin por para es son fue era
esta estan hay muy mas hola buenos dias buenas tardes gracias usted ustedes quiero puedo
the an of to in on at for with and or but is are was were be been do does did have has had i you he
she it we they my your his her our their this that these those hi hello please thanks thank not can
could would want me there what when how
""".split()
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
