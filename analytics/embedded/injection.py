"""Orders to an analyser hidden in a message, in Portuguese, English and Spanish.

The embedded analyser obeys nobody, but an order is no opinion either: it is set aside before the
honest rest is judged, and the pipeline marks the message for people.
"""

import re

from analytics.embedded.text import clean, fold

_WHO = (
    r"(?:as |todas as |todas |all |the |your |my |any |las |todas las |tus |sus |os |o |a |la |el "
    r"|previous |prior |above |earlier |suas |essas |estas |este |esse |this |that )*"
)
_THING = (
    r"(?:instruc\w*|instruction\w*|orden\w*|ordem|comando\w*|command\w*|prompts?|regras?|rules?"
    r"|reglas?|diretriz\w*|guidelines?|directriz\w*|system|sistema|contexto?|context|mensage\w*)"
)
_FORGET = (
    r"(?:ignor\w*|desconsider\w*|esquec\w*|disregard|forget|override|olvid\w*|descart\w*|bypass"
    r"|nao siga|do not follow|no sigas)"
)
_FIELD = (
    r"(?:sentiment\w*|sentimiento\w*|satisfac\w*|satisfaction|emoc\w*|emotion|emocion|tom|tone|score"
    r"|nota|rating|classific\w*|clasific\w*|confian\w*|confidence|label|rotulo|etiqueta|polaridade)"
)
_SAY = (
    r"(?:respond\w*|retorn\w*|return|answer|reply|output|diga|devuelv\w*|devolv\w*|classifi\w*"
    r"|clasifi\w*|marque|marc[ae]\w*|registr\w*|coloque|defin\w*|set|mark|label|rate|report"
    r"|print|escrev\w*|escrib\w*|write|atribu\w*|assign|considere|trate|treat|pon(?:ga)?)"
)
_MACHINE = (
    r"(?:assistente|assistant|asistente|chatbot|bot|ia|ai|gpt|chatgpt|llm|modelo|model|sistema"
    r"|system|robo|analisador|analyst|analyser|analyzer|analizador)"
)

_ORDERS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_FORGET}\b[^.!?\n]{{0,25}}?\b{_THING}\b[^.!?\n]*",
        rf"\b{_FORGET}\s+(?:tudo|everything|all|todo|o que|what|lo que)\b[^.!?\n]*"
        rf"(?:acima|antes|above|before|anterior\w*|disse\w*|dito|said|told|instru\w*)[^.!?\n]*",
        rf"\b{_SAY}\b[^.!?\n]{{0,60}}\b{_FIELD}\b[^.!?\n]{{0,40}}"
        rf"(?:-?\d|posit\w*|negat\w*|neutr\w*|maxim\w*|minim\w*|alegria|raiva|joy|anger|feliz)[^.!?\n]*",
        rf"\b{_FIELD}\s*[\"']?\s*[:=]\s*[\"']?(?:-?\d|posit\w*|negat\w*|neutr\w*|alegria|raiva)[^\n.!?]*"
        rf"(?:\.\d+[^\n.!?]*)?",
        rf"\b(?:voce|vc|tu|you|usted)\s+(?:agora\s+|now\s+|ahora\s+)?(?:e|are|eres|es|deve\w*|must"
        rf"|debe\w*|sera|will)\s+(?:\w+\s+){{0,4}}?{_MACHINE}\b[^.!?\n]*",
        r"\b(?:a partir de agora|from now on|de agora em diante|a partir de ahora)\b[^.!?\n]{0,80}"
        rf"\b(?:{_SAY}|{_MACHINE}|finja|pretend|aja|act|actua)\b[^.!?\n]*",
        r"<\|?/?(?:system|im_start|im_end|assistant|user|inst|endoftext)\|?>[^.!?\n]*",
        r"\[/?(?:inst|system|sys|assistant)\][^.!?\n]*",
        r"(?:^|\n|#{2,}\s*|\*\*)\s*(?:system|sistema|assistant|assistente|admin|developer"
        r"|instruc(?:ao|oes)|instructions?)\s*(?:prompt|message|override)?\s*(?:\*\*)?:[^.!?\n]*",
        r"\b(?:system prompt|prompt do sistema|prompt de sistema|prompt del sistema|jailbreak"
        r"|developer mode|modo desenvolvedor|modo dan)\b[^.!?\n]*",
        r"\b(?:reveal|mostre|revele|print|show|repita|repeat|muestra|exiba)\b[^.!?\n]{0,30}"
        r"\b(?:prompt|instruc\w*|instructions?)\b[^.!?\n]*",
        rf"[{{\[]\s*\"(?:sentiment\w*|items|id|emotion|emocao)\"[^}}\]]*[}}\]]?",
    )
)


def looks_like_injection(text: str) -> bool:
    """Tell whether the text gives orders to whoever judges it."""
    return any(order.search(_even(text)) for order in _ORDERS)


def without_orders(text: str) -> str:
    """Return the text with the orders to an analyser cut out; "" when nothing else is there."""
    text = clean(text)
    even = _even(text)
    if len(even) != len(text):
        text = even
    spans = sorted(match.span() for order in _ORDERS for match in order.finditer(even))
    kept: list[str] = []
    at = 0
    for start, end in spans:
        if start > at:
            kept.append(text[at:start])
        at = max(at, end)
    return "".join([*kept, text[at:]]).strip() if spans else text


def _even(text: str) -> str:
    return fold(clean(text))
