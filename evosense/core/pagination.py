"""Keyset pages: the cursor names the last row seen, so pages cost the same at any depth."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import orjson
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid

Row = TypeVar("Row", bound=Model)
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page and the cursor of the next, None on the last."""

    rows: Sequence[Row]
    next: str | None


def encode_cursor(at: datetime, pk: int) -> str:
    """Return an opaque cursor for the row with this time and id."""
    raw = orjson.dumps([at.astimezone(UTC).isoformat(), pk])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, int]:
    """Reverse `encode_cursor`; raises Invalid with field `cursor` for anything else."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, pk = orjson.loads(raw)
        moment = datetime.fromisoformat(at)
        number = int(pk)
    except (ValueError, TypeError, binascii.Error, OverflowError) as error:
        raise _not_a_cursor() from error
    if moment.tzinfo is None or isinstance(pk, bool) or not 0 <= number < 2**63:
        raise _not_a_cursor()
    return moment, number


def _not_a_cursor() -> Invalid:
    message = _("This cursor is not one that a list returned.")
    return Invalid("invalid_cursor", message, field="cursor")


def after_cursor(rows: QuerySet[Row], *, field: str, cursor: str) -> QuerySet[Row]:
    """Return the rows that come later than the cursor's, not ordered yet."""
    return rows.filter(GreaterThan(_place(field), _place_of(cursor)))


def before_cursor(rows: QuerySet[Row], *, field: str, cursor: str) -> QuerySet[Row]:
    """Return the rows that come earlier than the cursor's, not ordered yet."""
    return rows.filter(LessThan(_place(field), _place_of(cursor)))


def newest_first(
    rows: QuerySet[Row], *, field: str, limit: int, cursor: str | None = None
) -> Page[Row]:
    """Return one page ordered by (`field`, id) descending; `field` must not be null."""
    if cursor:
        rows = before_cursor(rows, field=field, cursor=cursor)
    found = list(rows.order_by(f"-{field}", "-pk")[: limit + 1])
    page = found[:limit]
    more = len(found) > limit
    return Page(page, encode_cursor(getattr(page[-1], field), page[-1].pk) if more else None)


class _Row(Func):
    """Both columns compared as one, which the planner reads as one range of their index."""

    function = "ROW"
    output_field = BooleanField()


def _place(field: str) -> _Row:
    return _Row(F(field), F("pk"))


def _place_of(cursor: str) -> _Row:
    at, pk = decode_cursor(cursor)
    return _Row(Value(at), Value(pk))
