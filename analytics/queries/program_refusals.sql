-- One program's scans that gates refused, by reason, from `since` until before `until`, the most frequent first:
-- how many scans, of how many passes (a code that is no pass is none), and how many of the same kind were admitted
-- nevertheless, by a supervisor or by a device that was offline.
SELECT
    if(reason = 'ok', refused_as, reason) AS refusal,
    countIf(reason != 'ok') AS scans,
    uniqExactIf(pass_id, reason != 'ok' AND pass_id != 0) AS passes,
    countIf(reason = 'ok') AS admitted
FROM redemptions FINAL
WHERE workspace_id = {workspace_id:UInt64}
    AND program_id = {program_id:UInt64}
    AND at >= {since:DateTime('UTC')}
    AND at < {until:DateTime('UTC')}
    AND undone = 0
    AND (reason != 'ok' OR refused_as != '')
GROUP BY refusal
ORDER BY scans DESC, refusal
