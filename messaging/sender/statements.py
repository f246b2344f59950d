"""The statements of a send.

The order of locks is everybody's: the line's advisory lock, intent, message, conversation, lane.
"""

# Lease extended and row locked; no row: the lane is not ours any more. What follows must be read by
# a later statement: one that waits for a lock still reads what was before it.
LANE = """
UPDATE public.gateway_lane SET lease_until = now() + make_interval(secs => %s),
    state = coalesce(%s::text, state), reason = coalesce(%s::text, reason)
WHERE connection_id = %s AND holder = %s RETURNING state
"""

# The next thing that may leave: the number is up, nothing of its conversation goes before it, and
# nothing of its conversation is on the way or lately lost from sight.
TAKE = """
WITH next AS (
    SELECT o.id FROM messaging_outgoing o
    JOIN messaging_connection l ON l.id = o.connection_id AND l.state IN ('connected', 'degraded')
        AND l.quarantined_at IS NULL AND l.removed_at IS NULL AND l.is_active
    WHERE o.connection_id = %(line)s AND o.state = 'queued' AND o.next_at <= now()
      AND (o.expires_at IS NULL OR o.expires_at > now())
      AND NOT EXISTS (
        SELECT FROM messaging_outgoing e
        WHERE e.conversation_id = o.conversation_id AND e.id <> o.id
          AND e.state IN ('queued', 'sending', 'unknown')
          AND (e.state = 'sending' OR (e.state = 'unknown' AND e.holds_until > now())
               OR (e.state = 'queued' AND (e.priority, e.id) < (o.priority, o.id))))
    ORDER BY o.priority, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
), taken AS (
    UPDATE messaging_outgoing o SET state = 'sending', attempts = o.attempts + 1,
        attempt_token = %(token)s, sending_at = clock_timestamp(), holds_until = NULL,
        absences = 0, absent_since = NULL
    FROM next WHERE o.id = next.id
    RETURNING o.id, o.kind, o.payload, o.preset_id, o.attempts, o.conversation_id, o.message_id,
        o.target_id, o.next_at, o.sending_at, o.created_at
), tried AS (
    INSERT INTO messaging_outgoingattempt
        (outgoing_id, number, act, started_at, outcome, code, detail)
    SELECT id, attempts, 'send', sending_at, '', '', '' FROM taken
)
SELECT t.id, t.kind, t.payload::text, t.preset_id, t.attempts, t.conversation_id, t.message_id,
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

# Only the holder of the attempt settles it. An acceptance counts however late it comes.
SETTLE = """
WITH o AS (
    UPDATE messaging_outgoing SET state = %(state)s::text, failure = %(failure)s::jsonb,
        next_at = clock_timestamp() + make_interval(secs => %(after)s::float8),
        holds_until = clock_timestamp() + make_interval(secs => %(hold)s::float8),
        sent_at = CASE WHEN %(state)s::text = 'sent' THEN clock_timestamp() END,
        finished_at = CASE WHEN %(is_final)s::bool THEN clock_timestamp() END
    WHERE id = %(id)s::bigint AND attempt_token = %(token)s::uuid
      AND state = ANY(%(before)s::text[])
    RETURNING id, message_id, conversation_id
), a AS (
    UPDATE messaging_outgoingattempt SET ended_at = clock_timestamp(), outcome = %(outcome)s::text,
        code = %(code)s::text, detail = %(detail)s::text, http_status = %(http_status)s::int,
        milliseconds = %(milliseconds)s::int
    WHERE outgoing_id = %(id)s::bigint AND act = 'send' AND number = %(number)s::int
), m AS (
    UPDATE messaging_message m SET
        provider_id = coalesce(nullif(%(provider_id)s::text, ''), m.provider_id),
        status = CASE WHEN m.status IN ('pending', 'failed')
                      THEN %(status)s::text ELSE m.status END,
        status_at = CASE WHEN m.status IN ('pending', 'failed') THEN clock_timestamp()
                         ELSE m.status_at END,
        failure = %(failure)s::jsonb
    FROM o WHERE m.id = o.message_id AND %(status)s::text <> ''
      AND NOT EXISTS (
        SELECT FROM messaging_message x
        WHERE x.provider_id = %(provider_id)s::text AND x.conversation_id = m.conversation_id
          AND x.direction = 'outbound' AND x.author_id IS NULL AND x.id <> m.id)
    RETURNING m.id, m.conversation_id, m.status
), c AS (
    UPDATE messaging_conversation c SET preview_status = m.status FROM m
    WHERE c.id = m.conversation_id AND c.last_message_id = m.id AND c.preview_status <> m.status
), e AS (
    INSERT INTO public.core_outboxevent (tenant_id, topic, payload)
    SELECT %(tenant)s::uuid, %(topic)s::text, jsonb_build_object('connection_id', %(line)s::bigint,
        'outgoing_ids', jsonb_build_array(o.id), 'conversation_ids',
        CASE WHEN o.conversation_id IS NULL THEN '[]' ELSE jsonb_build_array(o.conversation_id) END,
        'state', %(state)s::text)
    FROM o WHERE %(state)s::text <> 'queued'
)
SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM m),
    EXISTS (SELECT FROM messaging_parkedeffect
            WHERE connection_id = %(line)s::bigint
              AND provider_id = nullif(%(provider_id)s::text, ''))
