"""A plain list of words, to measure analysers by: whoever does not beat it is worth nothing.

It never judges in production; what it misses (irony, context, spelling) is the point.
"""

import re
import time
import unicodedata
from collections.abc import Sequence

from analytics.analysis.items import Item
from analytics.models import Inference

NAME = "words-pt-1"
PROVIDER = "embedded"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GOOD = _words(
    """adorei adoro agradeco agilidade alegria alivio amei amo bom boa bem certinho confiavel
    demais educado eficiente eficiencia excelente facil fantastico feliz gentil gostei gratidao
    incrivel legal linda lindo maravilha maravilhoso melhor nota obrigada obrigado otima otimo
    parabens perfeita perfeito rapida rapidez rapido recomendo resolveu satisfeita satisfeito
    sucesso top valeu"""
)
_BAD = _words(
    """absurdo atrasado atrasou atraso cancela cancelar chateada chateado danificado defeito
    demora demorando demorou decepcao decepcionada decepcionado descaso desrespeito dificil
    enganosa errada errado errou estragado falha falta golpe horrivel insatisfeita insatisfeito
    lenta lento mentira pessima pessimo pior perdi perderam problema procon quebrada quebrado
    raiva reclamacao reclamar respeito ridiculo ruim travado triste vergonha"""
)
_NOT = frozenset({"nao", "nem", "nunca", "jamais", "sem"})
# Words that a negation reaches.
_REACH = 3


def judge_by_words(items: Sequence[Item], *, run_id: str, arm_key: str) -> list[Inference]:
    """Return one unsaved row for each item, in their order."""
    started = time.perf_counter()
    scores = [score(item.text) for item in items]
    took = round((time.perf_counter() - started) * 1000 / max(1, len(items)))
    return [
        _row(item, found, run_id=run_id, arm_key=arm_key, took=took)
        for item, found in zip(items, scores, strict=True)
    ]


def score(text: str) -> int:
    """Return good words less bad ones; a negation turns the next three round."""
    plain = unicodedata.normalize("NFD", text.casefold())
    words = re.findall(r"[a-z]+", "".join(c for c in plain if not unicodedata.combining(c)))
    total, negated = 0, 0
    for word in words:
        if word in _NOT:
            negated = _REACH
            continue
        value = (word in _GOOD) - (word in _BAD)
        total += -value if negated else value
        negated = max(0, negated - 1)
    return total


def _row(item: Item, found: int, *, run_id: str, arm_key: str, took: int) -> Inference:
    sentiment = max(-1.0, min(1.0, found / 2))
    return Inference(
        message_id=item.message_id,
        run_key=run_id,
        run_id=run_id,
        arm_key=arm_key,
        is_shadow=True,
        status=Inference.Status.OK,
        provider=PROVIDER,
        model_name=NAME,
        template_hash=NAME,
        latency_ms=took,
        sentiment=sentiment,
        emotion=_emotion(found),
        satisfaction=round(50 + 45 * sentiment),
        tone="neutro",
        confidence=0.5 if found else 0.2,
    )


def _emotion(found: int) -> str:
    if found > 0:
        return "alegria"
    return "neutro" if not found else "raiva" if found < -1 else "frustracao"
