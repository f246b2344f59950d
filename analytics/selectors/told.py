"""What messaging shows of analyses besides the values: what waits, and who judged."""

from collections.abc import Collection, Mapping

from analytics.models import Inference
from evosense.core.schema import database_cursor
from messaging.selectors.judged import Told

_WAITS = {"waiting": "pending", "deferred": "deferred", "failed": "failed"}
# One statement for a page of messages: lists of the API have a bound on their queries.
_TOLD = """
    SELECT m.id, j.state, i.model_name, i.prompt_version
    FROM unnest(%s::bigint[]) AS m(id)
    LEFT JOIN analytics_analysisjob j ON j.message_id = m.id
    LEFT JOIN LATERAL (
        SELECT model_name, prompt_version FROM analytics_inference
        WHERE message_id = m.id AND run_id = '' AND NOT is_shadow AND status = 'ok'
        ORDER BY created_at DESC, id DESC LIMIT 1
    ) i ON TRUE
    WHERE j.state IS NOT NULL OR i.model_name IS NOT NULL"""


def told_of(message_ids: Collection[int]) -> Mapping[int, Told]:
    """Return what is known of messages; nothing of those never looked at."""
    with database_cursor() as cursor:
        cursor.execute(_TOLD, [list(message_ids)])
        return {
            pk: Told(_WAITS.get(state or "", ""), model or "", version or "")
            for pk, state, model, version in cursor.fetchall()
        }


def production_rows(message_ids: Collection[int]) -> dict[int, Inference]:
    """Return the judgement that each message took its values from: the latest whole one."""
    rows = Inference.objects.filter(
        message_id__in=message_ids, run_id="", is_shadow=False, status=Inference.Status.OK
    )
    latest = rows.order_by("message_id", "-created_at", "-pk").distinct("message_id")
    return {row.message_id: row for row in latest}
