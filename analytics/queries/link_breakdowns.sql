-- One link's scans by the values of each asked dimension (country, city, device, os, browser, referrer, utm_source,
-- utm_medium, utm_campaign, language, reason, in_app, placement, rule or variant), the most scanned first, at most
-- `limit` values of each, over the UTC days from `since` to `until`, both included. The empty value stands for what
-- is not known; of a referrer, placement, rule or variant, for none.
SELECT
    dimension,
    value,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots,
    uniqMergeIf(visitors, is_bot = 0) AS visitors
FROM scans_daily
WHERE workspace_id = {workspace_id:UInt64}
    AND dimension IN {dimensions:Array(String)}
    AND link_id = {link_id:UInt64}
    AND day >= {since:Date}
    AND day <= {until:Date}
GROUP BY dimension, value
ORDER BY dimension, humans DESC, bots DESC, value
LIMIT {limit:UInt32} BY dimension