"""

# It never began: the attempt did not happen.
UNDO = """
WITH o AS (
    UPDATE messaging_outgoing SET state = 'queued', attempts = attempts - 1, next_at = now()
    WHERE id = %s AND attempt_token = %s AND state = 'sending' RETURNING id
)
DELETE FROM messaging_outgoingattempt a USING o
WHERE a.outgoing_id = o.id AND a.act = 'send' AND a.number = %s
"""

# What is there to tidy before sending: left behind by a dead worker, due to be looked for, expired.
PEEK = """
SELECT EXISTS (SELECT FROM messaging_outgoing WHERE connection_id = %(line)s AND state = 'sending'),
    EXISTS (SELECT FROM messaging_outgoing
            WHERE connection_id = %(line)s AND state = 'unknown' AND next_at <= now()),
    EXISTS (SELECT FROM messaging_outgoing
            WHERE connection_id = %(line)s AND state = 'queued' AND expires_at <= now())
"""
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
WITH line AS (
    SELECT id, (state IN ('connected', 'degraded') AND quarantined_at IS NULL
                AND removed_at IS NULL AND is_active) AS is_up
    FROM messaging_connection WHERE id = %(line)s::bigint
), waits AS (
    SELECT min(o.next_at) FILTER (WHERE o.state = 'unknown') AS unknown,
        least(min(o.next_at) FILTER (WHERE o.state = 'queued' AND o.next_at > now()),
              min(o.expires_at) FILTER (WHERE o.state = 'queued'),
              min(o.holds_until) FILTER (WHERE o.state = 'unknown' AND o.holds_until > now())
        ) AS later,
        bool_or(o.state = 'queued') AS is_waiting
    FROM messaging_outgoing o
    WHERE o.connection_id = %(line)s::bigint AND o.state IN ('queued', 'unknown')
)
UPDATE public.gateway_lane l SET holder = NULL, lease_until = NULL,
    state = CASE WHEN l.state IN ('open', 'held') THEN
                 CASE WHEN NOT line.is_up THEN 'held'
                      WHEN %(reason)s::text <> '' THEN 'held' ELSE 'open' END
            ELSE l.state END,
    reason = CASE WHEN l.state IN ('open', 'held') THEN
                  CASE WHEN NOT line.is_up THEN 'number_down' ELSE %(reason)s::text END
             ELSE l.reason END,
    due_at = CASE WHEN l.state = 'tripped' THEN NULL
                  WHEN l.state = 'paused' THEN waits.unknown
                  WHEN NOT line.is_up OR %(reason)s::text <> '' THEN
                      least(waits.unknown, CASE WHEN waits.is_waiting THEN
                          now() + make_interval(secs => %(held)s::float8) END)
                  ELSE least(waits.unknown, waits.later) END
FROM line, waits WHERE l.connection_id = %(lane)s::uuid AND l.holder = %(holder)s::uuid
RETURNING l.state
"""
# There is more, but others wait too.
YIELD = """
UPDATE public.gateway_lane SET holder = NULL, lease_until = NULL, due_at = now()
WHERE connection_id = %s AND holder = %s
"""
