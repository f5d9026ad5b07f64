-- One link's last scans, the newest first.
SELECT
    at,
    reason,
    status,
    country,
    city,
    device,
    device_model,
    os,
    browser,
    in_app,
    referrer_host,
    language,
    is_bot,
    bot_name,
    bot_signals,
    placement,
    rule,
    variant
FROM events
WHERE workspace_id = {workspace_id:UInt64}
    AND link_id = {link_id:UInt64}
ORDER BY at DESC
LIMIT {limit:UInt32}
