-- One link's scans by day of the zone `tz`, from `since` until before `until`, days without scans included as
-- zeros. A UTC hour belongs to the day it begins in, so a zone that is half an hour off has its midnight off by
-- as much.
SELECT
    toDate(hour, {tz:String}) AS bucket,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id = {link_id:UInt64}
    AND hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
GROUP BY bucket
ORDER BY bucket WITH FILL
    FROM toDate(toStartOfHour({since:DateTime('UTC')}), {tz:String})
    TO toDate({until:DateTime('UTC')} - INTERVAL 1 SECOND, {tz:String}) + 1
    STEP 1
