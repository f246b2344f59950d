"""Which messages wait for a judgement and for a place by meaning; both lists are idempotent."""

from collections.abc import Collection, Sequence

from django.db import transaction

from analytics.analysis import cache
from analytics.analysis.items import version_of
from analytics.analysis.settings import ai_settings
from analytics.models import AiSettings, AnalysisJob, Inference, MessageEmbedding
from analytics.search import jobs
from evosense.core.schema import database_cursor
from messaging.selectors.wordings import Wording, wordings_of
from messaging.services.judgements import PERSON

# A claim by somebody who read the words of before is taken away with it.
_INSERT = """
    INSERT INTO analytics_analysisjob
        (message_id, conversation_id, occurred_at, version, state, attempts, error)
    SELECT j.message_id, j.conversation_id, j.occurred_at, j.version, 'waiting', 0, ''
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])
        AS j(message_id, conversation_id, occurred_at, version)
    ON CONFLICT (message_id) DO UPDATE SET
        state = 'waiting', attempts = 0, not_before = NULL, claim = NULL, claimed_until = NULL,
        error = '', version = EXCLUDED.version, is_early = false
    WHERE analytics_analysisjob.version <> EXCLUDED.version
       OR analytics_analysisjob.state = 'failed'
    """


def note_messages(message_ids: Collection[int], *, is_asked: bool = False) -> int:
    """Have messages judged that the settings want; returns how many were put in the queue.

    For new messages, and for those whose words changed or came late: what was judged in these very
    words, or waits in them, is left alone, so a repeated event or a receipt changes nothing. What
    failed, or got only a stand-in, is tried anew when it `is_asked` for.
    """
    settings = ai_settings()
    wordings = wordings_of(message_ids)
    with transaction.atomic():
        _forget_answers(message_ids, wordings)
        _want_places(message_ids, wordings)
        wanted = [one for one in wordings if is_wanted(one, settings)]
        waiting = _unjudged(wanted, is_asked=is_asked)
        want_judgements(waiting)
    return len(waiting)


def is_wanted(wording: Wording, settings: AiSettings) -> bool:
    """Tell whether the company has messages like this one analysed."""
    if wording.kind != "person" and not settings.analyses_groups:
        return False
    return settings.analyses_received if wording.is_inbound else settings.analyses_sent


def want_judgements(wordings: Sequence[Wording]) -> None:
    """Put messages in the queue; one that is there in other words waits as if it were new."""
    if not wordings:
        return
    # In one order, so that two events about the same messages never wait for each other.
    rows = sorted(
        (one.message_id, one.conversation_id, one.occurred_at, version_of(one.text))
        for one in wordings
    )
    with database_cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])


def _unjudged(wordings: Sequence[Wording], *, is_asked: bool) -> list[Wording]:
    keys = {one.message_id: version_of(one.text) for one in wordings if one.judged_by != PERSON}
    rows = Inference.objects.filter(message_id__in=keys, run_id="")
    waiting = AnalysisJob.objects.filter(message_id__in=keys)
    if is_asked:
        rows = rows.filter(is_degraded=False)
        waiting = waiting.exclude(state=AnalysisJob.State.FAILED)
    judged = {
        pk for pk, key in rows.values_list("message_id", "run_key") if key.endswith(f":{keys[pk]}")
    }
    same = {
        pk for pk, version in waiting.values_list("message_id", "version") if version == keys[pk]
    }
    left = set(keys) - judged - same
    return [one for one in wordings if one.message_id in left]


def _forget_answers(message_ids: Collection[int], wordings: Sequence[Wording]) -> None:
    """Words that were deleted or edited are not kept as the answer to others like them."""
    still_said = {one.message_id for one in wordings if not one.is_edited}
    cache.forget(set(message_ids) - still_said)


def _want_places(message_ids: Collection[int], wordings: Sequence[Wording]) -> None:
    """Everything said is searched by meaning, also what nobody judges."""
    rows = MessageEmbedding.objects.filter(message_id__in=message_ids)
    placed = set(rows.values_list("message_id", flat=True))
    said = {one.message_id for one in wordings}
    changed = {one.message_id for one in wordings if one.is_edited} | (placed - said)
    jobs.want_again(changed)
    jobs.want_embeddings(said - placed - changed)
