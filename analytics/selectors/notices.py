"""What people should know about analysis now, in words, with where to do something about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.analysis.budget import this_month
from analytics.analysis.selectors import open_notices
from analytics.models import AiBudget, AiNotice
from analytics.providers.shown import problem_words
from evosense.core.wording import number_words

Kind = AiNotice.Kind
_OF_BUDGET = frozenset({Kind.BUDGET_WARNING, Kind.BUDGET_EXHAUSTED})
# What stops or changes analysis now; the rest can wait for whoever opens the settings.
URGENT = frozenset({Kind.BUDGET_EXHAUSTED, Kind.PROVIDER_DOWN, Kind.PROVIDER_REFUSED})


@dataclass(frozen=True)
class NoticeView:
    """`tone` is bad, warn or ""; `url` where something can be done about it, "" for nowhere."""

    id: int
    kind: str
    title: str
    text: str
    tone: str
    url: str
    opened_at: datetime


def notice_views(*, urgent: bool = False) -> list[NoticeView]:
    """Return what is open, the latest first; of budgets only this month's."""
    month = f"{this_month():%Y-%m}"
    rows = [one for one in open_notices() if _is_current(one, month)]
    return [_view(one) for one in rows if not urgent or one.kind in URGENT]


def _is_current(notice: AiNotice, month: str) -> bool:
    return notice.kind not in _OF_BUDGET or notice.subject.startswith(month)


def _view(notice: AiNotice) -> NoticeView:
    text, url = _words(notice)
    return NoticeView(
        id=notice.pk,
        kind=notice.kind,
        title=str(Kind(notice.kind).label),
        text=text,
        tone="bad" if notice.kind in URGENT else "warn",
        url=url,
        opened_at=notice.opened_at,
    )


def _words(notice: AiNotice) -> tuple[str, str]:
    """Return what a notice says and where to go."""
    detail: dict[str, Any] = notice.detail if isinstance(notice.detail, dict) else {}
    if notice.kind in _OF_BUDGET:
        return _budget_words(notice.kind, str(detail.get("part", ""))), reverse(
            "analytics:ai-settings"
        )
    if notice.kind in {Kind.PROVIDER_DOWN, Kind.PROVIDER_REFUSED}:
        text = f"{detail.get('name', '')}: {problem_words(str(detail.get('code', '')))}"
        meanwhile = _("Messages are judged by the embedded analyser meanwhile.")
        return f"{text} {meanwhile}", reverse("analytics:ai-providers")
    if notice.kind == Kind.RECALL:
        return _recall_words(detail), reverse("analytics:search")
    if notice.kind in {Kind.DRIFT, Kind.CANARY_STOPPED}:
        return _laboratory_words(notice.kind)
    if notice.kind == Kind.SAVED_SEARCH:
        return _saved_search_words(detail), reverse("analytics:search")
    return str(detail.get("name", "") or notice.subject), reverse("analytics:ai-providers")


def _laboratory_words(kind: str) -> tuple[str, str]:
    if kind == Kind.DRIFT:
        text = _("Look at the readings before you trust new figures.")
        return text, reverse("analytics:experiment-drift")
    text = _("The candidate judges nobody any more; production goes on as before.")
    return text, reverse("analytics:experiment-list")


def _budget_words(kind: str, part: str) -> str:
    name = str(AiBudget.Part(part).label) if part in AiBudget.Part.values else part
    if kind == Kind.BUDGET_WARNING:
        return _("%(part)s: more than 80%% of this month's budget is used.") % {"part": name}
    if part == AiBudget.Part.ALL:
        return _("The provider is not asked until the month ends or the budget is raised.")
    return _("%(part)s: nothing more is asked until the month ends or the budget is raised.") % {
        "part": name
    }


def _saved_search_words(detail: dict[str, Any]) -> str:
    hits, most = detail.get("hits"), detail.get("more_than")
    if hits is None or most is None:
        return ""
    return _("%(hits)s results in a day, more than %(most)s.") % {"hits": hits, "most": most}


def _recall_words(detail: dict[str, Any]) -> str:
    found = detail.get("recall")
    if not isinstance(found, int | float):
        return _("The index is being looked at.")
    share = number_words(found * 100, 1)
    return _("The index finds %(share)s%% of what an exact search finds.") % {"share": share}
