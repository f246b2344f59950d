"""The single moves of a merge and of its undoing; `merges` knows their order."""

from collections.abc import Sequence
from typing import Any

from messaging.sql import Row, Sql

_RANK = "array_position(ARRAY['pending','sent','failed','delivered','read','played'], {})"
_SOURCES = {"": 0, "profile": 1, "address_book": 2, "agent": 3}
_NAMES = (
    "name",
    "name_source",
    "name_at",
    "push_name",
    "push_name_at",
    "search_name",
    "avatar_url",
)

_PAIRS = """
SELECT l.id, l.connection_id, w.id FROM messaging_conversation l
LEFT JOIN messaging_conversation w
    ON w.connection_id = l.connection_id AND w.contact_id = %s AND w.is_live
WHERE l.contact_id = %s AND l.is_live ORDER BY l.id FOR UPDATE OF l
"""
# The same message on both sides, winner's copy first.
_TWINS = """
SELECT w.id, l.id FROM messaging_message l JOIN messaging_message w
    ON w.conversation_id = %s AND w.provider_id = l.provider_id AND w.direction = l.direction
   AND w.author_id IS NOT DISTINCT FROM l.author_id
WHERE l.conversation_id = %s
"""
_AUTHOR_TWINS = """
SELECT w.id, l.id, w.conversation_id FROM messaging_message l JOIN messaging_message w
    ON w.conversation_id = l.conversation_id AND w.provider_id = l.provider_id
   AND w.direction = l.direction AND w.author_id = %s
WHERE l.author_id = %s
"""
_FOLD = f"""
UPDATE messaging_message w SET
    status = CASE WHEN {_RANK.format("l.status")} > {_RANK.format("w.status")}
                  THEN l.status ELSE w.status END,
    text = CASE WHEN (w.is_placeholder AND NOT l.is_placeholder)
                  OR l.edited_at > coalesce(w.edited_at, '-infinity') THEN l.text ELSE w.text END,
    type = CASE WHEN w.is_placeholder THEN l.type ELSE w.type END,
    subtype = CASE WHEN w.is_placeholder THEN l.subtype ELSE w.subtype END,
    extra = CASE WHEN w.is_placeholder THEN l.extra ELSE w.extra END,
    is_placeholder = w.is_placeholder AND l.is_placeholder,
    edited_at = greatest(w.edited_at, l.edited_at),
    deleted_at = least(w.deleted_at, l.deleted_at),
    is_history = w.is_history AND l.is_history,
    received_at = least(w.received_at, l.received_at)
FROM unnest(%s::bigint[], %s::bigint[]) AS t (winner, loser)
JOIN messaging_message l ON l.id = t.loser
WHERE w.id = t.winner
"""  # noqa: S608  (constants)
# What we sent ourselves leads to the copy that stays; of two such copies only one is followed on.
_OUTGOING = (
    "UPDATE messaging_outgoing o SET target_id = t.kept"
    " FROM unnest(%s::bigint[], %s::bigint[]) AS t (kept, lost) WHERE o.target_id = t.lost",
    "UPDATE messaging_outgoing o SET message_id = CASE WHEN EXISTS"
    " (SELECT FROM messaging_outgoing k WHERE k.message_id = t.kept) THEN NULL ELSE t.kept END"
    " FROM unnest(%s::bigint[], %s::bigint[]) AS t (kept, lost) WHERE o.message_id = t.lost",
)
# Table, column of the person, columns of the rest of its unique key.
_PERSONAL = (
    ("messaging_reaction", "author_id", "message_id", "reacted_at"),
    ("messaging_pollvote", "voter_id", "message_id", "voted_at"),
    ("messaging_groupmember", "member_id", "group_id", "changed_at"),
)


def take_identities(sql: Sql, winner: int, loser: int) -> list[int]:
    rows = sql.rows(
        "UPDATE messaging_identity SET contact_id = %s WHERE contact_id = %s RETURNING id",
        [winner, loser],
    )
    return sorted(row[0] for row in rows)


def give_identities_back(sql: Sql, ids: list[int], loser: int) -> None:
    sql.run("UPDATE messaging_identity SET contact_id = %s WHERE id = ANY(%s)", [loser, ids])


