-- One link's scans by minute, from `since` until before `until`, minutes without scans included as zeros.
-- Reads the events themselves: meant for three hours at most. `bucket` is in UTC.
SELECT
    toStartOfMinute(toDateTime(at, 'UTC')) AS bucket,
    countIf(is_bot = 0) AS humans,
    countIf(is_bot = 1) AS bots
FROM events
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id = {link_id:UInt64}
    AND at >= {since:DateTime('UTC')}
    AND at < {until:DateTime('UTC')}
GROUP BY bucket
ORDER BY bucket WITH FILL
    FROM toStartOfMinute({since:DateTime('UTC')})
    TO {until:DateTime('UTC')}
    STEP INTERVAL 1 MINUTE
