"""What the form of a new experiment says, read field by field; whatever is wrong is gathered."""

import contextlib
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.experiments import creating
from analytics.experiments.arms import Choice
from analytics.experiments.creating import NewRun
from analytics.models import ExperimentRun
from evosense.core.errors import DomainError, Invalid
from evosense.core.number_fields import plain_number
from evosense.core.pages import field_errors

SIDES = ("baseline", "candidate_1", "candidate_2", "candidate_3")
MEASURE = "sentiment_accuracy"
# Names of the form where the service calls them otherwise.
_SHOWN_AS = {"budget_micros": "budget", "connections": "connection"}
T = TypeVar("T")


class Reader:
    """Reads fields; what cannot be read is gathered in `errors` under the name of its field."""

    def __init__(self, data: QueryDict) -> None:
        self.data = data
        self.errors: dict[str, Any] = {}

    def take(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except DomainError as error:
            self.note(error)
            return otherwise

    def note(self, error: DomainError) -> None:
        """Keep a refusal, unless its field has one already."""
        for field, message in field_errors(error).items():
            self.errors.setdefault(_SHOWN_AS.get(field, field), message)


def asked(reader: Reader) -> NewRun:
    """Return what the form says.

    Fields of another mode are left aside: the form keeps them for a change of mind.
    """
    data = reader.data
    mode = data.get("mode", "")
    number = reader.take(lambda: number_of(data.get("min_effect", ""), "min_effect"), None)
    if "min_effect" in reader.errors:
        number = creating.LEAST_EFFECT * 100
    return NewRun(
        name=data.get("name", ""),
        description=data.get("description", ""),
        mode=mode,
        baseline=_choice(reader, "baseline"),
        candidates=[
            _choice(reader, side) for side in sides_of(mode)[1:] if data.get(f"{side}_engine")
        ],
        primary_metric=data.get("primary_metric") or MEASURE,
        min_effect=(number or 0) / 100,
        budget_micros=reader.take(lambda: micros_of(data.get("budget", "")), None),
        **_of_mode(reader, mode),
    )


def _of_mode(reader: Reader, mode: str) -> dict[str, Any]:
    """Return what the form says about finding messages in this mode."""
    data = reader.data
    readers: dict[str, tuple[Callable[[], Any], Any]] = {
        "since": (lambda: _day(data.get("since", ""), "since"), None),
        "until": (lambda: _day(data.get("until", ""), "until", end=True), None),
        "connections": (lambda: _connections(data), []),
        "size": (lambda: int(number_of(data.get("size", ""), "size") or 0), 0),
        "share": (lambda: (number_of(data.get("share", ""), "share") or 0) / 100, 0.0),
        "gold_set": (lambda: uuid_of(data.get("gold_set", ""), "gold_set"), None),
    }
    return {name: reader.take(*readers[name]) for name in readers if name in fields_of(mode)}


def _connections(data: QueryDict) -> list[UUID]:
    chosen = uuid_of(data.get("connection", ""), "connection")
    return [chosen] if chosen else []


def fields_of(mode: str) -> frozenset[str]:
    """Return the fields that only some modes ask for, of this one."""
    return creating.FIELDS[ExperimentRun.Mode(mode)] if mode in creating.FIELDS else frozenset()


def sides_of(mode: str) -> tuple[str, ...]:
    """Return the sides that a mode has: a canary is one candidate beside what judges now."""
    return SIDES[:2] if mode == ExperimentRun.Mode.CANARY else SIDES


def micros_of(raw: str) -> int | None:
    """Return an amount of whole currency in millionths; None when nothing was written."""
    amount = number_of(raw, "budget")
    if amount is None:
        return None
    if not 0 < amount < 10**9:
        raise Invalid("out_of_range", _("An amount above zero."), field="budget")
    return round(amount * 1_000_000)


def _choice(reader: Reader, side: str) -> Choice:
    data = reader.data
    return Choice(
        engine=data.get(f"{side}_engine", ""),
        model=data.get(f"{side}_model", ""),
        template=reader.take(lambda: uuid_of(data.get(f"{side}_template", ""), side), None),
    )


def number_of(raw: str, field: str) -> float | None:
    """Return a number written with a comma or a point; None for nothing, raises Invalid."""
    text = plain_number(raw).replace(",", ".")
    if not text:
        return None
    with contextlib.suppress(ValueError):
        found = float(text)
        if abs(found) < 1e15:
            return found
        if not math.isnan(found):
            raise Invalid("out_of_range", _("This number is too large."), field=field)
    raise Invalid("invalid", _("Write a number."), field=field)


def uuid_of(raw: str, field: str) -> UUID | None:
    """Return the id of something chosen; None for nothing, raises Invalid."""
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError as error:
        raise Invalid("invalid", _("Choose one of the list."), field=field) from error


def _day(raw: str, field: str, *, end: bool = False) -> datetime | None:
    if not raw:
        return None
    try:
        day = date.fromisoformat(raw)
        start = datetime.combine(day, time(), timezone.get_current_timezone())
        return start + timedelta(days=1) if end else start
    except (ValueError, OverflowError) as error:
        raise Invalid("invalid", _("Write a date."), field=field) from error
