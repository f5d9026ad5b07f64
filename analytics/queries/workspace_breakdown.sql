-- A workspace's scans by the values of one dimension (country, city, device, os, browser, referrer, utm_source,
-- utm_medium, utm_campaign, language, reason, in_app, placement, rule or variant), the most scanned first, over the
-- UTC days from `since` to `until`, both included. The empty value stands for what is not known; of a referrer,
-- placement, rule or variant, for none.
SELECT
    value,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots,
    uniqMergeIf(visitors, is_bot = 0) AS visitors
FROM scans_daily
WHERE workspace_id = {workspace_id:UInt64}
    AND dimension = {dimension:String}
    AND day >= {since:Date}
    AND day <= {until:Date}
GROUP BY value
ORDER BY humans DESC, bots DESC, value
LIMIT {limit:UInt32}
