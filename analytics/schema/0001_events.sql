-- One row per scan. No IP address anywhere.

CREATE TABLE IF NOT EXISTS ${events} ${on_cluster}
(
    event_id UUID,
    chunk_id String CODEC(ZSTD(1)),
    at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    workspace_id UInt64,
    link_id UInt64,
    link_version UInt64,
    code String,
    host LowCardinality(String),
    reason LowCardinality(String),
    status UInt16,
    method LowCardinality(String),
    country LowCardinality(String),
    region LowCardinality(String),
    city LowCardinality(String),
    continent LowCardinality(String),
    device LowCardinality(String),
    device_model LowCardinality(String),
    os LowCardinality(String),
    browser LowCardinality(String),
    in_app LowCardinality(String),
    referrer_host LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    language LowCardinality(String),
    is_bot UInt8,
    bot_name LowCardinality(String),
    bot_signals Array(LowCardinality(String)),
    visitor_id UInt64,
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
    -- ingest asks whether a chunk older than the deduplication window is already here.
    INDEX chunk_id chunk_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ${replicated}MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace_id, link_id, at)
TTL toDateTime(at) + INTERVAL 25 MONTH
SETTINGS ${window} = 10000, ttl_only_drop_parts = 1;

-- if cluster
-- A link's events are on one shard, so its rollups are too.
CREATE TABLE IF NOT EXISTS events ${on_cluster} AS ${events}
ENGINE = Distributed(${cluster}, currentDatabase(), ${events}, sipHash64(workspace_id, link_id));
-- end
