"""The statements of a send, each for any number of lanes at once.

The order of locks is everybody's: the line's advisory lock, intent, message, conversation, lane.
"""

from messaging.gateway.ways import COLUMNS, JOIN
from messaging.sql import KEEP_PLANS

# With several lines nobody waits for long: what is held up is done by itself, and the others go on.
# Deadlocks end by this too, before the server, after a second, chooses whom to end.
PATIENCE = f"{KEEP_PLANS}, set_config('lock_timeout', '300ms', true)"
LOCK = "SELECT pg_advisory_xact_lock(%s::bigint)"
TRY_LOCKS = "SELECT key FROM unnest(%s::bigint[]) AS key WHERE pg_try_advisory_xact_lock(key)"

# Lease extended and row locked; no row: the lane is not ours any more. What follows must be read by
# a later statement: one that waits for a lock still reads what was before it.
LANES = """
UPDATE public.gateway_lane l SET lease_until = now() + make_interval(secs => %s::float8),
    state = coalesce(t.state, l.state), reason = coalesce(t.reason, l.reason)
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS t (lane, holder, state, reason)
WHERE l.connection_id = t.lane AND l.holder = t.holder RETURNING l.connection_id, l.state
"""

# The next thing of each lane that may leave: the number is up, and nothing of its conversation is
# on the way or lately lost from sight. The most urgent one `o` says whose turn it is, and what has
# waited longest in its conversation, `h`, goes: who writes to a customer neither overtakes what was
# said before nor waits for the queues of others. Held lanes are tried again unless they were held
# just now: whether the number is up is read from its row.
TAKE = """
WITH next AS (
    SELECT o.id, t.lane, t.token
    FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bool[])
        AS t (line, lane, holder, token, may_be_held)
    JOIN public.gateway_lane n ON n.connection_id = t.lane AND n.holder = t.holder
        AND (n.state = 'open' OR (n.state = 'held' AND t.may_be_held))
    JOIN messaging_connection l ON l.id = t.line AND l.state IN ('connected', 'degraded')
        AND l.quarantined_at IS NULL AND l.removed_at IS NULL AND l.is_active
    CROSS JOIN LATERAL (
        SELECT h.id FROM messaging_outgoing o
        JOIN messaging_outgoing h ON h.connection_id = t.line AND h.id = coalesce((
            SELECT f.id FROM messaging_outgoing f
            WHERE f.conversation_id = o.conversation_id AND f.state = 'queued'
            ORDER BY f.id LIMIT 1), o.id)
        WHERE o.connection_id = t.line AND o.state = 'queued' AND o.next_at <= now()
          AND h.state = 'queued' AND h.next_at <= now()
          AND (h.expires_at IS NULL OR h.expires_at > now())
          AND NOT EXISTS (
            SELECT FROM messaging_outgoing e
            WHERE e.connection_id = t.line AND e.conversation_id = o.conversation_id
              AND e.state IN ('sending', 'unknown')
              AND (e.state = 'sending' OR e.holds_until > now()))
        ORDER BY o.priority, o.id LIMIT 1 FOR UPDATE OF h SKIP LOCKED
    ) o
), taken AS (
    UPDATE messaging_outgoing o SET state = 'sending', attempts = o.attempts + 1,
        attempt_token = next.token, sending_at = clock_timestamp(), holds_until = NULL,
        absences = 0, absent_since = NULL
    FROM next WHERE o.id = next.id
    RETURNING next.lane, next.token, o.id, o.kind, o.payload, o.preset_id, o.attempts,
        o.passing_faults, o.conversation_id, o.message_id, o.target_id, o.next_at, o.sending_at,
        o.created_at
), tried AS (
    INSERT INTO messaging_outgoingattempt
        (outgoing_id, number, act, started_at, outcome, code, detail)
    SELECT id, attempts, 'send', sending_at, '', '', '' FROM taken
)
SELECT t.lane, t.token,
    t.id, t.kind, t.payload::text, t.preset_id, t.attempts, t.passing_faults,
    t.conversation_id, t.message_id,
    extract(epoch FROM t.sending_at - t.next_at)::float8,
    extract(epoch FROM t.sending_at - t.created_at)::float8,
    a.kind, a.address, a.hmac, g.provider_id, g.direction, p.kind, p.address
FROM taken t
LEFT JOIN messaging_conversation c ON c.id = t.conversation_id
LEFT JOIN LATERAL (
    SELECT i.kind, i.address, i.hmac FROM messaging_identity i WHERE i.contact_id = c.contact_id
    ORDER BY (i.kind = 'lid'), i.last_seen DESC, i.id DESC LIMIT 1
) a ON true
LEFT JOIN messaging_message g ON g.id = t.target_id
LEFT JOIN LATERAL (
    SELECT i.kind, i.address FROM messaging_identity i WHERE i.contact_id = g.author_id
    ORDER BY (i.kind <> 'lid'), i.last_seen DESC LIMIT 1
) p ON true
"""

