"""Why a side of an experiment failed, most of the time."""

from django.db.models import Count

from analytics.models import ExperimentRun, Inference


def usual_failures(run: ExperimentRun) -> dict[str, str]:
    """Return the most frequent reason of each side that has any, by its key; one query."""
    rows = Inference.objects.filter(run_id=run.run_id).exclude(error="")
    counted = rows.values("arm_key", "error").annotate(times=Count("pk")).order_by("times")
    # The most frequent one comes last and stays.
    return {row["arm_key"]: row["error"] for row in counted}
