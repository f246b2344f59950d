"""Effects that do not come in an event: what we did ourselves, and what waited for an id."""

from uuid import UUID

from django.utils import timezone

from messaging.ingest.apply.batch import Step, report
from messaging.ingest.apply.context import Batch, load_line, own_keys
from messaging.ingest.apply.effects import Effect, waiting
from messaging.ingest.apply.own import wake_lane
from messaging.ingest.apply.people import look_up_keys
from messaging.ingest.apply.state import StateMachine
from messaging.sql import Sql


def carry_out(connection_id: UUID, effects: list[Effect], provider_ids: list[str]) -> None:
    """Carry out `effects`, and all that is parked for `provider_ids`.

    Must hold the connection's apply lock.
    """
    sql = Sql()
    line = load_line(sql, connection_id)
    if line is None:
        return
    batch = Batch(sql, line, timezone.now())
    batch.own = own_keys(line, set())
    wanted = [*effects, *waiting(batch, provider_ids)]
    if not wanted:
        return
    look_up_keys(batch, {key for effect in wanted for key in effect.address_keys()})
    step = Step(batch)
    step.carry_out(wanted)
    step.chats.refresh()
    batch.changed_conversations |= step.chats.read_now()
    report(batch, StateMachine(batch))
    wake_lane(batch)
