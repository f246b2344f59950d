"""Groups, labels and calls."""

from collections.abc import Iterable
from datetime import datetime

from messaging.ingest.apply.context import Batch
from messaging.ingest.envelope.facts import CallFact, GroupMembersFact, LabelFact
from messaging.sql import columns

_MEMBERS = """
INSERT INTO messaging_groupmember AS g (group_id, member_id, role, is_present, changed_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bool[], %s::timestamptz[])
ON CONFLICT ON CONSTRAINT messaging_groupmember_unique DO UPDATE
SET role = excluded.role, is_present = excluded.is_present, changed_at = excluded.changed_at
WHERE excluded.changed_at > g.changed_at
"""
_ABSENT = """
UPDATE messaging_groupmember g SET is_present = false, changed_at = t.at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS t (group_id, at)
WHERE g.group_id = t.group_id AND g.changed_at < t.at AND g.is_present
"""
_LABELS = """
INSERT INTO messaging_label (connection_id, provider_id, name, color, is_deleted)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bool[])
ON CONFLICT ON CONSTRAINT messaging_label_unique DO UPDATE
SET name = CASE WHEN excluded.name = '' THEN messaging_label.name ELSE excluded.name END,
    color = excluded.color, is_deleted = excluded.is_deleted
"""
# An association may come before its label.
_UNNAMED = """
INSERT INTO messaging_label (connection_id, provider_id, name, color, is_deleted)
SELECT %s, provider_id, '', 0, false FROM unnest(%s::text[]) AS t (provider_id)
ON CONFLICT ON CONSTRAINT messaging_label_unique DO NOTHING
"""
_PUT = """
INSERT INTO messaging_conversationlabel (conversation_id, label_id)
SELECT t.conversation_id, l.id
FROM unnest(%s::bigint[], %s::text[]) AS t (conversation_id, provider_id)
JOIN messaging_label l ON l.connection_id = %s AND l.provider_id = t.provider_id
ON CONFLICT ON CONSTRAINT messaging_conversationlabel_unique DO NOTHING
"""
_TAKE = """
DELETE FROM messaging_conversationlabel c
USING unnest(%s::bigint[], %s::text[]) AS t (conversation_id, provider_id), messaging_label l
WHERE l.connection_id = %s AND l.provider_id = t.provider_id
  AND c.conversation_id = t.conversation_id AND c.label_id = l.id
"""
_CALLS = """
INSERT INTO messaging_call AS c
    (connection_id, contact_id, provider_id, status, is_video, is_group, was_offline, occurred_at)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bool[], %s::bool[], %s::bool[],
                         %s::timestamptz[])
ON CONFLICT ON CONSTRAINT messaging_call_unique DO UPDATE
SET status = CASE
        WHEN array_position(ARRAY['ringing','ended','missed','rejected','accepted'],
                            excluded.status::text)
           > array_position(ARRAY['ringing','ended','missed','rejected','accepted'], c.status::text)
        THEN excluded.status ELSE c.status END,
    is_video = c.is_video OR excluded.is_video,
    was_offline = c.was_offline AND excluded.was_offline,
    contact_id = coalesce(c.contact_id, excluded.contact_id),
    occurred_at = least(c.occurred_at, excluded.occurred_at)
"""
_CALL_RANK = {"ringing": 1, "ended": 2, "missed": 3, "rejected": 4, "accepted": 5}
_ROLE = {"promote": "admin", "demote": "member"}

Member = tuple[int, int, str, bool, datetime]


def write_members(batch: Batch, facts: list[GroupMembersFact]) -> None:
    """Bring memberships up to date; of two changes the later one holds."""
    if not facts:
        return
    ordered = sorted(facts, key=lambda fact: fact.at)
    found = [(fact, batch.contact_of(fact.jid)) for fact in ordered]
    known = [(fact, group) for fact, group in found if group is not None]
    rows = [row for fact, group in known for row in _members(batch, fact, group)]
    newest: dict[tuple[int, int], Member] = {(row[0], row[1]): row for row in rows}
    complete = {group: fact.at for fact, group in known if fact.action == "set"}
    if newest:
        batch.sql.run(_MEMBERS, columns([newest[key] for key in sorted(newest)], 5))
    if complete:
        batch.sql.run(_ABSENT, columns(sorted(complete.items()), 2))


def _members(batch: Batch, fact: GroupMembersFact, group: int) -> Iterable[Member]:
    for member in fact.members:
        contact = batch.contact_of(member.who.jid)
        if contact is not None:
            role = _ROLE.get(fact.action, member.role)
            yield (group, contact, role, fact.action != "remove", fact.at)


def write_labels(batch: Batch, facts: list[LabelFact]) -> None:
    newest = {fact.label_id: fact for fact in facts}
    rows = [
        (ident, newest[ident].name[:120], (newest[ident].color or 0) % 32_000, fact.is_deleted)
        for ident, fact in sorted(newest.items())
    ]
    if rows:
        batch.sql.run(_LABELS, [batch.line.pk, *columns(rows, 4)])


def write_associations(batch: Batch, changes: dict[tuple[int, str], bool]) -> None:
    """Put labels on conversations and take them off: (conversation, label) → added."""
    if not changes:
        return
    batch.sql.run(_UNNAMED, [batch.line.pk, sorted({label for _, label in changes})])
    added = sorted(key for key, is_added in changes.items() if is_added)
    removed = sorted(key for key, is_added in changes.items() if not is_added)
    for statement, rows in ((_PUT, added), (_TAKE, removed)):
        if rows:
            batch.sql.run(statement, [*columns(rows, 2), batch.line.pk])


def write_calls(batch: Batch, facts: list[CallFact]) -> None:
    """Upsert calls; several events of one call fold into the one that tells most."""
    merged: dict[str, CallFact] = {}
    for fact in facts:
        known = merged.get(fact.call_id)
        if known is None or _CALL_RANK[_status(fact)] > _CALL_RANK[_status(known)]:
            merged[fact.call_id] = fact
    started = {ident: min(fact.at for fact in facts if fact.call_id == ident) for ident in merged}
    rows = [
        (
            batch.contact_of(fact.caller.jid),
            ident,
            _status(fact),
            fact.is_video,
            fact.is_group,
            fact.is_offline,
            started[ident],
        )
        for ident, fact in sorted(merged.items())
    ]
    if rows:
        batch.sql.run(_CALLS, [batch.line.pk, *columns(rows, 7)])


def _status(fact: CallFact) -> str:
    return "accepted" if fact.status == "answered" else fact.status
