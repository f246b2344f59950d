"""What a conversation came to: of its first four and last thirty messages with words.

When it was closed, when nobody wrote for ten minutes after six new messages, or when asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.analysis.checking import number_in
from analytics.analysis.context import turn_of
from analytics.analysis.embedded_arm import gives_orders, put_embedded_conversation, values_of
from analytics.analysis.items import EMBEDDED, SUSPICIOUS, Item
from analytics.analysis.settings import ai_settings
from analytics.analysis.summaries import safe_summary
from analytics.analysis.tasking import Answer, Request, ask_task
from analytics.models import ConversationAnalysis, Inference, Purpose
from analytics.models.choices import Task
from analytics.prompting.schemas import CATEGORIES
from analytics.values import FEWEST_CONFIDENCE, Turn
from evosense.core.errors import Conflict
from messaging.selectors.wordings import Said, counts_after, ends_of, names_in, talks_since

FIRST, LAST = 4, 30
SILENCE, FEWEST_NEW = timedelta(minutes=10), 6
# Older talks are not looked at by themselves; whoever wants them analysed asks for it.
LOOKED_BACK, MOST_TALKS = timedelta(days=1), 500
SUMMARY_LENGTH, STEP_LENGTH = 600, 200


def analyse_conversation(conversation_pk: int, trigger: str) -> ConversationAnalysis:
    """Return what a conversation came to as far as its last message; asks once for each state.

    Calls networks: not inside a transaction. Raises Conflict `nothing_said` without any words.
    """
    start, end, total = ends_of(conversation_pk, first=FIRST, last=LAST)
    said = [*start, *end]
    if not said:
        raise Conflict("nothing_said", _("Nothing was said in this conversation yet."))
    known = _known(conversation_pk, said[-1].message_id)
    if known is not None:
        return known
    row = ConversationAnalysis(
        conversation_id=conversation_pk,
        through_message_id=said[-1].message_id,
        trigger=trigger,
        status=Inference.Status.OK,
        messages=total,
    )
    answer = _asked(conversation_pk, said, total)
    if not _read(row, answer, said):
        _by_embedded(row, said, answer.error if answer.data is None else "invalid_answer")
    return _kept(row)


def due_conversations() -> list[tuple[int, str]]:
    """Return (conversation, trigger) of what should be analysed by itself now."""
    if not ai_settings().analyses_closed:
        return []
    now = timezone.now()
    talks = talks_since(now - LOOKED_BACK, limit=MOST_TALKS)
    analysed = _places([talk.conversation_id for talk in talks])
    new = counts_after({t.conversation_id: analysed.get(t.conversation_id, 0) for t in talks})
    due = []
    for talk in talks:
        count = new.get(talk.conversation_id, 0)
        if talk.is_closed and count:
            due.append((talk.conversation_id, "closed"))
        elif count >= FEWEST_NEW and talk.ended_at <= now - SILENCE:
            due.append((talk.conversation_id, "silence"))
    return due


def _places(conversation_pks: Sequence[int]) -> dict[int, int]:
    """Return as far as which message each conversation was analysed."""
    rows = ConversationAnalysis.objects.filter(conversation_id__in=conversation_pks)
    found = rows.values("conversation_id").annotate(place=Max("through_message_id"))
    return {row["conversation_id"]: row["place"] for row in found}


def _known(conversation_pk: int, last: int) -> ConversationAnalysis | None:
    rows = ConversationAnalysis.objects.filter(
        conversation_id=conversation_pk, through_message_id=last, is_degraded=False
    )
    return rows.order_by("-pk").first()


def _asked(conversation_pk: int, said: Sequence[Said], total: int) -> Answer:
    """Ask the provider, unless somebody in the conversation gives orders to it."""
    if any(gives_orders(Item(one.message_id, one.text)) for one in said if one.is_inbound):
        return Answer(error=SUSPICIOUS if _has_provider() else EMBEDDED)
    names = tuple(names_in([conversation_pk]).get(conversation_pk, ()))
    return ask_task(
        Request(
            task=Task.CONVERSATION,
            purpose=Purpose.CONVERSATION,
            turns=[
                {"id": number, "who": turn_of(one).who, "text": one.text[:2_000]}
                for number, one in enumerate(said, start=1)
            ],
            extra={"messages_left_out": max(0, total - len(said))},
            names=names,
            part="conversations",
        )
    )


def _has_provider() -> bool:
    return ai_settings().engine == "provider"


def _read(row: ConversationAnalysis, answer: Answer, said: Sequence[Said]) -> bool:
    """Write an answer on the row; False when there is none that can be believed."""
    data = answer.data
    if data is None or not _is_whole(data):
        return False
    source = "\n".join(one.text for one in said)
    row.provider, row.model_name = answer.provider, answer.model
    row.prompt_version = answer.prompt_version
    row.category, row.resolved = data["category"], data["resolved"]
    row.sentiment, row.trend = float(data["sentiment"]), float(data["trend"])
    row.satisfaction, row.confidence = round(data["satisfaction"]), float(data["confidence"])
    row.summary = _words(data["summary"], source, SUMMARY_LENGTH)
    row.next_step = _words(data["next_step"], source, STEP_LENGTH)
    row.evidence = _evidence(data["evidence"], said)
    return True


def _is_whole(data: Mapping[str, Any]) -> bool:
    ranges = {
        "sentiment": (-1, 1),
        "trend": (-2, 2),
        "satisfaction": (0, 100),
        "confidence": (0, 1),
    }
    if any(number_in(data.get(name), *ends) is None for name, ends in ranges.items()):
        return False
    if data.get("category") not in CATEGORIES:
        return False
    if data.get("resolved") not in ConversationAnalysis.Resolved.values:
        return False
    is_text = all(isinstance(data.get(name), str) for name in ("summary", "next_step"))
    return is_text and isinstance(data.get("evidence"), list)


def _words(text: str, source: str, length: int) -> str:
    return safe_summary(text, source, length=length) if text.strip() else ""


def _evidence(numbers: Sequence[Any], said: Sequence[Said]) -> list[int]:
    """Return the messages that are named as evidence; numbers that were not given are dropped."""
    known = {number: one.message_id for number, one in enumerate(said, start=1)}
    named = [number for number in numbers if type(number) is int and number in known]
    return [known[number] for number in dict.fromkeys(named)]


def _by_embedded(row: ConversationAnalysis, said: Sequence[Said], error: str) -> None:
    """Have the embedded analyser judge; an error says why the provider did not."""
    heard = [one for one in said if one.is_inbound]
    judged = values_of([Item(one.message_id, one.text) for one in heard]) if heard else []
    by_id = {one.message_id: judgement for one, judgement in zip(heard, judged, strict=True)}
    turns: list[tuple[Turn, Any]] = [(turn_of(one), by_id.get(one.message_id)) for one in said]
    put_embedded_conversation(row, turns)
    sure = [
        (abs(judgement.sentiment * judgement.confidence), pk)
        for pk, judgement in by_id.items()
        if judgement.confidence >= FEWEST_CONFIDENCE and abs(judgement.sentiment) > 0.1
    ]
    row.evidence = sorted(pk for _weight, pk in sorted(sure, reverse=True)[:3])
    row.is_degraded = error not in {"", EMBEDDED}
    row.error = error[:40] if row.is_degraded else ""


def _kept(row: ConversationAnalysis) -> ConversationAnalysis:
    """Insert the row, or return the one that somebody wrote of the same state meanwhile."""
    with transaction.atomic():
        ConversationAnalysis.objects.bulk_create([row], ignore_conflicts=True)
        return ConversationAnalysis.objects.get(
            conversation_id=row.conversation_id,
            through_message_id=row.through_message_id,
            provider=row.provider,
            model_name=row.model_name,
        )
