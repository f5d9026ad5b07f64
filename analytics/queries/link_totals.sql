-- One link's scans by people and by robots, its unique visitors (people only, salted daily: one person on
-- two days is two) and its last scan, from `since` until before `until`. Whole UTC hours are counted.
SELECT
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots,
    uniqMergeIf(visitors, is_bot = 0) AS visitors,
    (
        SELECT at
        FROM events
        WHERE workspace_id = {workspace_id:UInt64}
            AND link_id = {link_id:UInt64}
            AND at >= {since:DateTime('UTC')}
            AND at < {until:DateTime('UTC')}
        ORDER BY at DESC
        LIMIT 1
    ) AS last_at
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id = {link_id:UInt64}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
