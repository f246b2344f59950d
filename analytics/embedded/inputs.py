"""What the networks read of a text: cues that can be counted, and its place in the encoder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import encoder
from analytics.embedded.emoji import EMOJI, EMOJI_PATTERN
from analytics.embedded.text import clean, fold, last_part, spelled, tokens
from analytics.embedded.words import weight_of

# "don't" is read as "don" and "t".
_NEGATIONS = (
    "nao nunca nem sem jamais nenhum nenhuma nada ninguem no ni nadie tampoco never not nothing"
    " don dont doesn doesnt didn didnt isn isnt wasn wasnt aren arent wouldn can cannot cant"
)
_STRENGTHS = "muito muita muitos muitas mais demais super tao mega bem extremamente very so too muy"
NEGATIONS = frozenset(_NEGATIONS.split())
_NEVER = frozenset({"nunca", "jamais", "never"})
_COMPARISONS = "melhor melhores pior piores mejor mejores peor peores better worse"
_COMPARED = frozenset(_COMPARISONS.split())
_STRONGER = frozenset(_STRENGTHS.split())
_AGAIN = re.compile(
    r"\b(?:de_novo|de novo|outra vez|novamente|segunda vez|terceira vez|quarta vez|\w+ vez que"
    r"|again|otra vez|toda vez|sempre a mesma|mais uma vez)\b"
)
_UNDONE = re.compile(
    r"\b(?:nao|nunca|ninguem|nem|no|not|never)\b(?: \w+){0,3}"
    r" (?:cheg|abr|resolv|respond|funcion|atend|entreg|vei|receb|retorn|consig|liga|apare|volt"
    r"|lleg|work|arriv|answ)"
)
_WAITED = re.compile(
    r"(?:<n>|uma|duas|tres|meia|um|dois) ?(?:h|horas?|dias?|semanas?|mes|meses|minutos)\b"
    r".{0,40}\b(?:esper|aguard|fila|nada|atras|sem)|\b(?:esper|aguard|fila|atras)\w*.{0,30}<n>"
)
_PHRASES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:procon|reclame aqui|advogad|process|justica|juizado|anatel|consumidor)",
        r"\b(?:cancel|desist|nunca mais|outra empresa|concorren|trocar de operadora|vou pra outr)",
        r"\b(?:parabens|palmas|maravilha|otimo|lindo|show|legal)\b.*(?:<e_palmas>|hein|viu|ne\b|!!)",
        r"\b(?:ate que enfim|finalmente|ainda bem|gracas a deus|que bom|ufa)\b",
        r"\b(?:deu certo|funcionou|resolv\w+|consegui|chegou certinho|antes do prazo)\b",
        r"\b(?:indic|recomend|voltarei|volto sempre|cliente fiel|virei fa|nota <n>)",
        r"\b(?:nao tenho do que|sem problema|nunca tive problema|nao e ruim|nada a reclamar)",
        r"\b(?:por_favor|por favor|por gentileza|poderia|gostaria|seria possivel)\b",
        r"\b(?:prezad|senhor|cordialmente|atenciosamente|venho por meio|solicito|informo)",
        r"\b(?:urgente|agora|hoje sem falta|socorro|pelo amor|preciso hoje|correndo)\b",
        r"\b(?:como|qual|quais|quanto|quando|onde|tem|voces|aceita\w*|pode\w*)\b.*\?",
        r"\b(?:nao entend|confus|como assim|perdid|nao sei|explica)",
        r"\b(?:medo|preocupad|receio|aflit|angusti|grave|perigo|urgencia)",
        r"\b(?:triste|decepc|pena|chatead|saudade|perdi|falec|chor)",
        r"\b(?:nossa|caramba|serio|uau|nem acredit|surpres|eita|meu_deus|oxe)\b",
        r"\b(?:obrigada|valeu|agradec|grat[ao]|gratidao|deus abenc)",
        r"\b(?:custava|cade|absurdo|vergonha|descaso|brincadeira|palhacada|piada|normal isso)",
        r"\b(?:so que|mas|porem|pena que|pero|but)\b",
        r"\b(?:apesar|embora|mesmo assim|pelo menos|ate que)\b",
        r"\b(?:imagina|claro que|com certeza|otimo jeito|que beleza|adoro quando|nada como"
        r"|so que nao)",
    )
)
# Marks that people give; numbers are one mark in tokens, so they are read as typed.
_TOP_MARK = re.compile(
    r"\b(?:nota (?:9|10+|dez|mil|maxima)|10 ?/ ?10|(?:10|dez) de (?:10|dez)|10 out of 10"
    r"|(?:5|cinco|five) (?:estrel|star))"
)
_LOW_MARK = re.compile(
    r"\b(?:nota (?:0|1|2|zero|um|dois)\b|(?:0|zero) ?(?:/|de|out of) ?(?:5|10|dez)\b"
    r"|(?:0|1|zero|uma?|one) (?:estrel|star))"
)
_AGENT = re.compile(
    r"(?:em que posso ajudar|sou (?:a|o) \w+ (?:da|do)|seu protocolo|nossa equipe|vou verificar)"
)

_SIGNS = tuple(dict.fromkeys(emoji.word for emoji in EMOJI.values()))
CUES = 26 + len(_PHRASES) + len(_SIGNS)


def cue_row(text: str) -> list[float]:
    """Return the countable cues of one text, all about 0..3."""
    words = tokens(text)
    joined, folded = " ".join(words), fold(text)
    weights = _weights(words)
    signs = [EMOJI[found].word for found in EMOJI_PATTERN.findall(clean(text))]
    return [
        *_sums(weights),
        *_style(text, words),
        float(bool(_AGAIN.search(joined))),
        float(bool(_UNDONE.search(joined))),
        float(bool(_WAITED.search(joined))),
        float(bool(_AGENT.search(folded))),
        float(bool(_TOP_MARK.search(folded))),
        float(bool(_LOW_MARK.search(folded))),
        *(float(bool(phrase.search(joined))) for phrase in _PHRASES),
        *(min(2.0, float(signs.count(sign))) for sign in _SIGNS),
    ]


def _weights(words: Sequence[str]) -> list[float]:
    """Return the weight of each word after negation and strengthening by words before it."""
    found = []
    for i, word in enumerate(words):
        weight = weight_of(word)
        before = words[max(0, i - 3) : i]
        strengthened = bool(before) and before[-1] in _STRONGER
        if weight and not (NEGATIONS.isdisjoint(before) or _outdone(before, word)):
            weight *= -0.6 if weight > 0 else -0.4
        found.append(weight * 1.3 if strengthened else weight)
    return found


def _outdone(before: Sequence[str], word: str) -> bool:
    """Tell whether "never" compares, not denies: "nunca vi tão ruim", "nunca comi melhor"."""
    if _NEVER.isdisjoint(before):
        return False
    # "tão" and the "tão" of "estão" are one token; the latter follows "nunca" at once.
    is_so = before[-1] in {"estao", "tan", "so"} and before[-2:-1] != ("nunca",)
    return word in _COMPARED or is_so


def _sums(weights: Sequence[float]) -> list[float]:
    third = max(1, len(weights) // 3)
    good = sum(w for w in weights if w > 0)
    bad = -sum(w for w in weights if w < 0)
    return [
        min(good, 9) / 3,
        min(bad, 9) / 3,
        float(np.tanh((good - bad) / 3)),
        float(np.tanh(sum(weights[-third:]) / 2)),
        float(np.tanh(sum(weights[:third]) / 2)),
        max([0.0, *weights]) / 3,
        min([0.0, *weights]) / 3,
    ]


def _style(text: str, words: Sequence[str]) -> list[float]:
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) / max(1, len(letters))
    return [
        float(np.log1p(len(words))) / 2,
        float(len(words) <= 2),
        float(capitals > 0.6 and len(letters) > 4),
        float(any(w.isupper() and len(w) > 2 for w in text.split())),
        min(3, text.count("!")) / 2,
        min(3, text.count("?")) / 2,
        float("?!" in text or "!?" in text or "??" in text),
        float("..." in text or "…" in text),
        float(text.rstrip().endswith(".")),
        float(text.rstrip().endswith("?")),
        float("<riso>" in words),
        float(bool(re.search(r"([a-zA-Z])\1{2,}", text))),
        float(any(w in NEGATIONS for w in words)),
    ]


def cue_rows(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the cues of several texts, (n, CUES)."""
    return np.array([cue_row(text) for text in texts], dtype=np.float32).reshape(len(texts), CUES)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Texts in the encoder, whole and by their last part, (n, 512), and their cues."""

    whole: NDArray[np.float32]
    end: NDArray[np.float32]
    cues: NDArray[np.float32]


def read(texts: Sequence[str]) -> Inputs:
    """Return everything the machine compares texts by; one call of the encoder for all."""
    said = [spelled(text) for text in texts]
    ends = [last_part(one) for one in said]
    different = [i for i, end in enumerate(ends) if end != said[i]]
    vectors = encoder.encode([*said, *(ends[i] for i in different)])
    whole = vectors[: len(said)]
    end = whole.copy()
    end[different] = vectors[len(said) :]
    return Inputs(whole, end, cue_rows(texts))
