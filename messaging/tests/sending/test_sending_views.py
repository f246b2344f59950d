"""What pages and the API are told about messages on their way."""

from datetime import timedelta

from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway import lanes
from messaging.models import Outgoing, OutgoingAttempt
from messaging.selectors.failure_words import failure_words
from messaging.selectors.outgoing import (
    attempts_of,
    due_sends,
    queue_depths,
    sending_view,
    sending_views,
)
from messaging.tests import factories
from messaging.tests.sending.things import make_line, say


def test_a_waiting_message_can_be_cancelled_only(tenant):
    message = say(make_line())

    view = sending_views([message.pk])[message.pk]

    assert (view.state, view.attempts, view.failure) == ("queued", 0, None)
    assert (view.can_cancel, view.can_retry, view.can_resolve) == (True, False, False)


def test_what_came_from_outside_has_no_view(tenant):
    message = factories.make_message()

    assert sending_views([message.pk]) == {}


def test_a_failure_is_told_in_words(tenant):
    message = say(make_line())
    Outgoing.objects.update(
        state="failed", failure={"code": "not_on_whatsapp", "detail": "x", "can_retry": False}
    )

    view = sending_views([message.pk])[message.pk]

    assert view.failure.code == "not_on_whatsapp"
    assert str(view.failure.words)
    assert view.can_retry


def test_a_waiting_message_says_what_its_line_waits_for(tenant):
    line = make_line()
    message = say(line)
    lanes.trip(line.public_id, "unauthorized")

    assert sending_views([message.pk])[message.pk].failure.code == "unauthorized"


def test_what_waits_for_the_fate_of_an_earlier_message_says_so(tenant):
    line = make_line()
    first = say(line)
    later = say(line, "E agora?")
    hold = timezone.now() + timedelta(minutes=1)
    Outgoing.objects.filter(message=first).update(state="unknown", holds_until=hold)

    failure = sending_views([later.pk])[later.pk].failure
    assert failure.code == sending_view(Outgoing.objects.get(message=later)).failure.code
    assert (failure.code, failure.words != failure_words("?")) == ("behind_unknown", True)

    Outgoing.objects.filter(message=first).update(holds_until=timezone.now())
    assert sending_views([later.pk])[later.pk].failure is None


def test_an_unknown_one_can_be_resolved(tenant):
    message = say(make_line())
    Outgoing.objects.update(state="unknown")

    assert sending_views([message.pk])[message.pk].can_resolve


def test_attempts_come_in_their_order(tenant):
    message = say(make_line())
    outgoing = Outgoing.objects.get()
    for number in (1, 2):
        OutgoingAttempt.objects.create(outgoing=outgoing, number=number)

    assert [one.number for one in attempts_of(message.public_id)] == [1, 2]


def test_only_open_lanes_count_as_work(tenant, other_tenant):
    first, second = make_line(), make_line()
    say(first)
    say(second)
    lanes.trip(second.public_id, "unauthorized")

    assert queue_depths([first.public_id, second.public_id]) == {
        first.public_id: 1,
        second.public_id: 1,
    }
    assert due_sends(tenant) == 1
    assert due_sends(other_tenant) == 0
    with public_scope():
        assert due_sends(None) == 1
