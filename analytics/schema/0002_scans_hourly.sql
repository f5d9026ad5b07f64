-- Scans by hour: what the charts and totals read. `visitors` counts people only where is_bot = 0.

CREATE TABLE IF NOT EXISTS ${scans_hourly} ${on_cluster}
(
    workspace_id UInt64,
    link_id UInt64,
    hour DateTime('UTC'),
    is_bot UInt8,
    reason LowCardinality(String),
    scans SimpleAggregateFunction(sum, UInt64),
    visitors AggregateFunction(uniq, UInt64)
)
ENGINE = ${replicated}AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (workspace_id, link_id, hour, is_bot, reason)
SETTINGS ${window} = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS scans_hourly_mv ${on_cluster} TO ${scans_hourly} AS
SELECT
    workspace_id,
    link_id,
    toStartOfHour(toDateTime(at, 'UTC')) AS hour,
    is_bot,
    reason,
    count() AS scans,
    uniqState(visitor_id) AS visitors
FROM ${events}
GROUP BY workspace_id, link_id, hour, is_bot, reason;

-- if cluster
CREATE TABLE IF NOT EXISTS scans_hourly ${on_cluster} AS ${scans_hourly}
ENGINE = Distributed(${cluster}, currentDatabase(), ${scans_hourly}, sipHash64(workspace_id, link_id));
-- end
