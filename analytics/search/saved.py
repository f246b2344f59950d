"""Searches that somebody keeps, and the notice when one is found often."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models import AiNotice, SavedSearch
from analytics.search.service import Request, find
from evosense.core.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from evosense.core.ids import uuid7
from evosense.core.schema import current_tenant
from tenancy.services.names import clean_name

LONGEST_NAME = 80
MOST_SAVED = 50
HIGHEST_ALERT = 10_000

Reader = Callable[[Mapping[str, str]], Request]


@dataclass(frozen=True, slots=True)
class Alert:
    """The last finished day on which a search was found more often than its owner wants to know."""

    day: date
    hits: int


def saved_searches(user_id: int) -> list[SavedSearch]:
    """Return somebody's searches by name."""
    return list(SavedSearch.objects.filter(user_id=user_id).order_by("name", "pk"))


def saved_search(public_id: UUID, *, user_id: int) -> SavedSearch:
    """Return one of somebody's searches; raises NotFound for those of others as well."""
    found = SavedSearch.objects.filter(public_id=public_id, user_id=user_id).first()
    if found is None:
        raise NotFound("not_found", _("There is no such saved search."))
    return found


def save_search(
    *, user_id: int, name: str, query: Mapping[str, str], alert_from: int | None
) -> SavedSearch:
    """Keep a search; raises Invalid, Conflict for a name in use and LimitReached."""
    fields = _checked(name, query, alert_from)
    if SavedSearch.objects.filter(user_id=user_id).count() >= MOST_SAVED:
        raise LimitReached("too_many", _("Remove a saved search first: there are 50."))
    with _unique_name():
        return SavedSearch.objects.create(public_id=uuid7(), user_id=user_id, **fields)


def change_search(
    public_id: UUID, *, user_id: int, name: str, query: Mapping[str, str], alert_from: int | None
) -> SavedSearch:
    """Replace what a saved search is; raises as `save_search`, and NotFound."""
    row = saved_search(public_id, user_id=user_id)
    fields = _checked(name, query, alert_from)
    with _unique_name():
        SavedSearch.objects.filter(pk=row.pk).update(**fields, alerted_on=None)
    close_notice(row)
    row.refresh_from_db()
    return row


def remove_search(public_id: UUID, *, user_id: int) -> None:
    """Forget a saved search and its notice; raises NotFound."""
    row = saved_search(public_id, user_id=user_id)
    with transaction.atomic():
        close_notice(row)
        row.delete()


def kept_by(user_id: int) -> int:
    """Return how many searches somebody keeps."""
    return SavedSearch.objects.filter(user_id=user_id).count()


def hand_over(user_id: int, to_user_id: int | None) -> int:
    """Give somebody's searches to another person, and forget the rest; returns how many went.

    One whose name the heir uses already is named after its order; beyond 50 none goes.
    """
    rows = list(SavedSearch.objects.select_for_update().filter(user_id=user_id).order_by("pk"))
    moved = 0
    if to_user_id is not None:
        names = {row.name for row in saved_searches(to_user_id)}
        for row in rows[: max(0, MOST_SAVED - len(names))]:
            name = _free_name(row.name, names)
            names.add(name)
            SavedSearch.objects.filter(pk=row.pk).update(user_id=to_user_id, name=name)
            moved += 1
    for row in rows[moved:]:
        close_notice(row)
        row.delete()
    return moved


def _free_name(name: str, taken: set[str]) -> str:
    """Return `name`, with a number behind it where it is taken."""
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name[: LONGEST_NAME - 5]} ({number})"
    return found


def alerts_of(rows: list[SavedSearch]) -> dict[UUID, Alert]:
    """Return the open notices of saved searches, in one query."""
    subjects = [str(row.public_id) for row in rows]
    opened = _notices().filter(subject__in=subjects).values_list("subject", "detail")
    return {
        UUID(subject): Alert(date.fromisoformat(detail["day"]), int(detail["hits"]))
        for subject, detail in opened
    }


def raise_alerts(read: Reader) -> int:
    """Look once at yesterday for every search with an alert; returns how many notices there are.

    `read` turns the stored query string into a Request; what it no longer accepts is left alone.
    """
    zone = ZoneInfo(current_tenant().timezone)
    day = timezone.now().astimezone(zone).date() - timedelta(days=1)
    due = SavedSearch.objects.filter(
        Q(alerted_on=None) | Q(alerted_on__lt=day), alert_from__isnull=False
    )
    return sum(_look(row, day, zone, read) for row in due.order_by("pk"))


def _look(row: SavedSearch, day: date, zone: ZoneInfo, read: Reader) -> bool:
    try:
        hits = hits_on(read(row.query), day, zone)
    except DomainError:
        return False
    with transaction.atomic():
        # Whoever is first tells; a search that was changed meanwhile is looked at again.
        same = SavedSearch.objects.filter(pk=row.pk, alert_from=row.alert_from, query=row.query)
        if not same.filter(Q(alerted_on=None) | Q(alerted_on__lt=day)).update(alerted_on=day):
            return False
        close_notice(row)
        if hits <= (row.alert_from or 0):
            return False
        AiNotice.objects.create(
            kind=AiNotice.Kind.SAVED_SEARCH,
            subject=str(row.public_id),
            detail={"hits": hits, "day": day.isoformat(), "more_than": row.alert_from},
        )
    return True


def hits_on(request: Request, day: date, zone: ZoneInfo) -> int:
    """Return how many messages of a day a search finds; those only vaguely near do not count."""
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    # Not by numbers: what its owner may see now is not known here.
    found = find(request.within(start, end), show_numbers=False)
    return len(found.pks)


def close_notice(row: SavedSearch) -> None:
    """Close the open notice of a saved search."""
    _notices().filter(subject=str(row.public_id)).update(closed_at=timezone.now())


def _notices() -> Any:
    return AiNotice.objects.filter(kind=AiNotice.Kind.SAVED_SEARCH, closed_at__isnull=True)


def _checked(name: str, query: Mapping[str, str], alert_from: int | None) -> dict[str, Any]:
    name = clean_name(name, field="name", length=LONGEST_NAME)
    if alert_from is not None and not 0 <= alert_from <= HIGHEST_ALERT:
        raise Invalid("invalid", _("Choose a number from 0 to 10,000."), field="alert_from")
    return {"name": name, "query": dict(query), "alert_from": alert_from}


@contextmanager
def _unique_name() -> Iterator[None]:
    """Turn the broken uniqueness of names into words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        message = _("You already have a saved search with this name.")
        raise Conflict("name_taken", message, field="name") from error
