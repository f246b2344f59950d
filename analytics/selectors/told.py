"""What messaging shows of analyses besides the values: what waits, and who judged."""

from collections.abc import Collection, Mapping

from analytics.analysis.selectors import states_of
from analytics.models import Inference
from messaging.selectors.judged import Told


def told_of(message_ids: Collection[int]) -> Mapping[int, Told]:
    """Return what is known of messages, in two queries; nothing of those never looked at."""
    waits = states_of(list(message_ids))
    judges = production_rows(message_ids)
    return {
        pk: Told(
            waits=waits.get(pk, ""),
            model=judges[pk].model_name if pk in judges else "",
            prompt_version=judges[pk].prompt_version if pk in judges else "",
        )
        for pk in waits.keys() | judges.keys()
    }


def production_rows(message_ids: Collection[int]) -> dict[int, Inference]:
    """Return the judgement that each message took its values from: the latest whole one."""
    rows = Inference.objects.filter(
        message_id__in=message_ids, run_id="", is_shadow=False, status=Inference.Status.OK
    )
    latest = rows.order_by("message_id", "-created_at", "-pk").distinct("message_id")
    return {row.message_id: row for row in latest}
