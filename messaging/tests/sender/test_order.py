"""In which order things leave: as they were said in a conversation, the urgent ones first."""

from datetime import timedelta
from uuid import uuid4

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from messaging.gateway import lanes
from messaging.models import Outgoing
from messaging.sender import claims, statements
from messaging.sql import Sql, columns
from messaging.tests import factories
from messaging.tests.sender.fakes import run_lanes, states
from messaging.tests.sending.things import make_line, say

OTHER, THIRD = "5511977776666", "5511966665555"


def test_a_person_does_not_overtake_what_programs_said_before_in_that_conversation(server):
    line = make_line()
    say(line, "Seu pedido saiu.", source="api")
    say(line, "Chega amanhã.", source="api")
    say(line, "Alguma dúvida?")

    run_lanes()

    assert server.texts == ["Seu pedido saiu.", "Chega amanhã.", "Alguma dúvida?"]


def test_what_goes_before_a_person_in_a_conversation_goes_as_early_as_the_person(server):
    line = make_line()
    for number in range(3):
        say(line, f"lote {number}", source="dispatch", to=OTHER)
    say(line, "aviso", source="api", to=THIRD)
    say(line, "lembrete", source="dispatch")
    say(line, "resposta")

    run_lanes()

    assert server.texts == ["lembrete", "resposta", "aviso", "lote 0", "lote 1", "lote 2"]


def test_what_waits_for_its_next_try_is_not_overtaken_and_holds_nobody_else(server):
    line = make_line()
    first = say(line, "primeiro", source="api")
    Outgoing.objects.filter(message=first).update(next_at=timezone.now() + timedelta(minutes=5))
    say(line, "segundo")
    say(line, "outro", source="dispatch", to=OTHER)

    run_lanes()
    assert (server.texts, states()) == (["outro"], ["queued", "queued", "sent"])

    Outgoing.objects.filter(state="queued").update(next_at=timezone.now())
    lanes.wake(line.public_id)
    run_lanes()
    assert server.texts == ["outro", "primeiro", "segundo"]


def test_the_pick_reads_only_indexes_however_long_the_queue_is(tenant, committed):
    line = make_line()
    say(line)
    talks = [factories.make_conversation(line) for _ in range(20)]
    fields = {"connection": line, "kind": "text", "payload": {}}
    Outgoing.objects.bulk_create(
        Outgoing(conversation=talk, priority=5, state=state, **fields)
        for state in ("queued", "sent")
        for _ in range(100)
        for talk in talks
    )
    with database.cursor() as cursor:
        cursor.execute("ANALYZE messaging_outgoing")
    claim = claims.claim(1, [])[0]
    wanted = [(line.pk, line.public_id, claim.holder, uuid4(), True)]

    with transaction.atomic():
        sql = Sql()
        sql.keep_plans()
        plan = sql.rows(f"EXPLAIN (ANALYZE) {statements.TAKE}", columns(wanted, 5))
        transaction.set_rollback(True)

    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan on messaging_outgoing" not in told, told
    assert "messaging_outgoing_waiting" in told, told
    assert "messaging_outgoing_order" in told, told
