"""`backlog` and `stats`, the commands that scripts wait on."""

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from evosense.core.backlog import KINDS, backlog, register_backlog
from evosense.core.outbox import relay
from evosense.core.schema import tenant_scope
from messaging.models import Connection, Contact, Conversation, Message, ParkedEffect, Reaction
from messaging.tasks import expire_parked


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return json.loads(out.getvalue())


def add_event(tenant, status=0):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_events (tenant_id, connection_id, dedupe_key, body, status)"
            " VALUES (%s, %s, '', '', %s)",
            [tenant.id, uuid4(), status],
        )


def add_outbox_event(tenant):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.core_outboxevent (tenant_id, topic, payload)"
            " VALUES (%s, 'tests.nothing', '{}')",
            [tenant.id],
        )


@pytest.fixture
def line(tenant):
    return Connection.objects.create(name="loja", instance="evs-1")


def park(line, **over):
    values = {"digest": uuid4().bytes, "expires_at": timezone.now() + timedelta(days=1), **over}
    return ParkedEffect.objects.create(
        connection=line, provider_id="X", kind="status", payload={}, **values
    )


def test_the_backlog_counts_each_kind_of_one_tenant_or_of_all(line, tenant, other_tenant):
    add_event(tenant)
    add_event(tenant, status=1)
    add_event(tenant, status=2)
    add_event(tenant, status=3)
    add_event(other_tenant)
    add_outbox_event(tenant)
    park(line)
    mine = run("backlog", "--tenant=alpha")
    assert tuple(mine) == KINDS
    nothing = dict.fromkeys(KINDS, 0)
    assert mine == {**nothing, "ingest": 1, "parked": 1, "outbox": 1, "dead": 1}
    assert run("backlog", "--tenant=beta") == {**nothing, "ingest": 1}
    assert run("backlog") == {**mine, "ingest": 2}


def test_waiting_ignores_what_no_time_would_change(line, tenant):
    add_event(tenant, status=3)
    park(line)
    assert run("backlog", "--wait=30")["dead"] == 1


def test_waiting_in_vain_ends_with_three_and_still_prints(tenant):
    add_event(tenant)
    out = StringIO()
    with pytest.raises(SystemExit) as raised:
        call_command("backlog", "--tenant=alpha", "--wait=0.3", stdout=out)
    assert raised.value.code == 3
    assert json.loads(out.getvalue())["ingest"] == 1


def test_waiting_returns_when_the_work_is_done(tenant, monkeypatch):
    add_outbox_event(tenant)
    monkeypatch.setattr("messaging.management.commands.backlog.time.sleep", lambda _s: relay())
    assert run("backlog", "--wait=30")["outbox"] == 0


def test_spooled_files_are_work_too(tenant, settings, tmp_path):
    settings.RECEIVER_SPOOL_DIR = str(tmp_path)
    from messaging.ingest.receiver.spool import SUFFIX

    (tmp_path / f"1{SUFFIX}").write_bytes(b"something")
    (tmp_path / f"2{SUFFIX}").write_bytes(b"")
    assert backlog(tenant)["ingest"] == 1


def test_only_known_kinds_are_registered():
    with pytest.raises(ValueError, match="not one of"):
        register_backlog("other", lambda _tenant: 0)


@pytest.mark.parametrize("command", ["backlog", "stats"])
def test_an_unknown_tenant_is_refused_in_one_line(public, command):
    with pytest.raises(CommandError, match="nobody"):
        run(command, "--tenant=nobody")


def test_stats_count_what_pages_show(line, tenant, other_tenant):
    now = timezone.now()
    kept = Contact.objects.create(name="Ana")
    Contact.objects.create(name="Ana antiga", merged_into=kept)
    chat = Conversation.objects.create(connection=line, contact=kept, last_message_at=now)
    Conversation.objects.create(
        connection=line, contact=kept, last_message_at=now, is_live=False, merged_into=chat
    )
    common = {
        "connection": line,
        "conversation": chat,
        "direction": "inbound",
        "source": "customer",
        "type": "text",
        "status": "received",
        "occurred_at": now,
        "received_at": now,
    }
    message = Message.objects.create(provider_id="A", **common)
    Message.objects.create(provider_id="B", is_hidden=True, **common)
    Reaction.objects.create(message=message, author=kept, emoji="❤️", reacted_at=now)
    Reaction.objects.create(message=message, author=None, emoji="", reacted_at=now)
    park(line)
    for status in range(4):
        add_event(tenant, status)
    assert run("stats", "--tenant=alpha") == {
        "raw": 4,
        "messages": 1,
        "conversations": 1,
        "contacts": 1,
        "identities": 0,
        "reactions": 1,
        "parked": 1,
        "dead": 1,
    }
    assert set(run("stats", "--tenant=beta").values()) == {0}


def test_effects_that_waited_too_long_are_deleted_in_their_tenant_only(line, tenant, other_tenant):
    past = timezone.now() - timedelta(seconds=1)
    park(line, expires_at=past)
    kept = park(line)
    with tenant_scope(other_tenant), transaction.atomic():
        theirs = Connection.objects.create(name="loja", instance="evs-1")
        park(theirs, expires_at=past)
    expire_parked()
    assert list(ParkedEffect.objects.values_list("pk", flat=True)) == [kept.pk]
    with tenant_scope(other_tenant):
        assert ParkedEffect.objects.count() == 1
