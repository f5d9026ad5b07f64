-- A workspace's links with the most scans by people, from `since` until before `until`. Whole UTC hours are
-- counted.
SELECT
    link_id,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
GROUP BY link_id
ORDER BY humans DESC, bots DESC, link_id
LIMIT {limit:UInt32}
