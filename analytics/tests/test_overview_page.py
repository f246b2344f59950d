from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.services import counters
from evosense.core.schema import tenant_scope
from evosense.testing.pages import shows_number
from messaging.models import ConnectionEvent, Incident
from messaging.tests.factories import (
    make_connection,
    make_contact,
    make_conversation,
    make_message,
    make_raw_event,
)

pytestmark = pytest.mark.usefixtures("tenant")


def page(client, url="/", status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status
    return response.content.decode()


def test_a_stranger_is_sent_to_log_in_and_every_role_sees_the_overview(client_for):
    from tenancy.tests.factories import anonymous_client

    assert anonymous_client().get("/").status_code == 302
    for role in ("viewer", "agent", "supervisor", "admin", "owner"):
        page(client_for(role))


def test_an_empty_workspace_says_what_to_do_first(client_for):
    assert "/conexoes/nova/" in page(client_for("admin"))
    assert "/conexoes/nova/" not in page(client_for("viewer"))


def test_numbers_of_today_are_set_against_the_same_weekday(client_for):
    now = timezone.now()
    conversation = make_conversation(unread_count=3)
    for moment in (now, now - timedelta(seconds=1), now - timedelta(days=7, hours=1)):
        make_message(conversation, occurred_at=moment)
    make_message(conversation, occurred_at=now, direction="outbound")
    counters.rebuild()
    html = page(client_for("agent"))
    assert "<output>2" in html
    assert conversation.contact.name in html
    assert 'class="plot"' in html


@pytest.mark.parametrize("period", ["hoje", "7", "30"])
def test_every_period_has_its_board(client_for, period):
    make_message(occurred_at=timezone.now() - timedelta(days=2))
    counters.rebuild()
    client = client_for("agent")
    assert 'id="board"' in page(client, f"/?periodo={period}")
    fragment = page(client, f"/?periodo={period}", HTTP_HX_REQUEST="true")
    assert "<html" not in fragment
    assert 'id="board"' in fragment


def test_an_unknown_period_is_refused(client_for):
    page(client_for("agent"), "/?periodo=99", 400)


def test_troubles_are_named(client_for):
    connection = make_connection(name="Assistência", number="+55 41 90018-4470")
    connection.state = "disconnected"
    connection.save()
    ConnectionEvent.objects.create(connection=connection, state="disconnected", at=timezone.now())
    make_raw_event(connection, status=3)
    html = page(client_for("viewer"))
    assert "Assistência" in html
    assert not shows_number(html, "5541900184470")


def test_a_session_that_only_looks_open_is_among_the_troubles(client_for):
    connection = make_connection(name="Assistência")
    connection.state, connection.health = "connected", "down"
    connection.state_at = timezone.now() - timedelta(days=11)
    connection.save()
    Incident.objects.create(
        connection=connection,
        kind="server_down",
        severity="down",
        started_at=timezone.now() - timedelta(hours=2),
    )
    html = page(client_for("viewer"))
    assert "Assistência: Fora do ar" in html
    assert "há 2 h" in html
    assert "há 11" not in html


def test_hostile_names_stay_text(client_for):
    hostile = "<script>alert(1)</script>"
    conversation = make_conversation(contact=make_contact(hostile), unread_count=1)
    conversation.preview = hostile
    conversation.save()
    assert "<script>alert" not in page(client_for("agent"))


def test_another_tenants_numbers_do_not_leak(client_for, other_tenant):
    with tenant_scope(other_tenant):
        make_message(make_conversation(contact=make_contact("Segredo"), unread_count=9))
        counters.rebuild()
    assert "Segredo" not in page(client_for("owner"))


def test_the_page_costs_the_same_whatever_it_shows(client_for, count_queries):
    make_message(make_conversation(unread_count=1), occurred_at=timezone.now())
    counters.rebuild()
    client = client_for("agent")
    page(client)
    with count_queries() as few:
        page(client)
    for _ in range(8):
        make_message(make_conversation(unread_count=1), occurred_at=timezone.now())
    counters.rebuild()
    with count_queries() as many:
        page(client)
    assert len(many) == len(few), "\n".join(many)