# Only the holder of an attempt settles it. While a call was thought lost others may have decided;
# that it was accepted outweighs it however late it comes, unless another attempt began. The last
# two columns: the message that an echo named before, of an attempt that was settled by it.
SETTLE = """
WITH t AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::int[], %s::bigint[], %s::text[],
        %s::text[], %s::float8[], %s::float8[], %s::bool[], %s::text[], %s::text[], %s::text[],
        %s::int[], %s::int[], %s::text[], %s::text[], %s::int[])
    AS t (id, token, number, line, state, failure, after, hold, is_final, outcome, code, detail,
        http_status, milliseconds, provider_id, status, passing_faults)
), o AS (
    UPDATE messaging_outgoing o SET state = t.state, failure = t.failure::jsonb,
        passing_faults = o.passing_faults + t.passing_faults,
        next_at = clock_timestamp() + make_interval(secs => t.after),
        holds_until = clock_timestamp() + make_interval(secs => t.hold),
        sent_at = CASE WHEN t.state = 'sent' THEN clock_timestamp() END,
        finished_at = CASE WHEN t.is_final THEN clock_timestamp() END
    FROM t WHERE o.id = t.id AND o.attempt_token = t.token
      AND (o.state IN ('sending', 'unknown')
           OR (t.state = 'sent' AND o.state IN ('queued', 'dead')))
    RETURNING o.id, o.message_id, o.conversation_id
), a AS (
    UPDATE messaging_outgoingattempt a SET ended_at = clock_timestamp(), outcome = t.outcome,
        code = t.code, detail = t.detail, http_status = t.http_status,
        milliseconds = t.milliseconds
    FROM t WHERE a.outgoing_id = t.id AND a.act = 'send' AND a.number = t.number
), m AS (
    UPDATE messaging_message m SET
        provider_id = coalesce(nullif(t.provider_id, ''), m.provider_id),
        status = CASE WHEN m.status IN ('pending', 'failed') THEN t.status ELSE m.status END,
        status_at = CASE WHEN m.status IN ('pending', 'failed') THEN clock_timestamp()
                         ELSE m.status_at END,
        failure = t.failure::jsonb
    FROM o JOIN t ON t.id = o.id WHERE m.id = o.message_id AND t.status <> ''
      AND NOT EXISTS (
        SELECT FROM messaging_message x
        WHERE x.provider_id = t.provider_id AND x.conversation_id = m.conversation_id
          AND x.direction = 'outbound' AND x.author_id IS NULL AND x.id <> m.id)
    RETURNING m.id, m.conversation_id, m.status
), c AS (
    UPDATE messaging_conversation c SET preview_status = m.status FROM m
    WHERE c.id = m.conversation_id AND c.last_message_id = m.id AND c.preview_status <> m.status
), e AS (
    INSERT INTO public.core_outboxevent (tenant_id, topic, payload)
    SELECT %s::uuid, %s::text, jsonb_build_object('connection_id', t.line,
        'outgoing_ids', jsonb_build_array(o.id), 'conversation_ids',
        CASE WHEN o.conversation_id IS NULL THEN '[]' ELSE jsonb_build_array(o.conversation_id) END,
        'state', t.state)
    FROM o JOIN t ON t.id = o.id WHERE t.state <> 'queued'
)
SELECT t.id, o.id IS NOT NULL, m.id IS NOT NULL,
    EXISTS (SELECT FROM messaging_parkedeffect p
            WHERE p.connection_id = t.line AND p.provider_id = nullif(t.provider_id, '')),
    n.id, n.provider_id
FROM t LEFT JOIN o ON o.id = t.id LEFT JOIN m ON m.id = o.message_id
LEFT JOIN messaging_outgoing w ON w.id = t.id AND w.attempt_token = t.token AND w.state = 'sent'
LEFT JOIN messaging_message n ON n.id = w.message_id
"""

# It never began: the attempt did not happen. It says so and lets others go first for a moment, so
# that what is late each time neither hides nor keeps its number from sending.
UNDO = """
WITH o AS (
    UPDATE messaging_outgoing SET state = 'queued', attempts = attempts - 1,
        next_at = now() + interval '2 seconds',
        failure = '{"code": "not_begun", "detail": "", "can_retry": true}'
    WHERE id = %s AND attempt_token = %s AND state = 'sending' RETURNING id
)
DELETE FROM messaging_outgoingattempt a USING o
WHERE a.outgoing_id = o.id AND a.act = 'send' AND a.number = %s
"""

