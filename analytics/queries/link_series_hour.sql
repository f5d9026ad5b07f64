-- One link's scans by hour, from `since` until before `until`, hours without scans included as zeros.
-- `bucket` is the UTC time the hour begins: the same hours in every zone that is whole hours off.
SELECT
    hour AS bucket,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id = {link_id:UInt64}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
GROUP BY hour
ORDER BY bucket WITH FILL
    FROM toStartOfHour({since:DateTime('UTC')})
    TO {until:DateTime('UTC')}
    STEP INTERVAL 1 HOUR
