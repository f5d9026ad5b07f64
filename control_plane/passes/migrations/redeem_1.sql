-- Redemption: one statement, one transaction. The first of five checks that refuses wins:
--   1. signature and key (by the caller, in p_refused)   2. validity   3. single use   4. issuer   5. capacity.
-- The zone, which many gates share, is locked last and let go by the commit that follows at once.

CREATE FUNCTION scanway_verdict(p_attempt bigint, p_replayed boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $verdict$
    SELECT jsonb_build_object(
        'attempt', a.id, 'reason', a.reason, 'refused_as', a.refused_as, 'direction', a.direction,
        'use_no', a.use_no, 'at', a.at, 'replayed', p_replayed, 'undone', a.undone_at IS NOT NULL,
        'pass', CASE WHEN p.id IS NULL THEN NULL ELSE jsonb_build_object(
            'id', p.id, 'number', p.number, 'program', p.program_id, 'state', p.state, 'uses', p.uses,
            'valid_from', p.valid_from, 'valid_until', p.valid_until, 'inside_since', p.inside_since,
            'holder', encode(p.holder, 'base64')) END,
        'earlier', (
            SELECT jsonb_build_object('at', e.at, 'gate', g.name, 'device', d.name)
            FROM passes_attempt e LEFT JOIN passes_gate g ON g.id = e.gate_id
                LEFT JOIN passes_device d ON d.id = e.device_id
            WHERE a.reason = 'already_used' AND e.pass_id = a.pass_id AND e.reason = 'ok' AND e.direction = 'in'
                AND e.undone_at IS NULL
            ORDER BY e.at DESC, e.id DESC LIMIT 1),
        'zones', (
            SELECT jsonb_agg(jsonb_build_object('id', z.id, 'name', z.name, 'inside', z.inside,
                'leased', z.leased, 'capacity', z.capacity) ORDER BY cardinality(z.path))
            FROM passes_gate g JOIN passes_zone mine ON mine.id = g.zone_id
                JOIN passes_zone z ON z.id = ANY (mine.path)
            WHERE g.id = a.gate_id))
    FROM passes_attempt a LEFT JOIN passes_pass p ON p.id = a.pass_id
    WHERE a.id = p_attempt
$verdict$;

CREATE FUNCTION scanway_redeem(
    p_workspace bigint, p_device bigint, p_gate bigint, p_nonce uuid, p_uid bytea, p_refused text,
    p_closed boolean, p_direction text, p_override text, p_at timestamptz, p_offline boolean
) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $redeem$
DECLARE
    v_attempt bigint;
    g record;
    p passes_pass%ROWTYPE;
    v_found boolean := false;
    v_inside_path bigint[] := '{}';
    v_here boolean;
    v_new_use boolean := false;
    v_direction text := CASE WHEN p_direction = 'out' THEN 'out' ELSE 'in' END;
    v_reason text := p_refused;
    v_refused text := '';
    v_most integer;
    v_today date;
    v_outs bigint[] := '{}';
    v_ins bigint[] := '{}';
    v_counted integer;
    v_kind text;
BEGIN
    PERFORM set_config('scanway.workspace_id', p_workspace::text, true);

    SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
    IF FOUND THEN
        RETURN scanway_verdict(v_attempt, true);
    END IF;

    SELECT gate.program_id, gate.zone_id, gate.is_open, zone.path, program.state, program.reentry,
           program.max_uses, program.use_hours, program.time_zone, device.role
    INTO g
    FROM passes_devicegate allowed JOIN passes_device device ON device.id = allowed.device_id
        JOIN passes_gate gate ON gate.id = allowed.gate_id JOIN passes_zone zone ON zone.id = gate.zone_id
        JOIN passes_program program ON program.id = gate.program_id
    WHERE allowed.device_id = p_device AND allowed.gate_id = p_gate AND device.revoked_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'device_refused' USING ERRCODE = 'SW401';
    END IF;
    IF p_override <> '' AND g.role <> 'supervisor' THEN
        RAISE EXCEPTION 'not_allowed' USING ERRCODE = 'SW403';
    END IF;
    v_today := (p_at AT TIME ZONE g.time_zone)::date;

    IF v_reason = '' THEN
        SELECT * INTO p FROM passes_pass WHERE uid = p_uid FOR NO KEY UPDATE;
        v_found := FOUND;
    END IF;

    <<decide>>
    BEGIN
        EXIT decide WHEN v_reason <> '';
        IF NOT v_found THEN
            v_reason := 'unknown';
            EXIT decide;
        END IF;
        IF p.inside_zone_id IS NOT NULL THEN
            SELECT path INTO v_inside_path FROM passes_zone WHERE id = p.inside_zone_id;
        END IF;
        v_here := g.zone_id = ANY (v_inside_path);
        IF p_direction = 'auto' AND v_here AND p.program_id = g.program_id THEN
            v_direction := 'out';
        END IF;

        IF v_direction = 'out' THEN
            -- Nobody is kept inside for what would keep them out.
            IF p.program_id <> g.program_id THEN
                v_reason := 'wrong_gate';
            ELSIF NOT v_here THEN
                v_reason := 'not_inside';
            ELSE
                v_reason := 'ok';
                v_outs := v_inside_path[array_position(v_inside_path, g.zone_id):];
            END IF;
            EXIT decide;
        END IF;

        IF p.state IN ('revoked', 'replaced') THEN
            v_reason := 'revoked';
            EXIT decide;
        END IF;
        -- What a supervisor may pass over, in this order; the first is what is written down.
        v_most := COALESCE(p.max_uses, g.max_uses);
        v_new_use := v_inside_path = '{}' OR v_here OR v_inside_path[1] <> g.path[1];
        v_refused := CASE
            WHEN p.program_id <> g.program_id THEN 'wrong_gate'
            WHEN p.valid_from > p_at THEN 'not_yet_valid'
            WHEN p.valid_until <= p_at OR g.state = 'ended' THEN 'expired'
            WHEN p_closed OR g.state = 'paused' OR NOT g.is_open THEN 'closed'
            WHEN p.state = 'held' THEN 'held'
            WHEN v_here AND g.reentry IN ('none', 'after_exit') THEN 'already_used'
            WHEN v_new_use AND g.reentry = 'none' AND p.uses >= COALESCE(p.max_uses, 1) THEN 'already_used'
            WHEN v_new_use AND g.reentry <> 'none' AND p.uses >= v_most THEN 'already_used'
            WHEN v_new_use AND g.reentry = 'daily'
                AND (p.last_used_at AT TIME ZONE g.time_zone)::date = v_today THEN 'already_used'
            WHEN p.issuer_id IS NOT NULL AND NOT COALESCE(
                (SELECT is_active FROM passes_issuerday WHERE issuer_id = p.issuer_id AND day = v_today),
                (SELECT is_active FROM passes_issuer WHERE id = p.issuer_id)) THEN 'issuer_inactive'
            ELSE '' END;
        IF v_refused <> '' AND p_override = '' THEN
            v_reason := v_refused;
            v_refused := '';
            EXIT decide;
        END IF;
        v_reason := 'ok';
        IF v_new_use THEN
            v_outs := v_inside_path;
            v_ins := g.path;
        ELSE
            v_outs := ARRAY(SELECT id FROM unnest(v_inside_path) AS id WHERE id <> ALL (g.path));
            v_ins := ARRAY(SELECT id FROM unnest(g.path) AS id WHERE id <> ALL (v_inside_path));
        END IF;
    END decide;

    IF v_reason = 'ok' THEN
        BEGIN
            INSERT INTO passes_attempt (workspace_id, program_id, gate_id, device_id, nonce, pass_id, direction,
                reason, refused_as, note, use_no, at, received_at, offline)
            VALUES (p_workspace, g.program_id, p_gate, p_device, p_nonce, p.id, v_direction, 'ok', v_refused,
                CASE WHEN v_refused <> '' THEN p_override ELSE '' END,
                CASE WHEN v_new_use THEN p.uses + 1 END, p_at, clock_timestamp(), p_offline)
            RETURNING id INTO v_attempt;
            IF v_new_use THEN
                INSERT INTO passes_redemption (workspace_id, pass_id, use_no, attempt_id, at)
                VALUES (p_workspace, p.id, p.uses + 1, v_attempt, p_at);
            END IF;
            UPDATE passes_pass SET
                uses = uses + CASE WHEN v_new_use THEN 1 ELSE 0 END,
                first_used_at = CASE WHEN v_new_use THEN COALESCE(first_used_at, p_at) ELSE first_used_at END,
                last_used_at = CASE WHEN v_new_use THEN p_at ELSE last_used_at END,
                valid_until = CASE WHEN v_new_use AND first_used_at IS NULL AND g.use_hours IS NOT NULL
                    THEN LEAST(valid_until, p_at + make_interval(hours => g.use_hours)) ELSE valid_until END,
                inside_zone_id = CASE WHEN v_direction = 'in' THEN g.zone_id
                    ELSE g.path[cardinality(g.path) - 1] END,
                inside_since = CASE WHEN v_direction = 'in' OR cardinality(g.path) > 1 THEN p_at END
            WHERE id = p.id;

            v_kind := CASE WHEN v_direction = 'in' AND NOT v_new_use THEN 'move' ELSE 'exit' END;
            IF cardinality(v_outs) + cardinality(v_ins) > 1 THEN
                -- One order for everybody, so that two gates never wait for each other. No key: a stronger lock
                -- would wait for the foreign keys that others check when they commit.
                PERFORM 1 FROM passes_zone WHERE id = ANY (v_outs || v_ins) ORDER BY id FOR NO KEY UPDATE;
            END IF;
            WITH left_now AS (
                UPDATE passes_zone SET inside = inside - 1 WHERE id = ANY (v_outs) RETURNING id, inside
            )
            INSERT INTO passes_movement (workspace_id, program_id, zone_id, kind, delta, inside, at, attempt_id,
                gate_id, device_id, note)
            SELECT p_workspace, g.program_id, id, v_kind, -1, inside, p_at, v_attempt, p_gate, p_device, ''
            FROM left_now;
            v_kind := CASE WHEN v_new_use THEN 'entry' ELSE 'move' END;
            WITH entered AS (
                UPDATE passes_zone SET inside = inside + 1
                WHERE id = ANY (v_ins) AND (capacity IS NULL OR inside + leased < capacity)
                RETURNING id, inside
            )
            INSERT INTO passes_movement (workspace_id, program_id, zone_id, kind, delta, inside, at, attempt_id,
                gate_id, device_id, note)
            SELECT p_workspace, g.program_id, id, v_kind, 1, inside, p_at, v_attempt, p_gate, p_device, ''
            FROM entered;
            GET DIAGNOSTICS v_counted = ROW_COUNT;
            IF v_counted < cardinality(v_ins) THEN
                -- Takes the use back with everything else: a full gate burns no tickets.
                RAISE EXCEPTION 'full' USING ERRCODE = 'SW001';
            END IF;
        EXCEPTION
            WHEN SQLSTATE 'SW001' THEN
                v_reason := 'full';
                v_refused := '';
            WHEN unique_violation THEN
                SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
                IF FOUND THEN
                    RETURN scanway_verdict(v_attempt, true);
                END IF;
                v_reason := 'already_used';
                v_refused := '';
        END;
    END IF;

    IF v_reason <> 'ok' THEN
        INSERT INTO passes_attempt (workspace_id, program_id, gate_id, device_id, nonce, pass_id, direction,
            reason, refused_as, note, at, received_at, offline)
        VALUES (p_workspace, g.program_id, p_gate, p_device, p_nonce, p.id, v_direction, v_reason, '', '', p_at,
            clock_timestamp(), p_offline)
        ON CONFLICT (device_id, nonce) DO NOTHING
        RETURNING id INTO v_attempt;
        IF NOT FOUND THEN
            SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
            RETURN scanway_verdict(v_attempt, true);
        END IF;
    END IF;
    RETURN scanway_verdict(v_attempt, false);
END
$redeem$;
