"""Orders of goods and questions where to look, which the machine takes for complaints.

Hardly any stand in its material, so that a number and a trade are strange to it. Written narrowly:
whatever also holds a word of blame or a denial is left to the machine.
"""

import re

from analytics.embedded.text import tokens
from analytics.embedded.words import weight_of

_WANTS = r"(?:preciso|precisamos|precisava|quero|queremos|queria|gostaria|necessito)(?: de)?"
_ORDER = re.compile(
    rf"\b{_WANTS} (?:comprar |encomendar |pedir )?<n> "
    r"(?:unidades?|pecas?|caixas?|conjuntos?|kits?|itens|pares|metros)\b"
    rf"|\b{_WANTS} (?:comprar|encomendar|um orcamento|uma cotacao|fazer um pedido)\b"
)
_WHERE = re.compile(
    r"\bnao sei (?:onde|como) (?:eu )?(?:vejo|ver|olho|olhar|acho|achar|encontro|encontrar)\b"
)
_DENIES = re.compile(
    r"\b(?:nao|nunca|nada|nenhuma?|ninguem|ainda|ate agora|so que|mas|sem|de novo|dinheiro)\b"
)


def is_plain(text: str) -> bool:
    """Tell whether a text only orders, or only asks where something is, and blames nobody."""
    words = tokens(text)
    rest, found = _WHERE.subn(" ", " ".join(words))
    if not found and not _ORDER.search(rest):
        return False
    return not _DENIES.search(rest) and all(weight_of(word) >= 0 for word in words)
