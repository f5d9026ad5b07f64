-- One workspace's scans at gates from `since` on that were received before `until`, by program and reason, and how
-- many of them were taken back: what PostgreSQL has as attempts.
SELECT
    program_id,
    toString(reason) AS reason,
    count() AS scans,
    sum(undone) AS undone
FROM redemptions FINAL
WHERE workspace_id = {workspace_id:UInt64}
    AND at >= {since:DateTime('UTC')}
    AND received_at < {until:DateTime('UTC')}
GROUP BY program_id, reason
ORDER BY program_id, reason
