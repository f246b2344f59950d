"""What a conversation row repeats of its messages, recomputed from them in one statement."""

from messaging.sql import Sql, columns

# One row of the arrays: conversation, newest inbound and outbound of this change, mark up to which
# it was read, whether to count the unread again or to add to them, and attribution.
REFRESH_SQL = """
UPDATE messaging_conversation c SET
    last_message_id = last.id,
    last_message_at = coalesce(last.occurred_at, c.last_message_at),
    preview = CASE WHEN last.deleted_at IS NULL THEN left(coalesce(last.text, ''), 200) ELSE '' END,
    preview_type = CASE WHEN last.deleted_at IS NULL THEN coalesce(last.type, '')
                        ELSE 'deleted' END,
    preview_direction = coalesce(last.direction, ''),
    preview_status = coalesce(last.status, ''),
    last_inbound_at = greatest(c.last_inbound_at, t.inbound_at),
    last_outbound_at = greatest(c.last_outbound_at, t.outbound_at),
    read_until = greatest(c.read_until, t.read_until),
    unread_count = CASE WHEN t.must_recount THEN (
            SELECT count(*) FROM messaging_message u
            WHERE u.conversation_id = c.id AND u.direction = 'inbound'
              AND NOT u.is_history AND NOT u.is_hidden
              AND u.occurred_at > coalesce(greatest(c.read_until, t.read_until), '-infinity')
        ) ELSE c.unread_count + t.unread END,
    attribution = CASE
        WHEN t.ad IS NULL THEN c.attribution
        WHEN c.attribution IS NULL OR c.attribution->>'at' > t.ad::jsonb->>'at' THEN t.ad::jsonb
        ELSE c.attribution END
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
            %s::int[], %s::text[])
    AS t (id, inbound_at, outbound_at, read_until, must_recount, unread, ad)
LEFT JOIN LATERAL (
    SELECT m.id, m.occurred_at, m.text, m.type, m.direction, m.status, m.deleted_at
    FROM messaging_message m
    WHERE m.conversation_id = t.id AND NOT m.is_hidden
    ORDER BY m.occurred_at DESC, m.id DESC LIMIT 1
) last ON true
WHERE c.id = t.id
"""

_TIMES = """
SELECT conversation_id,
       max(occurred_at) FILTER (WHERE direction = 'inbound'),
       max(occurred_at) FILTER (WHERE direction = 'outbound')
FROM messaging_message WHERE conversation_id = ANY(%s) AND NOT is_hidden GROUP BY 1
"""
_FORGET = """
UPDATE messaging_conversation SET last_inbound_at = NULL, last_outbound_at = NULL
WHERE id = ANY(%s)
"""


def rebuild(sql: Sql, conversation_ids: list[int]) -> None:
    """Recompute everything derived, after messages moved from one conversation to another."""
    ids = sorted(set(conversation_ids))
    if not ids:
        return
    times = {pk: (inbound, outbound) for pk, inbound, outbound in sql.rows(_TIMES, [ids])}
    sql.run(_FORGET, [ids])
    rows = [(pk, *times.get(pk, (None, None)), None, True, 0, None) for pk in ids]
    sql.run(REFRESH_SQL, columns(rows, 7))
