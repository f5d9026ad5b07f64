-- Redemption: one statement, one transaction. The first of five checks that refuses wins:
--   1. signature and key (by the caller, in p_refused)   2. validity   3. single use   4. issuer   5. capacity.
-- Beside the first version: one lock for each program, rotating codes, and what a device decided while it was
-- offline (p_offline), which is written down as it happened. Where the device would have refused had it known
-- all, that is a conflict. Each row is found by an index (enable_seqscan): a plan that was made while a table
-- was small is kept while it grows.

CREATE FUNCTION scanway_program_lock(p_program bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE
RETURN 7311000000000000 + p_program;

CREATE OR REPLACE FUNCTION scanway_verdict(p_attempt bigint, p_replayed boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = public, pg_temp SET enable_seqscan = off
AS $verdict$
    -- Each row by its own key, not by joins: planned while tables are small, a join reads all of a workspace.
    SELECT jsonb_build_object(
        'attempt', a.id, 'reason', a.reason, 'refused_as', a.refused_as, 'direction', a.direction,
        'use_no', a.use_no, 'at', a.at, 'replayed', p_replayed, 'undone', a.undone_at IS NOT NULL, 'conflict', a.conflict,
        'pass', (
            SELECT jsonb_build_object('id', p.id, 'number', p.number, 'program', p.program_id, 'state', p.state,
                'uses', p.uses, 'valid_from', p.valid_from, 'valid_until', p.valid_until,
                'inside_since', p.inside_since, 'holder', encode(p.holder, 'base64'))
            FROM passes_pass p WHERE p.id = a.pass_id),
        'earlier', CASE WHEN 'already_used' IN (a.reason, a.refused_as) THEN (
            SELECT jsonb_build_object('at', e.at, 'gate', (SELECT name FROM passes_gate WHERE id = e.gate_id),
                'device', (SELECT name FROM passes_device WHERE id = e.device_id))
            FROM passes_attempt e
            WHERE e.pass_id = a.pass_id AND e.reason = 'ok' AND e.direction = 'in' AND e.undone_at IS NULL
                AND e.id <> a.id
            ORDER BY e.at DESC, e.id DESC LIMIT 1) END,
        'zones', (
            SELECT jsonb_agg(jsonb_build_object('id', z.id, 'name', z.name, 'inside', z.inside,
                'leased', z.leased, 'capacity', z.capacity) ORDER BY cardinality(z.path))
            FROM passes_zone z WHERE z.id = ANY ((
                SELECT mine.path FROM passes_zone mine
                WHERE mine.id = (SELECT zone_id FROM passes_gate WHERE id = a.gate_id))::bigint[])))
    FROM passes_attempt a WHERE a.id = p_attempt
$verdict$;

CREATE OR REPLACE FUNCTION scanway_redeem(
    p_workspace bigint, p_device bigint, p_gate bigint, p_nonce uuid, p_uid bytea, p_refused text,
    p_closed boolean, p_direction text, p_override text, p_at timestamptz, p_offline boolean
) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp SET enable_seqscan = off
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
    v_forced boolean;
    v_conflict boolean := false;
    v_lent bigint[];
    v_uncounted boolean := false;
BEGIN
    PERFORM set_config('scanway.workspace_id', p_workspace::text, true);

    SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
    IF FOUND THEN
        RETURN scanway_verdict(v_attempt, true);
    END IF;

    SELECT gate.program_id, gate.zone_id, gate.is_open, zone.path, program.state, program.reentry,
           program.max_uses, program.use_hours, program.time_zone, device.role, device.revoked_at
    INTO g
    FROM passes_device device JOIN passes_gate gate ON gate.program_id = device.program_id
        JOIN passes_zone zone ON zone.id = gate.zone_id JOIN passes_program program ON program.id = gate.program_id
    -- A gate may have been taken from a device that was offline: what it did there has happened.
    WHERE device.id = p_device AND gate.id = p_gate AND CASE WHEN p_offline
        THEN device.revoked_at IS NULL OR p_at <= device.revoked_at
        ELSE device.revoked_at IS NULL AND EXISTS (
            SELECT 1 FROM passes_devicegate WHERE device_id = p_device AND gate_id = p_gate) END;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'device_refused' USING ERRCODE = 'SW401';
    END IF;
    IF p_override <> '' AND g.role <> 'supervisor' THEN
        RAISE EXCEPTION 'not_allowed' USING ERRCODE = 'SW403';
    END IF;
    -- One after the other within a program: whoever changes several rows of it takes this first, so that no two
    -- wait for each other. It is let go by the commit. See occupancy.lock_program.
    PERFORM pg_advisory_xact_lock(scanway_program_lock(g.program_id));
    v_today := (p_at AT TIME ZONE g.time_zone)::date;

    IF p_uid <> '' THEN
        -- No key: a stronger lock would wait for the foreign keys that others check when they commit.
        SELECT * INTO p FROM passes_pass WHERE uid = p_uid FOR NO KEY UPDATE;
        v_found := FOUND;
    END IF;

    <<decide>>
    BEGIN
        -- was_stale: the device, which was offline, admitted it all the same.
        EXIT decide WHEN v_reason NOT IN ('', 'stale', 'was_stale') OR v_reason = 'stale' AND p_offline;
        IF NOT v_found THEN
            v_reason := 'unknown';
            v_conflict := p_offline;
            EXIT decide;
        END IF;
        IF p.inside_zone_id IS NOT NULL THEN
            SELECT path INTO v_inside_path FROM passes_zone WHERE id = p.inside_zone_id;
        END IF;
        v_here := g.zone_id = ANY (v_inside_path);
        IF p_direction = 'auto' AND v_here THEN
            v_direction := 'out';
        END IF;

        IF v_direction = 'out' THEN
            -- Nobody is kept inside for what would keep them out, nor a guest of another program whom a supervisor
            -- let in.
            IF NOT v_here THEN
                v_reason := CASE WHEN p.program_id <> g.program_id THEN 'wrong_gate' ELSE 'not_inside' END;
                v_conflict := p_offline AND v_reason = 'not_inside';
            ELSE
                v_reason := 'ok';
                v_outs := v_inside_path[array_position(v_inside_path, g.zone_id):];
            END IF;
            EXIT decide;
        END IF;

        IF p.state IN ('revoked', 'replaced') AND NOT p_offline THEN
            v_reason := 'revoked';
            EXIT decide;
        END IF;
        -- What a supervisor may pass over, in this order; the first is what is written down.
        v_most := COALESCE(p.max_uses, g.max_uses);
        v_new_use := v_inside_path = '{}' OR v_here OR v_inside_path[1] <> g.path[1];
        v_refused := CASE
            WHEN p.program_id <> g.program_id THEN 'wrong_gate'
            WHEN p.state IN ('revoked', 'replaced') THEN 'revoked'
            WHEN p_refused IN ('stale', 'was_stale') THEN 'stale'
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
        v_conflict := p_offline AND (g.revoked_at IS NOT NULL OR v_refused <> '' AND p_override = '');
        IF v_refused <> '' AND p_override = '' AND NOT p_offline THEN
            v_reason := v_refused;
            v_refused := '';
            EXIT decide;
        END IF;
        v_reason := 'ok';
        IF v_new_use THEN
            -- Where exits are not scanned, a new use takes the old place. A conflict is a second person.
            v_outs := CASE WHEN v_conflict AND v_refused = 'already_used' THEN '{}' ELSE v_inside_path END;
            v_ins := g.path;
        ELSE
            v_outs := ARRAY(SELECT id FROM unnest(v_inside_path) AS id WHERE id <> ALL (g.path));
            v_ins := ARRAY(SELECT id FROM unnest(g.path) AS id WHERE id <> ALL (v_inside_path));
        END IF;
    END decide;
    -- What a device admitted while it was offline stays admitted: beyond the capacity it is not counted.
    v_forced := p_offline AND v_reason = 'ok' AND v_direction = 'in';
    IF v_forced AND EXISTS (
        SELECT 1 FROM passes_attempt later WHERE later.pass_id = p.id AND later.direction = 'out'
            AND later.reason IN ('ok', 'not_inside') AND later.undone_at IS NULL AND later.at > p_at
    ) THEN
        -- They have left already, and another device was the first to say so.
        v_outs := '{}';
        v_ins := '{}';
        v_uncounted := true;
    END IF;

    WHILE v_reason = 'ok' LOOP
        BEGIN
            INSERT INTO passes_attempt (workspace_id, program_id, gate_id, device_id, nonce, pass_id, direction,
                reason, refused_as, note, use_no, at, received_at, offline, conflict, until_before)
            VALUES (p_workspace, g.program_id, p_gate, p_device, p_nonce, p.id, v_direction, 'ok', v_refused,
                CASE WHEN v_refused <> '' THEN p_override ELSE '' END,
                CASE WHEN v_new_use THEN p.uses + 1 END, p_at, clock_timestamp(), p_offline, v_conflict,
                p.valid_until)
            RETURNING id INTO v_attempt;
            IF v_new_use THEN
                INSERT INTO passes_redemption (workspace_id, pass_id, use_no, attempt_id, at)
                VALUES (p_workspace, p.id, p.uses + 1, v_attempt, p_at);
            END IF;
            UPDATE passes_pass SET
                uses = uses + CASE WHEN v_new_use THEN 1 ELSE 0 END,
                first_used_at = CASE WHEN v_new_use THEN LEAST(first_used_at, p_at) ELSE first_used_at END,
                last_used_at = CASE WHEN v_new_use THEN GREATEST(last_used_at, p_at) ELSE last_used_at END,
                valid_until = CASE WHEN v_new_use AND first_used_at IS NULL AND g.use_hours IS NOT NULL
                    -- From its beginning, where a supervisor let it in before that.
                    THEN LEAST(valid_until, GREATEST(p_at, valid_from) + make_interval(hours => g.use_hours))
                    ELSE valid_until END,
                inside_zone_id = CASE WHEN v_uncounted THEN inside_zone_id WHEN v_direction = 'in' THEN g.zone_id
                    ELSE g.path[cardinality(g.path) - 1] END,
                inside_since = CASE WHEN v_uncounted THEN inside_since
                    WHEN v_direction = 'in' OR cardinality(g.path) > 1 THEN p_at END
            WHERE id = p.id;

            v_kind := CASE WHEN v_direction = 'in' AND NOT v_new_use THEN 'move' ELSE 'exit' END;
            WITH left_now AS (
                -- Not below nobody: the count may have been corrected since they came.
                UPDATE passes_zone SET inside = inside - 1 WHERE id = ANY (v_outs) AND inside > 0
                RETURNING id, inside
            )
            INSERT INTO passes_movement (workspace_id, program_id, zone_id, kind, delta, inside, at, attempt_id,
                gate_id, device_id, note)
            SELECT p_workspace, g.program_id, id, v_kind, -1, inside, p_at, v_attempt, p_gate, p_device, ''
            FROM left_now;
            v_kind := CASE WHEN v_new_use THEN 'entry' ELSE 'move' END;
            v_lent := '{}';
            IF p_offline THEN
                -- First the places that were lent to this device.
                WITH taken AS (
                    UPDATE passes_lease SET places = places - 1
                    WHERE device_id = p_device AND zone_id = ANY (v_ins) AND places > 0
                    RETURNING zone_id
                )
                SELECT COALESCE(array_agg(zone_id), '{}') INTO v_lent FROM taken;
            END IF;
            WITH entered AS (
                UPDATE passes_zone SET inside = inside + 1,
                    leased = leased - CASE WHEN id = ANY (v_lent) THEN 1 ELSE 0 END
                WHERE id = ANY (v_ins)
                    AND (capacity IS NULL OR id = ANY (v_lent) OR inside + leased < capacity)
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
            RETURN scanway_verdict(v_attempt, false);
        EXCEPTION
            WHEN SQLSTATE 'SW001' THEN
                IF v_forced THEN
                    v_outs := '{}';
                    v_ins := '{}';
                    v_refused := 'full';
                    v_conflict := true;
                    v_uncounted := true;
                ELSE
                    v_reason := 'full';
                    v_refused := '';
                END IF;
            WHEN unique_violation THEN
                SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
                IF FOUND THEN
                    RETURN scanway_verdict(v_attempt, true);
                END IF;
                v_reason := 'already_used';
                v_refused := '';
        END;
    END LOOP;

    INSERT INTO passes_attempt (workspace_id, program_id, gate_id, device_id, nonce, pass_id, direction, reason,
        refused_as, note, at, received_at, offline, conflict)
    VALUES (p_workspace, g.program_id, p_gate, p_device, p_nonce, p.id, v_direction, v_reason, '', '', p_at,
        clock_timestamp(), p_offline, v_conflict)
    ON CONFLICT (device_id, nonce) DO NOTHING
    RETURNING id INTO v_attempt;
    IF NOT FOUND THEN
        SELECT id INTO v_attempt FROM passes_attempt WHERE device_id = p_device AND nonce = p_nonce;
        RETURN scanway_verdict(v_attempt, true);
    END IF;
    RETURN scanway_verdict(v_attempt, false);
END
$redeem$;