def take_conversations(sql: Sql, winner: int, loser: int) -> tuple[list[dict[str, Any]], list[int]]:
    """Move or pour every live conversation; returns the log and what must be recomputed."""
    poured: list[dict[str, Any]] = []
    touched: list[int] = []
    for theirs, connection, ours in sql.rows(_PAIRS, [winner, loser]):
        entry = {
            "connection": connection,
            "loser_conversation": theirs,
            "winner_conversation": ours or theirs,
            "moved_whole": ours is None,
            "message_ids": [],
        }
        if ours is None:
            sql.run(
                "UPDATE messaging_conversation SET contact_id = %s WHERE id = %s", [winner, theirs]
            )
        else:
            entry["message_ids"] = _pour(sql, theirs, ours)
            touched.append(ours)
        poured.append(entry)
    return poured, touched


def _pour(sql: Sql, theirs: int, ours: int) -> list[int]:
    fold(sql, sql.rows(_TWINS, [ours, theirs]))
    sql.run(
        "UPDATE messaging_outgoing SET conversation_id = %s WHERE conversation_id = %s",
        [ours, theirs],
    )
    moved = sql.rows(
        "UPDATE messaging_message SET conversation_id = %s WHERE conversation_id = %s RETURNING id",
        [ours, theirs],
    )
    sql.run(
        "INSERT INTO messaging_conversationlabel (conversation_id, label_id)"
        " SELECT %s, label_id FROM messaging_conversationlabel WHERE conversation_id = %s"
        " ON CONFLICT DO NOTHING",
        [ours, theirs],
    )
    sql.run(
        "UPDATE messaging_conversation w SET"
        " read_until = greatest(w.read_until, l.read_until),"
        " is_archived_on_phone = w.is_archived_on_phone OR l.is_archived_on_phone,"
        " attribution = CASE WHEN w.attribution IS NULL"
        "   OR l.attribution->>'at' < w.attribution->>'at'"
        "   THEN coalesce(l.attribution, w.attribution) ELSE w.attribution END"
        " FROM messaging_conversation l WHERE w.id = %s AND l.id = %s",
        [ours, theirs],
    )
    sql.run(
        "UPDATE messaging_conversation SET is_live = false, merged_into_id = %s, unread_count = 0"
        " WHERE id = %s",
        [ours, theirs],
    )
    return sorted(row[0] for row in moved)


def fold(sql: Sql, twins: Sequence[Row]) -> None:
    """Make two copies of one message one (kept, lost, …); what hangs on the lost one moves over."""
    if not twins:
        return
    kept, lost = [row[0] for row in twins], [row[1] for row in twins]
    for move in _OUTGOING:
        sql.run(move, [kept, lost])
    sql.run(_FOLD, [kept, lost])
    for table, person, _, at in _PERSONAL[:2]:
        _move_unless_newer(sql, table, person, at, (kept, lost))
    sql.run("DELETE FROM messaging_messagemedia WHERE message_id = ANY(%s)", [lost])
    sql.run("DELETE FROM messaging_messageversion WHERE message_id = ANY(%s)", [lost])
    sql.run("DELETE FROM messaging_message WHERE id = ANY(%s)", [lost])


def _move_unless_newer(
    sql: Sql, table: str, person: str, at: str, pairs: tuple[list[int], list[int]]
) -> None:
    twins = "unnest(%s::bigint[], %s::bigint[]) AS t (kept, lost)"
    sql.run(
        f"DELETE FROM {table} o USING {twins}, {table} n"  # noqa: S608  (constant names)
        f" WHERE (o.message_id = t.kept AND n.message_id = t.lost AND n.{at} > o.{at}"
        f" OR o.message_id = t.lost AND n.message_id = t.kept AND n.{at} >= o.{at})"
        f" AND o.{person} IS NOT DISTINCT FROM n.{person}",
        pairs,
    )
    sql.run(
        f"UPDATE {table} o SET message_id = t.kept FROM {twins}"  # noqa: S608
        " WHERE o.message_id = t.lost",
        pairs,
    )


def give_conversations_back(sql: Sql, poured: list[dict[str, Any]], loser: int) -> list[int]:
    touched: list[int] = []
    for entry in poured:
        theirs, ours = entry["loser_conversation"], entry["winner_conversation"]
        touched += [theirs, ours]
        sql.run(
            "UPDATE messaging_message SET conversation_id = %s WHERE id = ANY(%s)",
            [theirs, entry["message_ids"]],
        )
        sql.run(
            "UPDATE messaging_outgoing SET conversation_id = %s WHERE message_id = ANY(%s)",
            [theirs, entry["message_ids"]],
        )
        sql.run(
            "UPDATE messaging_conversation SET contact_id = %s, is_live = true,"
            " merged_into_id = NULL WHERE id = %s",
            [loser, theirs],
        )
    return touched


