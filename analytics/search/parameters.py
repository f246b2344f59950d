"""A search as the address of its page carries it: words by Portuguese names.

Saved searches keep the same, so that opening one is opening its address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from analytics.models.choices import Emotion
from analytics.search.service import MODES, Request
from evosense.core.errors import Invalid
from evosense.core.schema import current_tenant
from messaging.selectors.matches import MatchFilter

# By their names in the API.
NAMES = {
    "q": "q",
    "mode": "modo",
    "connection": "conexao",
    "conversation": "conversa",
    "person": "pessoa",
    "who": "quem",
    "since": "desde",
    "until": "ate",
    "direction": "direcao",
    "sentiment": "sentimento",
    "emotion": "emocao",
    "satisfaction_min": "satisfacao_min",
    "satisfaction_max": "satisfacao_max",
    "order": "ordem",
}
# By their names in the address, as the filters of the page are called.
_LABELS: dict[str, Promise] = {
    "modo": gettext_lazy("How to search"),
    "conexao": gettext_lazy("Connection"),
    "conversa": gettext_lazy("Conversation"),
    "pessoa": gettext_lazy("Person"),
    "desde": gettext_lazy("Period"),
    "ate": gettext_lazy("Period"),
    "direcao": gettext_lazy("Direction"),
    "sentimento": gettext_lazy("Sentiment"),
    "emocao": gettext_lazy("Emotion"),
    "ordem": pgettext_lazy("of results", "Order"),
}
# The bounds between which a message counts as neither; see experiments/statistics/classes.py.
NEITHER = 0.1
_INSIDE = NEITHER - 1e-9
SENTIMENTS: dict[str, tuple[float | None, float | None]] = {
    "negative": (None, -NEITHER),
    "neutral": (-_INSIDE, _INSIDE),
    "positive": (NEITHER, None),
}
ORDERS = ("nearest", "newest")
DIRECTIONS = ("inbound", "outbound")
LONGEST_WHO = 80


@dataclass(frozen=True)
class Parameters:
    """The checked words of an address; empty ones do not narrow the search."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Parameters":
        """Keep what a search knows; raises Invalid naming the one that makes no sense."""
        values = {name: _text(given.get(name)) for name in NAMES.values()}
        found = cls({name: value for name, value in values.items() if value})
        found.request()
        return found

    def get(self, name: str) -> str:
        """Return a value by its name in the address, "" without one."""
        return self.values.get(name, "")

    @property
    def q(self) -> str:
        return self.get("q")

    @property
    def mode(self) -> str:
        return self.get("modo") or "combined"

    @property
    def is_newest_first(self) -> bool:
        return self.get("ordem") == "newest"

    def address(self, path: str, *, drop: tuple[str, ...] = (), **more: str) -> str:
        """Return `path` with these words, some dropped or replaced."""
        kept = {**self.values, **more}
        kept = {name: value for name, value in kept.items() if value and name not in drop}
        return f"{path}?{urlencode(kept)}" if kept else path

    def request(self) -> Request:
        """Return the search; raises Invalid naming the word that makes no sense."""
        _one_of("modo", self.mode, MODES)
        _one_of("ordem", self.get("ordem") or "nearest", ORDERS)
        filters = MatchFilter(
            connection=_uuid("conexao", self.get("conexao")),
            conversation=_uuid("conversa", self.get("conversa")),
            person=_uuid("pessoa", self.get("pessoa")),
            who=self.get("quem")[:LONGEST_WHO],
            direction=_one_of("direcao", self.get("direcao"), ("", *DIRECTIONS)),
            emotion=_one_of("emocao", self.get("emocao"), ("", *Emotion.values)),
            satisfaction_min=_percent("satisfacao_min", self.get("satisfacao_min")),
            satisfaction_max=_percent("satisfacao_max", self.get("satisfacao_max")),
        )
        filters = self._with_sentiment(self._with_period(filters))
        _ordered("satisfacao_min", filters.satisfaction_min, filters.satisfaction_max)
        return Request(
            query=self.q, mode=self.mode, filters=filters, is_newest_first=self.is_newest_first
        )

    def _with_period(self, filters: MatchFilter) -> MatchFilter:
        """Both days count whole, in the company's time zone."""
        zone = ZoneInfo(current_tenant().timezone)
        since, until = _day("desde", self.get("desde")), _day("ate", self.get("ate"))
        if since and until and since > until:
            raise Invalid("invalid_range", _("The period ends before it begins."), field="desde")
        return replace(
            filters,
            since=datetime.combine(since, time.min, zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time.min, zone) if until else None,
        )

    def _with_sentiment(self, filters: MatchFilter) -> MatchFilter:
        word = _one_of("sentimento", self.get("sentimento"), ("", *SENTIMENTS))
        low, high = SENTIMENTS.get(word, (None, None))
        return replace(filters, sentiment_min=low, sentiment_max=high)


def read_saved(query: Mapping[str, str]) -> Request:
    """Return the search that a saved one keeps; raises Invalid for one of another time."""
    return Parameters.of(query).request()


def _text(value: Any) -> str:
    return str(value or "").replace("\x00", "").encode("utf-8", "ignore").decode().strip()


def _one_of(name: str, value: str, known: tuple[str, ...] | list[str]) -> str:
    if value not in known:
        raise _bad(name)
    return value


def _uuid(name: str, value: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError as error:
        raise _bad(name) from error


def _day(name: str, value: str) -> date | None:
    try:
        found = date.fromisoformat(value) if value else None
    except ValueError as error:
        raise _bad(name) from error
    # A day's end must be a day that exists.
    if found is not None and not date(1970, 1, 2) <= found <= date(9998, 12, 31):
        raise _bad(name)
    return found


def _percent(name: str, value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and int(value[:9]) <= 100):
        message = _("Satisfaction goes from 0 to 100, in whole numbers.")
        raise Invalid("invalid_filter", message, field=name)
    return int(value)


def _ordered(name: str, low: Any, high: Any) -> None:
    if low is not None and high is not None and low > high:
        raise Invalid("invalid_range", _("The minimum is above the maximum."), field=name)


def _bad(name: str) -> Invalid:
    message = _("The filter “%(field)s” has a value that does not exist.") % {
        "field": _LABELS[name]
    }
    return Invalid("invalid_filter", message, field=name)
