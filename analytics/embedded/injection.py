"""Orders to an analyser hidden in a message, in Portuguese, English and Spanish.

The embedded analyser obeys nobody, but an order is no opinion either: it is set aside before the
honest rest is judged, and the pipeline marks the message for people.
"""

import re
from functools import lru_cache
from importlib.resources import files

from analytics.embedded.text import clean, fold

# Words of the patterns in data/injection.txt, which writes them in angle brackets.
_PARTS = {
    "forget": r"(?:ignor\w*|desconsider\w*|esquec\w*|esquez\w*|disregard\w*|forget\w*|overrid\w*"
    r"|overwrit\w*|olvid\w*|descart\w*|bypass\w*|nao sig\w*|do not follow|dont follow|no sig\w*"
    r"|pare de seguir|stop following|sobrescrev\w*|substitu\w*|anul\w*|haz caso omiso)",
    "orders": r"(?:instruc\w*|instruction\w*|ordens|ordem|ordenes|comando\w*|command\w*|prompts?"
    r"|regras?|rules?|reglas?|diretriz\w*|guidelines?|directric\w*|configurac\w*|contexto?"
    r"|criterios?|rubricas?|rubric|tarefa|task|restric\w*)",
    "field": r"(?:sentiment\w*|sentimient\w*|satisfac\w*|satisfaction|emoc(?:ao|oes|ion)|emotions?"
    r"|tom|tone|scores?|nota|rating|classificac\w*|clasificac\w*|classification|confianca"
    r"|confidence|label|rotulo|etiqueta|polaridade|polarity|pontuac\w*|avaliac\w*|analise"
    r"|analysis|resultado|saida|output|json|categoria|category|humor|prioridade|priority)",
    "value": r"(?:[+-]?\d|posit\w*|negat\w*|neutr\w*|maxim\w*|minim\w*|alegria|alegre|raiva"
    r"|gratidao|joy|happy|anger|angry|feliz|satisfeit\w*|satisfied|dez|cem|perfeit\w*|perfect\w*|excelente"
    r"|zero|otim[ao]|pessim[ao]|insatisfeit\w*|urgente|alta|high|um\b|one\b|uno\b)",
    "say": r"(?:respond\w*|retorn\w*|return\w*|answer\w*|repl(?:y|ies)|output\w*|diga\w*|devuelv\w*"
    r"|devolv\w*|classif\w*|clasif\w*|marqu\w*|marc[ae]\w*|registr\w*|registe\w*|coloque\w*"
    r"|defin\w*|set|mark|label|rate|report|print|escrev\w*|escrib\w*|write|atribu\w*|assign"
    r"|consider\w*|trat[ea]\w*|treat|pon(?:ga|er)?|pontu\w*|avali\w*|evalu\w*|ger[ae]\w*|generate"
    r"|produz\w*|produce|force|altere\w*|mude|change|cambi\w*|ajust\w*|give|use|usa)",
    "machine": r"(?:assistentes?|assistants?|asistentes?|chatbot|bots?|ia|ai|gpt\w*|chatgpt|llm"
    r"|modelos?|models?|sistema|system|robos?|analisador\w*|analy[sz]ers?|analizador\w*|algoritmo"
    r"|algorithm|classificador\w*|classifier|clasificador\w*|inteligencia artificial|moderador"
    r"|avaliador\w*|evaluator|judge|language model|modelo de linguagem)",
    "before": r"(?:anterior\w*|acima|antes|previ(?:as?|os?|ous)|prior|above|earlier|before|de cima"
    r"|dadas|recebid\w*|given|todas?|todos?|all|everything|tudo|arriba|original\w*|do sistema)",
}


def looks_like_injection(text: str) -> bool:
    """Tell whether the text gives orders to whoever judges it."""
    even = _even(text)
    return any(order.search(even) for order in _orders())


def without_orders(text: str) -> str:
    """Return the text with the orders to an analyser cut out; "" when nothing else is there."""
    text = clean(text)
    even = _even(text)
    spans = sorted(match.span() for order in _orders() for match in order.finditer(even))
    if not spans:
        return text
    # Folding keeps lengths but for rare letters; then the folded text has to do.
    source = text if len(even) == len(text) else even
    kept: list[str] = []
    at = 0
    for start, end in spans:
        if start > at:
            kept.append(source[at:start])
        at = max(at, end)
    return " ".join([*kept, source[at:]]).strip(" \n\t.,;:-\"'[](){}<>|#*=/")


def _even(text: str) -> str:
    return fold(clean(text))


@lru_cache(maxsize=1)
def _orders() -> tuple[re.Pattern[str], ...]:
    source = files("analytics.embedded") / "data" / "injection.txt"
    lines = [line.strip() for line in source.read_text("utf-8").splitlines()]
    return tuple(re.compile(_filled(line)) for line in lines if line and not line.startswith("# "))


def _filled(line: str) -> str:
    return re.sub(r"<(\w+)>", lambda match: _PARTS[match.group(1)], line)