def take_authorship(sql: Sql, winner: int, loser: int) -> tuple[list[int], list[int]]:
    """Move what the loser wrote in groups; returns it and the groups to be recomputed."""
    twins = sql.rows(_AUTHOR_TWINS, [winner, loser])
    fold(sql, twins)
    rows = sql.rows(
        "UPDATE messaging_message SET author_id = %s WHERE author_id = %s RETURNING id",
        [winner, loser],
    )
    return sorted(row[0] for row in rows), sorted({row[2] for row in twins})


def give_authorship_back(
    sql: Sql, message_ids: list[int], loser: int, snapshot: dict[str, Any]
) -> None:
    sql.run("UPDATE messaging_message SET author_id = %s WHERE id = ANY(%s)", [loser, message_ids])
    for table, person, *_ in (*_PERSONAL, ("messaging_call", "contact_id")):
        sql.run(
            f"UPDATE {table} SET {person} = %s WHERE id = ANY(%s)",  # noqa: S608
            [loser, snapshot.get(table, [])],
        )


def take_memberships(sql: Sql, winner: int, loser: int) -> dict[str, list[int]]:
    """Move reactions, votes, memberships and calls; of two the newer one stays."""
    moved: dict[str, list[int]] = {}
    for table, person, other, at in _PERSONAL:
        sql.run(
            f"DELETE FROM {table} o USING {table} n WHERE o.{other} = n.{other}"  # noqa: S608
            f" AND (o.{person} = %s AND n.{person} = %s AND n.{at} > o.{at}"
            f" OR o.{person} = %s AND n.{person} = %s AND n.{at} >= o.{at})",
            [winner, loser, loser, winner],
        )
        moved[table] = _reassign(sql, table, person, winner, loser)
    moved["messaging_call"] = _reassign(sql, "messaging_call", "contact_id", winner, loser)
    return moved


def _reassign(sql: Sql, table: str, person: str, winner: int, loser: int) -> list[int]:
    rows = sql.rows(
        f"UPDATE {table} SET {person} = %s WHERE {person} = %s RETURNING id",  # noqa: S608
        [winner, loser],
    )
    return sorted(row[0] for row in rows)


def names_of(contact: Row) -> dict[str, Any]:
    values = dict(zip(_NAMES, contact[2:9], strict=True))
    return {name: str(value) if value is not None else None for name, value in values.items()}


def settle_names(sql: Sql, winner: Row, loser: Row) -> None:
    """Keep the better name of the two: the stronger source, then the one said last."""
    mine, theirs = (dict(zip(_NAMES, row[2:9], strict=True)) for row in (winner, loser))
    chosen = max(mine, theirs, key=_strength)
    push = max(
        mine, theirs, key=lambda names: (str(names["push_name_at"] or ""), names["push_name"])
    )
    sql.run(
        "UPDATE messaging_contact SET name = %s, name_source = %s, name_at = %s, search_name = %s,"
        " push_name = %s, push_name_at = %s, avatar_url = %s, updated_at = now() WHERE id = %s",
        [
            *(chosen[name] for name in ("name", "name_source", "name_at", "search_name")),
            *(push[name] for name in ("push_name", "push_name_at")),
            mine["avatar_url"] or theirs["avatar_url"],
            winner[0],
        ],
    )
    sql.run(
        "UPDATE messaging_contact SET merged_into_id = %s, updated_at = now() WHERE id = %s",
        [winner[0], loser[0]],
    )


def _strength(names: dict[str, Any]) -> tuple[int, str, str]:
    return (_SOURCES[names["name_source"]], str(names["name_at"] or ""), names["name"])


def restore_contacts(sql: Sql, winner: int, loser: int, snapshot: dict[str, Any]) -> None:
    """Give both their names of before, unless a person has named the winner since."""
    for contact, side in ((winner, "winner"), (loser, "loser")):
        before = snapshot[side]
        sql.run(
            "UPDATE messaging_contact SET name = %s, name_source = %s, name_at = %s,"
            " push_name = %s, push_name_at = %s, search_name = %s, avatar_url = %s,"
            " updated_at = now() WHERE id = %s"
            " AND (name_source <> 'agent' OR %s = 'agent')",
            [*(before[name] for name in _NAMES), contact, before["name_source"]],
        )
    sql.run(
        "UPDATE messaging_contact SET merged_into_id = NULL, updated_at = now() WHERE id = %s",
        [loser],
    )
