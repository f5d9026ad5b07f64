-- A workspace's scans by people and by robots, its unique visitors (people only, salted daily: one person on
-- two days is two) and its last scan, from `since` until before `until`. Whole UTC hours are counted.
SELECT
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots,
    uniqMergeIf(visitors, is_bot = 0) AS visitors,
    (
        SELECT maxOrNull(at)
        FROM events
        WHERE workspace_id = {workspace_id:UInt64}
            AND at < {until:DateTime('UTC')}
            AND at >= greatest(
                {since:DateTime('UTC')},
                (
                    SELECT max(hour)
                    FROM scans_hourly
                    WHERE workspace_id = {workspace_id:UInt64} AND hour < {until:DateTime('UTC')}
                )
            )
    ) AS last_at
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
