-- One row per scan of a pass at a gate, refusals included; 0 is none. Who holds the pass is nowhere here.
--
-- The truth is PostgreSQL's: a row that changes there (a scan that was taken back) is written again, with a higher
-- version. `at` never does, so that both stand in one partition. Read it with FINAL; a rollup by a view would
-- count what was written twice.

CREATE TABLE IF NOT EXISTS ${redemptions} ${on_cluster}
(
    attempt_id UInt64,
    workspace_id UInt64,
    program_id UInt64,
    gate_id UInt64,
    device_id UInt64,
    zone_id UInt64,
    issuer_id UInt64,
    pass_id UInt64,
    at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    direction LowCardinality(String),
    reason LowCardinality(String),
    refused_as LowCardinality(String),
    use_no UInt32,
    offline UInt8,
    conflict UInt8,
    undone UInt8,
    version UInt64 CODEC(Delta, ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replicated}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (workspace_id, program_id, at, attempt_id)
TTL toDateTime(at) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1;

-- if cluster
-- All versions of a row are on one shard.
CREATE TABLE IF NOT EXISTS redemptions ${on_cluster} AS ${redemptions}
ENGINE = Distributed(${cluster}, currentDatabase(), ${redemptions}, sipHash64(workspace_id, program_id));
-- end
