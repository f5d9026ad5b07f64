-- The report's questions that count many rows. Parameters: %(program)s, %(since)s and %(until)s (instants),
-- %(zone)s (the program's time zone), %(most)s (rows). Row-level security confines each to the workspace.
-- Each is answered by an index on (program, at). All of them together took 3.2 s for 50,000 passes and 100,000
-- scans in one day, 25,000 of them copies, on two cores that were busy with other work.

-- name: issuers
-- Of passes that could be used in the period: issued, used in it, how many times, and never used in it.
WITH used AS (
    SELECT pass_id, count(*) AS uses
    FROM passes_attempt
    WHERE program_id = %(program)s AND at >= %(since)s AND at < %(until)s
        AND reason = 'ok' AND direction = 'in' AND use_no IS NOT NULL AND undone_at IS NULL
    GROUP BY pass_id
)
SELECT i.name AS issuer, count(*) AS issued, count(used.uses) AS used, coalesce(sum(used.uses), 0)::bigint AS uses,
    count(*) FILTER (WHERE used.uses IS NULL AND p.state = 'revoked') AS cancelled
FROM passes_pass p JOIN passes_program g ON g.id = p.program_id
    LEFT JOIN used ON used.pass_id = p.id LEFT JOIN passes_issuer i ON i.id = p.issuer_id
WHERE p.program_id = %(program)s
    AND (used.uses IS NOT NULL OR p.state <> 'replaced' AND p.created_at < %(until)s
        AND (p.valid_from IS NULL OR p.valid_from < %(until)s)
        AND (p.valid_until IS NULL OR p.valid_until > %(since)s)
        -- Used up before it, it was not expected any more.
        AND NOT (g.reentry = 'none' AND p.first_used_at < %(since)s AND p.uses >= coalesce(p.max_uses, 1)))
GROUP BY i.id, i.name
ORDER BY uses DESC, issued DESC, i.name

-- name: peaks
-- The most people that each zone's count had, and when it first had them.
SELECT z.id, z.name, z.capacity, top.inside, top.at
FROM passes_zone z LEFT JOIN LATERAL (
    SELECT m.inside, m.at FROM passes_movement m
    WHERE m.zone_id = z.id AND m.at >= %(since)s AND m.at < %(until)s
    ORDER BY m.inside DESC, m.at, m.id LIMIT 1
) top ON true
WHERE z.program_id = %(program)s

-- name: hours
-- Who came and left, by the hour of the program's time zone, into and out of outermost zones.
SELECT date_trunc('hour', m.at, %(zone)s) AS at, count(*) FILTER (WHERE m.delta > 0) AS came,
    count(*) FILTER (WHERE m.delta < 0) AS left_again
FROM passes_movement m JOIN passes_zone z ON z.id = m.zone_id AND z.parent_id IS NULL
    LEFT JOIN passes_attempt a ON a.id = m.attempt_id
WHERE m.program_id = %(program)s AND m.at >= %(since)s AND m.at < %(until)s AND a.undone_at IS NULL
    AND m.kind IN ('entry', 'exit', 'count', 'auto_exit')
GROUP BY 1
ORDER BY 1

-- name: places
-- Scans of each gate and device, without what was taken back.
SELECT a.gate_id, g.name AS gate, a.device_id, d.name AS device,
    count(*) FILTER (WHERE a.reason = 'ok' AND a.direction = 'in') AS admitted,
    count(*) FILTER (WHERE a.reason = 'ok' AND a.direction = 'out') AS left_again,
    count(*) FILTER (WHERE a.reason <> 'ok') AS refused,
    count(*) FILTER (WHERE a.offline) AS offline
FROM passes_attempt a LEFT JOIN passes_gate g ON g.id = a.gate_id JOIN passes_device d ON d.id = a.device_id
WHERE a.program_id = %(program)s AND a.at >= %(since)s AND a.at < %(until)s AND a.undone_at IS NULL
GROUP BY a.gate_id, g.name, a.device_id, d.name

-- name: by_hand
-- People who were counted by hand, at each gate and by each device.
SELECT m.gate_id, g.name AS gate, m.device_id, d.name AS device, count(*) FILTER (WHERE m.delta > 0) AS came,
    count(*) FILTER (WHERE m.delta < 0) AS left_again
FROM passes_movement m JOIN passes_zone z ON z.id = m.zone_id AND z.parent_id IS NULL
    LEFT JOIN passes_gate g ON g.id = m.gate_id LEFT JOIN passes_device d ON d.id = m.device_id
WHERE m.program_id = %(program)s AND m.at >= %(since)s AND m.at < %(until)s AND m.kind = 'count'
GROUP BY m.gate_id, g.name, m.device_id, d.name

-- name: refusals
SELECT reason, count(*) AS times, count(DISTINCT pass_id) AS passes
FROM passes_attempt
WHERE program_id = %(program)s AND at >= %(since)s AND at < %(until)s AND reason <> 'ok' AND undone_at IS NULL
GROUP BY reason
ORDER BY times DESC, reason

-- name: clones
-- Passes that were refused, as used already or as an old picture, at another gate or by another device than
-- where they were admitted last; a picture that came first, than where they were admitted next.
WITH refused AS (
    SELECT r.pass_id, r.gate_id, r.device_id, r.at, r.reason, a.gate_id AS gate_before,
        a.device_id AS device_before, a.at AS admitted_at
    FROM passes_attempt r CROSS JOIN LATERAL (
        SELECT gate_id, device_id, at FROM passes_attempt
        WHERE pass_id = r.pass_id AND reason = 'ok' AND direction = 'in' AND undone_at IS NULL
            AND (at <= r.at OR r.reason = 'stale')
        ORDER BY at <= r.at DESC, abs(extract(epoch FROM at - r.at)) LIMIT 1
    ) a
    WHERE r.program_id = %(program)s AND r.at >= %(since)s AND r.at < %(until)s
        AND r.reason IN ('already_used', 'stale') AND r.undone_at IS NULL
        AND (a.gate_id IS DISTINCT FROM r.gate_id OR a.device_id <> r.device_id)
)
SELECT p.number, c.reason, ga.name AS admitted_gate, da.name AS admitted_device, c.admitted_at,
    gr.name AS refused_gate, dr.name AS refused_device, min(c.at) AS first_at, max(c.at) AS last_at,
    count(*) AS times, count(*) OVER () AS of
FROM refused c JOIN passes_pass p ON p.id = c.pass_id LEFT JOIN passes_gate ga ON ga.id = c.gate_before
    LEFT JOIN passes_device da ON da.id = c.device_before LEFT JOIN passes_gate gr ON gr.id = c.gate_id
    LEFT JOIN passes_device dr ON dr.id = c.device_id
GROUP BY p.number, c.reason, ga.name, da.name, c.admitted_at, gr.name, dr.name
ORDER BY times DESC, first_at, p.number
LIMIT %(most)s

-- name: exceptions
-- %(conflict)s: what devices admitted offline and would have refused had they known all; else what supervisors
-- admitted in spite of a refusal.
SELECT a.at, a.received_at, p.number, g.name AS gate, d.name AS device, a.direction, a.reason,
    a.refused_as, a.note, count(*) OVER () AS of
FROM passes_attempt a JOIN passes_device d ON d.id = a.device_id LEFT JOIN passes_gate g ON g.id = a.gate_id
    LEFT JOIN passes_pass p ON p.id = a.pass_id
WHERE a.program_id = %(program)s AND a.at >= %(since)s AND a.at < %(until)s AND a.undone_at IS NULL
    AND a.conflict = %(conflict)s AND (a.conflict OR a.reason = 'ok' AND a.refused_as <> '')
ORDER BY a.at, a.id
LIMIT %(most)s

-- name: corrections
-- A correction changes the zones around its own too: only its own is listed, which is the innermost.
SELECT m.at, z.name AS zone, m.delta, m.inside, m.note,
    coalesce(nullif(u.name, ''), u.email) AS member,
    d.name AS device, count(*) OVER () AS of
FROM passes_movement m JOIN passes_zone z ON z.id = m.zone_id LEFT JOIN passes_device d ON d.id = m.device_id
    LEFT JOIN accounts_user u ON u.id = m.by_id
WHERE m.program_id = %(program)s AND m.at >= %(since)s AND m.at < %(until)s AND m.kind = 'correction'
    AND NOT EXISTS (
        SELECT 1 FROM passes_movement inner_one JOIN passes_zone inside ON inside.id = inner_one.zone_id
        WHERE inside.parent_id = m.zone_id AND inner_one.kind = 'correction' AND inner_one.delta = m.delta
            AND inner_one.note = m.note AND inner_one.by_id IS NOT DISTINCT FROM m.by_id
            AND inner_one.device_id IS NOT DISTINCT FROM m.device_id
            AND inner_one.at >= m.at AND inner_one.at < m.at + interval '1 second'
    )
ORDER BY m.at, m.id
LIMIT %(most)s

-- name: activity
-- When anything happened first.
SELECT least((SELECT min(at) FROM passes_attempt WHERE program_id = %(program)s),
    (SELECT min(at) FROM passes_movement WHERE program_id = %(program)s)) AS at
