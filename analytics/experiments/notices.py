"""What people are told about experiments and drift, once while it lasts."""

from typing import Any

from django.utils import timezone

from analytics.models import AiNotice


def open_notice(kind: str, subject: str, detail: dict[str, Any]) -> None:
    """Tell people, unless an open notice says so already."""
    notice = AiNotice(kind=kind, subject=subject[:200], detail=detail)
    AiNotice.objects.bulk_create([notice], ignore_conflicts=True)


def close_notice(kind: str, subject: str) -> None:
    """Note that it is over."""
    rows = AiNotice.objects.filter(kind=kind, subject=subject[:200], closed_at=None)
    rows.update(closed_at=timezone.now())