# Connections and the ways to their instances, and what is there to tidy before sending: left behind
# by a dead worker, due to be looked for, expired.
OPEN = f"""
SELECT l.public_id, l.id,
    EXISTS (SELECT FROM messaging_outgoing WHERE connection_id = l.id AND state = 'sending'),
    EXISTS (SELECT FROM messaging_outgoing
            WHERE connection_id = l.id AND state = 'unknown' AND next_at <= now()),
    EXISTS (SELECT FROM messaging_outgoing
            WHERE connection_id = l.id AND state = 'queued' AND expires_at <= now()),
    {COLUMNS}
FROM messaging_connection l {JOIN}
WHERE l.public_id = ANY(%(lanes)s::uuid[])
"""  # noqa: S608  (constants)
LEFT_BEHIND = """
UPDATE messaging_outgoing SET
    state = CASE WHEN kind = ANY(%(acts)s::text[]) THEN 'queued' ELSE 'unknown' END,
    failure = '{"code": "worker_died", "detail": "", "can_retry": false}',
    next_at = CASE WHEN kind = ANY(%(acts)s::text[]) THEN now()
                   ELSE sending_at + make_interval(secs => %(first)s::float8) END,
    holds_until = sending_at + make_interval(secs => %(hold)s::float8)
WHERE connection_id = %(line)s AND state = 'sending' RETURNING id, conversation_id, state
"""
EXPIRE = """
WITH o AS (
    UPDATE messaging_outgoing SET state = 'failed', finished_at = now(),
        failure = '{"code": "expired", "detail": "", "can_retry": true}'
    WHERE connection_id = %s AND state = 'queued' AND expires_at <= now()
    RETURNING id, conversation_id, message_id, failure
), m AS (
    UPDATE messaging_message m SET status = 'failed', status_at = now(), failure = o.failure
    FROM o WHERE m.id = o.message_id RETURNING m.id, m.conversation_id
), c AS (
    UPDATE messaging_conversation c SET preview_status = 'failed' FROM m
    WHERE c.id = m.conversation_id AND c.last_message_id = m.id
)
SELECT id, conversation_id FROM o
"""

# Nothing can leave now. A row that waits for another one is due when that one's hold ends, so only
# times to come count; with the number away nothing but looking for the unknown is due.
REST = """
UPDATE public.gateway_lane l SET holder = NULL, lease_until = NULL,
    state = CASE WHEN l.state IN ('open', 'held') THEN
                 CASE WHEN NOT line.is_up THEN 'held'
                      WHEN t.why <> '' THEN 'held' ELSE 'open' END
            ELSE l.state END,
    reason = CASE WHEN l.state IN ('open', 'held') THEN
                  CASE WHEN NOT line.is_up THEN 'number_down' ELSE t.why END
             ELSE l.reason END,
    due_at = CASE WHEN l.state = 'tripped' THEN NULL
                  WHEN l.state = 'paused' THEN waits.unknown
                  WHEN NOT line.is_up OR t.why <> '' THEN
                      least(waits.unknown, CASE WHEN waits.is_waiting THEN
                          now() + make_interval(secs => %s::float8) END)
                  ELSE least(waits.unknown, waits.later) END
FROM unnest(%s::bigint[], %s::uuid[], %s::uuid[], %s::text[]) AS t (line, lane, holder, why)
CROSS JOIN LATERAL (
    SELECT (c.state IN ('connected', 'degraded') AND c.quarantined_at IS NULL
            AND c.removed_at IS NULL AND c.is_active) AS is_up
    FROM messaging_connection c WHERE c.id = t.line
) line
CROSS JOIN LATERAL (
    SELECT min(o.next_at) FILTER (WHERE o.state = 'unknown') AS unknown,
        least(min(o.next_at) FILTER (WHERE o.state = 'queued' AND o.next_at > now()),
              min(o.expires_at) FILTER (WHERE o.state = 'queued'),
              min(o.holds_until) FILTER (WHERE o.state = 'unknown' AND o.holds_until > now())
        ) AS later,
        bool_or(o.state = 'queued') AS is_waiting
    FROM messaging_outgoing o
    WHERE o.connection_id = t.line AND o.state IN ('queued', 'unknown')
) waits
WHERE l.connection_id = t.lane AND l.holder = t.holder RETURNING l.state
"""
# There is more, but others wait too.
YIELD = """
UPDATE public.gateway_lane l SET holder = NULL, lease_until = NULL, due_at = now()
FROM unnest(%s::uuid[], %s::uuid[]) AS t (lane, holder)
WHERE l.connection_id = t.lane AND l.holder = t.holder RETURNING l.connection_id
"""
