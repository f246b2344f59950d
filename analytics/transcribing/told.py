"""How far transcribing is, and why recordings got no transcript, in words."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.models import TranscriptionJob
from analytics.providers.shown import problem_words

SINCE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """What waits now, and what failed in thirty days: how many by reason, the most first."""

    waiting: int
    failed: int
    reasons: tuple[tuple[str, int], ...]


def standing() -> Standing:
    """Return how transcribing stands in the active company."""
    rows = TranscriptionJob.objects.filter(created_at__gte=timezone.now() - SINCE)
    counted = rows.values_list("state", "error").annotate(number=Count("pk"))
    waiting, reasons = 0, Counter[str]()
    for state, error, number in counted:
        if state == TranscriptionJob.State.FAILED:
            reasons[reason_words(error)] += number
        else:
            waiting += number
    return Standing(waiting, reasons.total(), tuple(reasons.most_common()))


def reason_words(code: str) -> str:
    """Return why a recording has no transcript, and what to do about it."""
    words = {
        "too_large": _("Larger than 25 MB."),
        "too_long": _("Longer than an hour, or than the provider takes."),
        "file_gone": _("The file is no longer in our storage."),
        "storage_away": _("Our storage did not answer."),
        "nothing_said": _("The provider heard no words."),
        "worker_died": _("It was interrupted twice and is not sent again."),
        "invalid_answer": _("The provider did not answer with a transcript."),
        "no_price": _("A limit of money is set, and what recordings cost cannot be counted."),
        "bad_request": _("The provider refuses the recording. Check the name of the model."),
    }
    return words.get(code) or problem_words(code)
