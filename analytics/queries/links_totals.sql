-- All scans ever of each of the given links of a workspace; links without a scan are left out.
SELECT
    link_id,
    sumIf(scans, is_bot = 0) AS humans,
    sumIf(scans, is_bot = 1) AS bots
FROM scans_hourly
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id IN {link_ids:Array(UInt64)}
GROUP BY link_id
ORDER BY link_id
