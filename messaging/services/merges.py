"""Two contacts that are one person: merged with a log that can undo it, and taken apart again.

Identities and conversations move; a conversation that exists on both sides is poured into the
winner's. A message that both sides hold (delivered once under the LID, once under the phone) is
one message: its loser's copy is folded into the winner's and does not come back on undo.
"""

from datetime import datetime
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, NotFound
from evosense.core.outbox import emit
from evosense.core.schema import current_tenant
from messaging.events import ContactsMerged
from messaging.services import moves
from messaging.services.threads import rebuild
from messaging.sql import Sql
from tenancy.services import audit

# Keeps this tenant's lock apart from those of connections, which are other halves of other ids.
_LOCK = "SELECT pg_advisory_xact_lock(%s, %s)"
_SPACE = 0x1DE

_CONTACTS = """
SELECT id, kind, name, name_source, name_at, push_name, push_name_at, search_name, avatar_url,
       merged_into_id
FROM messaging_contact WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""
_LOG = """
INSERT INTO messaging_contactmerge
    (winner_id, loser_id, reason, actor_user_id, identity_ids, conversations,
     authored_message_ids, snapshot, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_MERGE = """
SELECT winner_id, loser_id, identity_ids, conversations::text, authored_message_ids,
       snapshot::text, undone_at
FROM messaging_contactmerge WHERE id = %s FOR UPDATE
"""
_NEWER = """
SELECT EXISTS (SELECT FROM messaging_contactmerge
    WHERE id > %s AND undone_at IS NULL AND loser_id = ANY(%s))
"""


def lock_identities(sql: Sql) -> None:
    """Serialise everything that creates or moves identities of this tenant until commit."""
    sql.rows(_LOCK, [_SPACE, current_tenant().id.int & 0x7FFFFFFF])


def undone_pairs(sql: Sql) -> set[frozenset[int]]:
    """Pairs that a person took apart: no event may merge them again."""
    rows = sql.rows(
        "SELECT winner_id, loser_id FROM messaging_contactmerge WHERE undone_at IS NOT NULL"
    )
    return {frozenset(row) for row in rows}


def merge_contacts(
    *,
    winner_id: int,
    loser_id: int,
    reason: str = "manual",
    actor_user_id: int | None = None,
    sql: Sql | None = None,
    at: datetime | None = None,
) -> int:
    """Make the loser part of the winner; returns the id of the log entry that can undo it.

    With `sql` it joins the caller's transaction, and the caller tells the house.
    """
    if sql is not None:
        return _merge(sql, winner_id, loser_id, reason, actor_user_id, at or timezone.now())
    with transaction.atomic():
        own = Sql()
        lock_identities(own)
        merge_id = _merge(own, winner_id, loser_id, reason, actor_user_id, timezone.now())
        emit(ContactsMerged(sorted((winner_id, loser_id)), [merge_id]))
        _note("contact.merged", merge_id, winner_id, loser_id)
    return merge_id


def undo_merge(merge_id: int, *, actor_user_id: int | None = None) -> None:
    """Give the loser back what the merge took from it; what came since stays with the winner."""
    with transaction.atomic():
        sql = Sql()
        lock_identities(sql)
        rows = sql.rows(_MERGE, [merge_id])
        if not rows:
            raise NotFound("merge_not_found", _("This merge does not exist."))
        winner, loser, identities, conversations, authored, snapshot, undone_at = rows[0]
        if undone_at is not None:
            raise Conflict("merge_undone", _("This merge has already been undone."))
        if sql.rows(_NEWER, [merge_id, [winner, loser]])[0][0]:
            raise Conflict("merge_covered", _("Undo the later merge of these contacts first."))
        moves.give_identities_back(sql, identities, loser)
        touched = moves.give_conversations_back(sql, orjson.loads(conversations), loser)
        moves.give_authorship_back(sql, authored, loser, orjson.loads(snapshot))
        moves.restore_contacts(sql, winner, loser, orjson.loads(snapshot))
        rebuild(sql, touched)
        sql.run(
            "UPDATE messaging_contactmerge SET undone_at = now(), undone_by_user_id = %s"
            " WHERE id = %s",
            [actor_user_id, merge_id],
        )
        emit(ContactsMerged(sorted((winner, loser)), [merge_id]))
        _note("contact.unmerged", merge_id, winner, loser)


def _note(action: str, merge_id: int, winner: int, loser: int) -> None:
    """Write the entry of a person's act, by ids: the trail outlives the names of customers."""
    audit.record(
        action,
        object_type="contact",
        object_id=winner,
        changes={"merge": [None, merge_id], "contact": [loser, winner]},
    )


def _merge(sql: Sql, winner: int, loser: int, reason: str, actor: int | None, at: datetime) -> int:
    contacts = {row[0]: row for row in sql.rows(_CONTACTS, [[winner, loser]])}
    _refuse(contacts, winner, loser)
    identities = moves.take_identities(sql, winner, loser)
    poured, touched = moves.take_conversations(sql, winner, loser)
    authored, groups = moves.take_authorship(sql, winner, loser)
    others = moves.take_memberships(sql, winner, loser)
    snapshot: dict[str, Any] = {
        "winner": moves.names_of(contacts[winner]),
        "loser": moves.names_of(contacts[loser]),
        **others,
    }
    moves.settle_names(sql, contacts[winner], contacts[loser])
    rebuild(sql, touched + groups)
    log = [winner, loser, reason, actor, identities, orjson.dumps(poured).decode()]
    log += [authored, orjson.dumps(snapshot).decode(), at]
    return int(sql.rows(_LOG, log)[0][0])


def _refuse(contacts: dict[int, Any], winner: int, loser: int) -> None:
    if winner == loser or len(contacts) < 2:
        raise NotFound("contact_not_found", _("This contact does not exist."))
    if contacts[winner][1] != contacts[loser][1]:
        raise Conflict("contact_kinds_differ", _("A person and a group cannot be merged."))
    if any(row[9] is not None for row in contacts.values()):
        raise Conflict("contact_merged", _("This contact has already been merged."))
