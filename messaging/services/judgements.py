"""The judgement that counts, kept on the message itself. Whoever judges brings it here."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from evosense.core.schema import after_commit, current_tenant, database_cursor
from messaging.hints import send_hint

PERSON = "person"


@dataclass(frozen=True, slots=True)
class MessageJudgement:
    """Values for one message: sentiment -1..1, satisfaction 0..100, confidence 0..1.

    `judged_by` is embedded, provider, degraded or person.
    """

    message_id: int
    sentiment: float
    emotion: str
    satisfaction: int
    tone: str
    summary: str
    confidence: float
    judged_by: str


_COLUMNS = [field.name for field in fields(MessageJudgement)]
_TYPES = ["bigint", "float8", "text", "smallint", "text", "text", "float8", "text"]
_STATEMENT = f"""
    UPDATE messaging_message AS m
    SET {", ".join(f"{name} = j.{name}" for name in _COLUMNS[1:])}
    FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)}) AS j({", ".join(_COLUMNS)})
    WHERE m.id = j.message_id AND (m.judged_by <> 'person' OR j.judged_by = 'person')
    RETURNING m.id, m.conversation_id"""  # noqa: S608  (only our constants)


def store_judgements(judgements: Sequence[MessageJudgement]) -> list[int]:
    """Write values on messages in one statement; returns the ids of those that took them.

    What a person said is replaced by a person only. Open pages hear of it after the commit.
    """
    if not judgements:
        return []
    # In the order of their ids, as every writer locks messages.
    ordered = sorted(judgements, key=lambda each: each.message_id)
    columns = [[getattr(each, name) for each in ordered] for name in _COLUMNS]
    with database_cursor() as cursor:
        cursor.execute(_STATEMENT, columns)
        written = cursor.fetchall()
    tenant_id = current_tenant().id
    payload = {"conversation_ids": sorted({conversation for _message, conversation in written})}
    if written:
        after_commit(lambda: send_hint(tenant_id, "messaging.messages_changed", payload))
    return [message for message, _conversation in written]
