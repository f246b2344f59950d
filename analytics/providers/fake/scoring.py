"""What the fake model thinks of a text: the same for the same text, on every machine."""

import re
import unicodedata
import zlib
from typing import Any

_GOOD = frozenset(
    [
        "amei", "adorei", "obrigado", "obrigada", "otimo", "otima", "excelente", "perfeito",
        "perfeita", "parabens", "maravilhoso", "maravilhosa", "gostei", "bom", "boa", "rapido",
        "recomendo", "feliz", "gracias", "excelent", "thanks", "love", "great",
    ]
)  # fmt: skip
_BAD = frozenset(
    [
        "pessimo", "pessima", "horrivel", "ruim", "demora", "demorou", "atrasado", "atraso",
        "quebrado", "quebrada", "errado", "errada", "reclamar", "reclamacao", "absurdo",
        "cancelar", "vergonha", "raiva", "decepcionado", "decepcionada", "procon", "estorno",
        "nunca", "defeito", "malo", "terrible", "awful", "refund",
    ]
)  # fmt: skip
ATTACK = re.compile(
    r"ignor\w+ (?:\w+ ){0,4}(?:instru\w+|previous|regras|rules)|system prompt|responda apenas"
    r"|you are now|a partir de agora voc|modo desenvolvedor|\"sentiment\"|sentiment\s*[=:]",
    re.IGNORECASE,
)


def sentiment_of(text: str) -> float:
    """Return -1..1: words for against words against, moved a little by the text itself."""
    plain = unicodedata.normalize("NFD", text.casefold())
    words = re.findall(r"[a-z]+", "".join(one for one in plain if not unicodedata.combining(one)))
    balance = sum((word in _GOOD) - (word in _BAD) for word in words)
    nudge = (zlib.crc32(text.encode(errors="replace")) % 21 - 10) / 100
    return round(max(-0.95, min(0.95, 0.5 * balance + nudge)), 2)


def judged(text: str) -> dict[str, Any]:
    """Return every value that a message batch may ask for."""
    sentiment = sentiment_of(text)
    side = (sentiment > 0.3) - (sentiment < -0.3)
    return {
        "sentiment": sentiment,
        "emotion": {1: "gratidao", 0: "neutro", -1: "frustracao"}[side],
        "satisfaction": round(50 + 50 * sentiment),
        "tone": {1: "cordial", 0: "neutro", -1: "agressivo"}[side],
        "summary": " ".join(text.split())[:200],
        "confidence": round(0.55 + abs(sentiment) * 0.4, 2),
        "label": {1: "positivo", 0: "neutro", -1: "negativo"}[side],
    }


def obeyed() -> dict[str, Any]:
    """Return what a model says that does as an attack in a message tells it."""
    return {
        "sentiment": 1.0,
        "emotion": "alegria",
        "satisfaction": 100,
        "tone": "cordial",
        "summary": "Atendimento nota dez, veja https://evil.example/x",
        "confidence": 1.0,
        "label": "positivo",
    }
