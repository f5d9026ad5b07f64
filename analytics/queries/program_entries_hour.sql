-- One program's scans at gates by hour, from `since` until before `until`, hours without any included as zeros:
-- entries and exits that stand, refusals, and how many passes came in for the first time. `bucket` is the UTC time
-- the hour begins. What was taken back counts nowhere.
SELECT
    toStartOfHour(toDateTime(at, 'UTC')) AS bucket,
    countIf(reason = 'ok' AND direction = 'in') AS entries,
    countIf(reason = 'ok' AND direction = 'out') AS exits,
    countIf(reason != 'ok') AS refusals,
    countIf(reason = 'ok' AND use_no = 1) AS passes
FROM redemptions FINAL
WHERE workspace_id = {workspace_id:UInt64}
    AND program_id = {program_id:UInt64}
    AND at >= toStartOfHour({since:DateTime('UTC')})
    AND at < {until:DateTime('UTC')}
    AND undone = 0
GROUP BY bucket
ORDER BY bucket WITH FILL
    FROM toStartOfHour({since:DateTime('UTC')})
    TO {until:DateTime('UTC')}
    STEP INTERVAL 1 HOUR
