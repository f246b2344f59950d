"""Incidents: one of a kind, told once, quiet when muted, one letter for a whole server."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import transaction
from django.utils import timezone

from evosense.core.errors import NotFound
from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope, tenant_scope
from evosense.testing.threads import run_threads
from messaging.models import Connection, GapRepair, Incident
from messaging.selectors.incidents import incident_page, open_incidents
from messaging.services.health import acknowledge
from messaging.services.health.incidents import (
    Cause,
    close_incidents,
    open_incident,
    open_kinds,
)
from messaging.tests.health.rig import make_line, make_server
from tenancy.models import Mail, User
from tenancy.services import mail


def cause(kind: str = "disconnected", **over: Any) -> Cause:
    values = {"severity": "down", "code": "session_closed", "details": {}}
    return Cause(**{"kind": kind, "started_at": timezone.now(), **values, **over})


def letters() -> list[Mail]:
    with public_scope():
        return list(Mail.objects.order_by("created_at"))


@pytest.fixture
def line(tenant, redis_db) -> Connection:
    return make_line(make_server("http://127.0.0.1:9"))


def test_the_same_cause_twice_is_one_incident_one_event_one_letter(line, make_member) -> None:
    owner = make_member("owner").user
    make_member("agent")
    assert open_incident(line, cause()) is not None
    assert open_incident(line, cause()) is None
    assert Incident.objects.count() == 1
    assert [one.to for one in letters()] == [owner.email]
    with public_scope():
        assert OutboxEvent.objects.filter(topic="messaging.incident_opened").count() == 1


def test_a_closed_one_is_told_and_makes_room_for_the_next(line, make_member) -> None:
    make_member("admin")
    open_incident(line, cause())
    close_incidents(line, kinds=["disconnected"], now=timezone.now())
    close_incidents(line, kinds=["disconnected"], now=timezone.now())
    assert [one.kind for one in letters()] == ["incident_opened", "incident_closed"]
    assert open_incident(line, cause()) is not None
    assert GapRepair.objects.count() == 1


def test_receipts_that_are_late_lose_nothing(line) -> None:
    found = open_incident(line, cause("acks", severity="degraded", code="late"))
    assert found is not None
    assert found.loss_from is None
    close_incidents(line, kinds=["acks"], now=timezone.now())
    assert not GapRepair.objects.exists()


def test_what_gets_worse_is_the_same_incident(line) -> None:
    open_incident(line, cause(severity="degraded", code="connecting"))
    assert open_incident(line, cause()) is None
    found = Incident.objects.get()
    assert (found.severity, found.code) == ("down", "session_closed")


def test_a_muted_number_is_silent_until_its_time_is_over(line, make_member) -> None:
    make_member("owner")
    line.muted_until = timezone.now() + timedelta(hours=1)
    line.save()
    open_incident(line, cause())
    assert (letters(), open_incidents()) == ([], [])
    assert [one.kind for one in open_incidents(with_muted=True)] == ["disconnected"]
    line.muted_until = timezone.now() - timedelta(seconds=1)
    line.save()
    assert open_kinds(line) == {"disconnected"}
    assert open_kinds(line) == {"disconnected"}
    assert len(letters()) == 1


def test_who_refused_these_letters_gets_none(line, make_member) -> None:
    owner = make_member("owner").user
    with public_scope():
        User.objects.filter(pk=owner.pk).update(notifications={"incidents": False})
    open_incident(line, cause())
    assert letters() == []


def test_a_server_that_takes_many_numbers_down_is_one_letter(line, make_member) -> None:
    make_member("owner")
    with public_scope():
        server = line.server_id
    lines = [line] + [make_line(type("S", (), {"pk": server})()) for _ in range(4)]
    for one in lines:
        open_incident(one, cause("server_down", code="connect_failed"))
    (letter,) = letters()
    assert mail.deliver(letter.pk) == "sent"
    assert all(one.name in outbox.outbox[-1].body for one in lines)
    for one in lines:
        close_incidents(one, kinds=["server_down"], now=timezone.now())
    assert [one.kind for one in letters()] == ["incident_opened", "incident_closed"]


@pytest.mark.parametrize("locale", ["pt-br", "en"])
def test_letters_say_what_happened_and_are_not_sent_when_untrue(
    line, make_member, locale: str
) -> None:
    make_member("owner")
    open_incident(line, cause())
    (opened,) = letters()
    with public_scope():
        Mail.objects.update(locale=locale)
    assert mail.deliver(opened.pk) == "sent"
    sent = outbox.outbox[-1]
    assert line.name in sent.subject
    assert f"/conexoes/{line.public_id}/" in sent.body
    assert f'<html lang="{locale}">' in sent.alternatives[0][0]
    close_incidents(line, kinds=["disconnected"], now=timezone.now())
    with public_scope():
        Mail.objects.filter(pk=opened.pk).update(state="waiting", next_attempt_at=timezone.now())
    assert mail.deliver(opened.pk) == "dropped"
    assert mail.deliver(letters()[-1].pk) == "sent"


def test_racing_openers_make_one(committed, tenant) -> None:
    line = make_line(make_server("http://127.0.0.1:9"))

    def race() -> bool:
        with tenant_scope(tenant), transaction.atomic():
            return open_incident(line, cause()) is not None

    assert sum(run_threads([race] * 6)) == 1
    assert Incident.objects.count() == 1


def test_a_person_notes_that_they_saw_it_once(line, make_member) -> None:
    found = open_incident(line, cause())
    assert found is not None
    first = acknowledge(found.public_id).seen_at
    assert acknowledge(found.public_id).seen_at == first
    with pytest.raises(NotFound):
        acknowledge(line.public_id)


def test_pages_list_them_newest_first_with_words(line) -> None:
    for kind in ("acks", "webhook", "silence"):
        open_incident(line, cause(kind, code="late"))
    page = incident_page(connection=line.public_id, limit=2)
    assert [one.kind for one in page.rows] == ["silence", "webhook"]
    assert page.next is not None
    rest = incident_page(connection=line.public_id, limit=2, cursor=page.next)
    assert [one.kind for one in rest.rows] == ["acks"]
    assert all(one.words and one.kind_label for one in page.rows)


def test_what_was_read_again_whole_is_no_possible_loss_any_more(line) -> None:
    open_incident(line, cause())
    close_incidents(line, kinds=["disconnected"], now=timezone.now())
    ended = Incident.objects.get()

    def is_checked(**repair: Any) -> bool:
        GapRepair.objects.update(**repair)
        return incident_page().rows[0].is_checked

    assert not is_checked()
    assert is_checked(state="done")
    assert not is_checked(error="page_limit")
    assert not is_checked(error="", since=ended.loss_from + timedelta(minutes=1))
    assert is_checked(since=ended.loss_from, until=ended.loss_until)
    assert not is_checked(until=ended.loss_until - timedelta(minutes=1))


def test_numbers_that_are_lost_in_one_moment_are_one_letter_too(
    committed, tenant, make_member
) -> None:
    make_member("owner")
    server = make_server("http://127.0.0.1:9")
    lines = [make_line(server) for _ in range(5)]

    def lose(line: Connection) -> Callable[[], None]:
        def act() -> None:
            with tenant_scope(tenant), transaction.atomic():
                open_incident(line, cause("server_down", code="connect_failed"))

        return act

    run_threads([lose(line) for line in lines])
    assert Incident.objects.count() == 5
    assert len(letters()) == 1
