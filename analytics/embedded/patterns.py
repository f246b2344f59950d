"""Orders to an analyser that are worded as such orders mostly are: where they begin and end.

These patterns find them within a sentence, between other words. What they do not know is found by
analytics.embedded.listener, a piece of a sentence at a time.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

# Words of the patterns in data/injection.txt, which writes them in angle brackets. Verbs stand in
# the forms of an order: "considero ótimo" and "registrei" are what people tell of themselves.
_PARTS = {
    "forget": r"(?<!nao )(?<!nunca )(?<!n't )(?<!not )(?<!dont )(?<!never )(?:ignor(?:e|em|a|ar)"
    r"|desconsider(?:e|em|a|ar)|esque(?:ca|cam|ce|cer)|disregard|forget|override|overwrite"
    r"|olvid(?:a|e|en|ar)|descart(?:e|em|a|ar)|bypass|(?:nao|no) sig(?:a|am|as|an)|do not follow"
    r"|don'?t follow|pare de seguir|deja de seguir|stop following|sobrescrev(?:a|am|er)"
    r"|substitu(?:a|am|ir)|anul(?:e|em|ar)|haz caso omiso)",
    "rules": r"(?:instruc(?:ao|oes)|instructions?|instruccion(?:es)?|ordens|ordenes|prompts?"
    r"|regras|rules|reglas|diretrizes|guidelines?|directrices)"
    r"(?!\s+(?:de (?:compra|servico|voces|montagem|uso)|d[ao] (?:loja|empresa|manual)))",
    "before": r"(?:anterior(?:es|mente)?|acima|antes|previ(?:as?|os?|ous)|prior|above|earlier"
    r"|before|dadas|recebid\w*|given|iniciais|originais|internas|arriba|d[oe] sistema)",
    # What nobody calls his own opinion, and what customers speak of too.
    "field": r"(?:sentiment\w*|sentimient\w*|satisfaction|emoc(?:ao|oes|ion)|emotions?|scores?"
    r"|label|rotulo|etiqueta|polaridad[e]?|polarity|confidence|tone|rating)",
    "figure": r"(?:nota|satisfac(?:ao|cion)|classificac(?:ao|oes)|clasificacion|classification"
    r"|pontuacao|puntuacion|confianca|tom|humor|prioridade|priority)",
    "most": r"(?:posit\w*|negat\w*|neutr\w*|maxim\w*|minim\w*|100\b|alegria|raiva|joy|anger)",
    "mood": r"(?:posit\w*|negat\w*|neutr\w*|maxim\w*|alegria|alegre|gratidao|joy|happy|feliz"
    r"|satisfeit\w*|satisfied|praise)",
    "value": r"(?:[+-]?\d+(?:[.,]\d+)?%?|posit\w*|negat\w*|neutr\w*|maxim\w*|minim\w*|alegria"
    r"|alegre|raiva|gratidao|joy|happy|anger|angry|gratitude|feliz|satisfeit\w*|satisfied|dez\b"
    r"|cem\b|perfeit\w*|perfect\w*|excelente|zero\b|otim[ao]\b|pessim[ao]\b|cordial|alta\b|high\b"
    r"|um\b|one\b|uno\b)",
    "say": r"(?:respond(?:a|am|er|e)?|retorn(?:e|em|ar)|return|answer|reply|output|diga|devuelv[ae]"
    r"|devolv(?:a|am|er)|classifi(?:que|quem|car|ca)|clasifi(?:que|ca|car)|classify"
    r"|marqu(?:e|em)|marc(?:a|ar)|registr(?:e|em|ar|a)|coloque|colocar|defin(?:a|am|ir|e)|set|mark"
    r"|label|rate|report|print|escrev(?:a|am|er|e)|escrib(?:a|e|ir)|write|atribu(?:a|am|ir|i)"
    r"|assign|consider(?:e|a|ar)?|trat(?:e|em|ar|a)|treat|pon|ponga|poner|pontu(?:e|em|ar)"
    r"|avali(?:e|em|ar)|evalu(?:e|a|ar|ate)|ger(?:e|em|ar)|generate|produz(?:a|ir)|produce|force"
    r"|alter(?:e|em|ar)|mud(?:e|em|ar)|change|cambi(?:a|e|ar)|ajust(?:e|em|ar)|give|use|dar"
    r"|envie|emit[ae]?|atualize|update|fix[ea]|asign(?:a|e|ar))",
    "machine": r"(?:assistentes?|assistants?|asistentes?|chatbot|bots?|ia|ai|gpt\w*|chatgpt|llm"
    r"|modelos?|models?|sistema|system|robos?|analisador\w*|analy[sz]ers?|analizador\w*|algoritmo"
    r"|algorithm|classificador\w*|classifier|clasificador\w*|inteligencia artificial|moderador"
    r"|avaliador\w*|evaluator|judge|language model|modelo de linguagem)",
    # Those of them that are no goods and no staff.
    "model": r"(?:ia|ai|llm|gpt\w*|chatgpt|language model|modelo de (?:linguagem|ia)|ai model"
    r"|inteligencia artificial|classificador\w*|classifier|clasificador\w*|analisador\w*"
    r"|analy[sz]er|analizador\w*|avaliador automatico|evaluator|algoritmo|algorithm)",
    "noun": r"(?:mensage(?:m|ns)|messages?|mensajes?|textos?|texts?|conversas?|conversations?"
    r"|conversacion(?:es)?|reclamac(?:ao|oes)|complaints?|reviews?|comentarios?|comments?|clientes?"
    r"|customers?|usuarios?|users?|lote|batch|items?|itens|ids?|dados|data|todos|todas|all"
    r"|everyone|others|outr[ao]s)",
    # What may stand between the words of one order.
    "of": r"(?:os?|as?|uma?|the|an|el|la|los|las|una?|de|do|da|dos|das|of|del|al?|para|pra|for|to"
    r"|em|no|na|nos|nas|in|on|com|with|con|como|e|es|is|be|ser|sendo|being|deve|must|should|igual"
    r"|equal|est[ea]s?|ess[ea]s?|dest[ea]s?|dess[ea]s?|nest[ea]s?|ness[ea]s?|this|that|these|isto"
    r"|isso|aqui|here|seu|sua|your|its|mensage(?:m|ns)|messages?|mensajes?|textos?|texts?"
    r"|conversas?|conversations?|conversacion|reclamac(?:ao|oes)|complaints?|reviews?"
    r"|comentarios?|comments?|clientes?|customers?|lote|batch|dados|items?|itens|ids?|outr[ao]s?"
    r"|others?|otr[ao]s|all|every|each|cada|tod[ao]s?|siempre|sempre|always|apenas|somente|so|only"
    r"|just|solo|seguir|seguintes?|following|next|siguientes?|abaixo|below|acima|above|muito|muy"
    r"|very|mais|extremamente|extremely|totalmente|fully|agora|now|ahora|exatamente|exactly|valor"
    r"|value)",
    "gap": r"[^\w.!?\n]{1,4}",
    "!own": r"(?<!minha )(?<!meu )(?<!my )(?<!mi )(?<!nossa )(?<!nosso )",
}
_PARTS["fill"] = rf"(?:{_PARTS['gap']}{_PARTS['of']})*{_PARTS['gap']}"
# Between two orders.
_JOINT = re.compile(r"[\W_]*(?:(?:e|and|y|ou|or|then|entao|depois|now|agora)\b[\W_]*){0,2}")
# An order has at most so many pieces before it and after it, each before it of so many characters.
_MOST_PIECES, _LEAD_IN = 8, 90


@dataclass(frozen=True, slots=True)
class _Patterns:
    orders: tuple[re.Pattern[str], ...]
    before: re.Pattern[str]
    after: re.Pattern[str]


def holds_order(even: str) -> bool:
    """Tell whether folded text holds such an order."""
    return any(order.search(even) for order in _patterns().orders)


def order_spans(even: str) -> list[tuple[int, int]]:
    """Return where orders stand in folded text, grown by what belongs to them, apart."""
    found = {match.span() for order in _patterns().orders for match in order.finditer(even)}
    return _joined(even, sorted(_grown(even, *span) for span in _joined(even, sorted(found))))


def _joined(even: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        first, last = joined[-1] if joined else (0, -1)
        if joined and (start <= last or _JOINT.fullmatch(even, last, start)):
            joined[-1] = (first, max(end, last))
        else:
            joined.append((start, end))
    return joined


def _grown(even: str, start: int, end: int) -> tuple[int, int]:
    patterns = _patterns()
    for _ in range(_MOST_PIECES):
        if not (match := patterns.after.match(even, end)):
            break
        end = match.end()
    for _ in range(_MOST_PIECES):
        # Only what is near: a search from the beginning for each piece would be slow.
        if not (match := patterns.before.search(even, max(0, start - _LEAD_IN), start)):
            break
        start = match.start()
    return start, end


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    source = files("analytics.embedded") / "data" / "injection.txt"
    parts: dict[str, list[str]] = {}
    for line in source.read_text("utf-8").splitlines():
        if line in {"[orders]", "[before]", "[after]"}:
            lines = parts.setdefault(line, [])
        elif line.strip() and not line.startswith("# "):
            lines.append(_filled(line.strip()))
    before, after = ("|".join(parts[name]) for name in ("[before]", "[after]"))
    return _Patterns(
        orders=tuple(re.compile(line) for line in parts["[orders]"]),
        before=re.compile(rf"(?<!\w)(?:{before})[\s,;:\"'(\[{{*#>-]*\Z"),
        after=re.compile(rf"[\s,;:\"'`)\]}}*-]*\b(?:{after})(?!\w)"),
    )


def _filled(line: str) -> str:
    return re.sub(r"<(!?[a-z]+)>", lambda match: _PARTS[match.group(1)], line)
