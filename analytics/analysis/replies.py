"""Three replies to choose from, in three tones. A person sends one, or none: nothing is sent here.

Without a provider they are drawn from sentences of ours by what the customer said last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from analytics.analysis.checking import LONGEST_SUMMARY
from analytics.analysis.context import turn_of
from analytics.analysis.embedded_arm import gives_orders, values_of
from analytics.analysis.items import EMBEDDED, SUSPICIOUS, Item
from analytics.analysis.summaries import safe_summary
from analytics.analysis.tasking import Answer, Request, ask_task
from analytics.models import Purpose
from analytics.models.choices import Task
from evosense.core.errors import Conflict
from messaging.selectors.wordings import Said, ends_of, names_in

TONES = ("formal", "cordial", "informal")
LAST, LONGEST_REPLY = 12, 600
_DEADLINE_SECONDS = 20.0

# By mood, in the order of TONES. In Portuguese whatever the page's language: customers read them.
_SENTENCES = {
    "complaint": (
        "Lamentamos o ocorrido. Para verificarmos imediatamente, poderia, por gentileza, informar "
        "o número do pedido ou o CPF do cadastro?",
        "Sinto muito por isso! Quero resolver com você agora. Pode me passar o número do pedido, "
        "por favor?",
        "Poxa, sinto muito mesmo. Me manda o número do pedido que eu já vejo o que aconteceu?",
    ),
    "thanks": (
        "Agradecemos o seu contato e permanecemos à disposição.",
        "Nós que agradecemos! Qualquer coisa, é só chamar.",
        "Valeu! Precisando, chama a gente 😉",
    ),
    "question": (
        "Agradecemos a sua mensagem. Vamos verificar a informação e retornamos em instantes.",
        "Claro! Vou verificar para você e já respondo por aqui, tudo bem?",
        "Boa pergunta! Deixa eu conferir aqui rapidinho e já te falo.",
    ),
    "other": (
        "Agradecemos o contato. Poderia, por gentileza, detalhar como podemos ajudar?",
        "Oi! Obrigado pela mensagem. Como posso te ajudar?",
        "Oi! Me conta melhor o que você precisa?",
    ),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A reply that can be sent as it is; `tone` is formal, cordial or informal."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Three suggestions, who made them, and why it was not the provider where one is chosen."""

    suggestions: list[Suggestion]
    provider: str = EMBEDDED
    error: str = ""


def suggest_replies(conversation_pk: int, *, agent: str = "") -> Suggestions:
    """Suggest replies to what the customer said last; `agent` is who would send them.

    Calls a network: not inside a transaction. Raises Conflict `nothing_said` without any words.
    """
    _start, said, _total = ends_of(conversation_pk, first=0, last=LAST)
    if not said:
        raise Conflict("nothing_said", _("Nothing was said in this conversation yet."))
    answer = _asked(conversation_pk, said, agent)
    found = _read(answer, said)
    if found:
        return Suggestions(found, answer.provider)
    error = "invalid_answer" if answer.data is not None else answer.error
    return Suggestions(_own(said), EMBEDDED, "" if error == EMBEDDED else error)


def _asked(conversation_pk: int, said: Sequence[Said], agent: str) -> Answer:
    if any(gives_orders(Item(one.message_id, one.text)) for one in said if one.is_inbound):
        return Answer(error=SUSPICIOUS)
    return ask_task(
        Request(
            task=Task.REPLY,
            purpose=Purpose.REPLY,
            turns=[{"who": turn_of(one).who, "text": one.text[:2_000]} for one in said],
            extra={},
            names=tuple(names_in([conversation_pk]).get(conversation_pk, ())),
            values={"agent": agent},
            seconds=_DEADLINE_SECONDS,
        )
    )


def _read(answer: Answer, said: Sequence[Said]) -> list[Suggestion]:
    """Return the three suggestions of an answer; none when one is missing or empty."""
    rows: Any = (answer.data or {}).get("suggestions")
    source = "\n".join(one.text for one in said)
    by_tone: dict[str, str] = {}
    for row in rows if isinstance(rows, list) else []:
        tone, text = (row.get("tone"), row.get("text")) if isinstance(row, dict) else (None, None)
        if tone in TONES and isinstance(text, str) and text.strip():
            words = safe_summary(text[:LONGEST_SUMMARY], source, length=LONGEST_REPLY)
            by_tone.setdefault(str(tone), words)
    if set(by_tone) != set(TONES):
        return []
    return [Suggestion(tone, by_tone[tone]) for tone in TONES]


def _own(said: Sequence[Said]) -> list[Suggestion]:
    sentences = _SENTENCES[_mood(said)]
    return [Suggestion(tone, text) for tone, text in zip(TONES, sentences, strict=True)]


def _mood(said: Sequence[Said]) -> str:
    last = next((one.text for one in reversed(said) if one.is_inbound), "")
    if not last:
        return "other"
    judged = values_of([Item(0, last)])[0]
    if judged.sentiment < -0.1:
        return "complaint"
    if "?" in last:
        return "question"
    return "thanks" if judged.sentiment > 0.1 or judged.emotion == "gratidao" else "other"
