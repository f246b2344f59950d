"""The component sheet for people who write pages; mounted in development only."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from evosense.core.charts import bars, nice_top

SENTIMENTS = ("1", "2", "3", "4", "5")
ICONS = (
    "home chat search send megaphone users user user-plus chart flask mobile sliders help "
    "bell plus minus x check down right left arrow-up arrow-down arrow-right dots filter "
    "sort clock lock shield shield-check bot clip mic smile image file calendar play "
    "pause stop refresh alert info x-circle check-circle circle wifi wifi-off transfer "
    "moon tag spark reply copy edit trash download upload eye key card building bolt "
    "queue panel menu table code trend-up trend-down ban sun scale target text layers "
    "history exit pin s1 s2 s3 s4 s5 logo"
)


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Show every component with its states."""
    return render(request, "dev/componentes.html", sample_context())


def sample_context() -> dict[str, Any]:
    now = timezone.now()
    volume = [12.0, 28.0, 41.0, None, 36.0, 22.0]
    top = nice_top(value for value in volume if value is not None)
    return {
        "icons": ICONS.split(),
        "sentiments": SENTIMENTS,
        "now": now,
        "earlier": now - timedelta(minutes=27),
        "yesterday": now - timedelta(hours=26),
        "trend": [3, 4, 2, 5, None, 6, 7, 6, 8],
        "options": [("help", "Support"), ("sales", "Sales"), ("raiz", "Raiz branch")],
        "tab_items": [
            {"url": "#mine", "label": "Mine", "count": 9, "is_current": True},
            {"url": "#waiting", "label": "Waiting", "count": 7},
            {"url": "#all", "label": "All", "count": 46},
        ],
        "events": [
            SimpleNamespace(at=now, tone="warn", title="Reconnected", text="3 attempts"),
            SimpleNamespace(
                at=now - timedelta(minutes=17), tone="bad", title="Lost while sending", text=""
            ),
        ],
        "payload": {"status": "read", "sentiment": -0.81, "source": "customer", "reply_to": None},
        "volume": bars(volume, labels=["8 h", "9 h", "10 h", "11 h", "12 h", "13 h"], now=2),
        "ticks": [f"{top * share:g}" for share in (1, 0.75, 0.5, 0.25, 0)],
        "parts": [("1", 284), ("bl", 121), ("b", 27), ("w", 9)],
        "uptime": ["ok"] * 20 + ["warn", "bad"] + ["ok"] * 18 + [""] * 8,
        "heat": [
            SimpleNamespace(label="mon", values=[0, 9, 18, 27, 36, 45], now=4),
            SimpleNamespace(label="tue", values=[9, 18, 36, None, 27, 18], now=None),
        ],
        "heat_columns": ["8 h", "9 h", "10 h", "11 h", "12 h", "13 h"],
        "message": "*Saturday*, between 8 and 12.\nSee https://example.com/pedido, _please_ ~now~",
    }


# The gate refuses views that say nothing; this one exists in development only.
components.is_public_page = True  # type: ignore[attr-defined]
