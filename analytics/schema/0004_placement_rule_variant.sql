-- Where the code hung, which of the link's rules answered, and which variant of its split. Counted from 1, of
-- the edit named by link_version; 0 is none.

ALTER TABLE ${events} ${on_cluster}
    ADD COLUMN IF NOT EXISTS placement LowCardinality(String),
    ADD COLUMN IF NOT EXISTS rule UInt16,
    ADD COLUMN IF NOT EXISTS variant UInt8;

-- if cluster
ALTER TABLE events ${on_cluster}
    ADD COLUMN IF NOT EXISTS placement LowCardinality(String),
    ADD COLUMN IF NOT EXISTS rule UInt16,
    ADD COLUMN IF NOT EXISTS variant UInt8;
-- end

-- A view beside the first, which goes on as it is: after ALTER … MODIFY QUERY and a restart, a retried insert
-- is counted again. Variants of two splits are different things, so a variant's value begins with its rule: 2.1.
CREATE MATERIALIZED VIEW IF NOT EXISTS scans_daily_rules_mv ${on_cluster} TO ${scans_daily} AS
SELECT
    workspace_id,
    link_id,
    toDate(at, 'UTC') AS day,
    pair.1 AS dimension,
    pair.2 AS value,
    is_bot,
    count() AS scans,
    uniqState(visitor_id) AS visitors
FROM ${events}
ARRAY JOIN
    [
        ('placement', toString(placement)),
        ('rule', if(rule = 0, '', toString(rule))),
        ('variant', if(variant = 0, '', concat(toString(rule), '.', toString(variant))))
    ] AS pair
GROUP BY workspace_id, link_id, day, dimension, value, is_bot;

-- Every scan is once in each dimension, those of before too: they had no placement, rule or variant. Filled from
-- the rollup itself, which is small, and older than the oldest event. What is there already is left out, so that
-- a second run adds nothing; of two runs at once, the token lets one through.
INSERT INTO scans_daily
SETTINGS
    insert_deduplication_token = '0004_placement_rule_variant',
    insert_deduplicate = 1,
    distributed_foreground_insert = 1,
    max_partitions_per_insert_block = 0,
    max_threads = 1,
    max_insert_threads = 1,
    max_block_size = 1048576,
    min_insert_block_size_rows = 1000000000,
    min_insert_block_size_bytes = 0
SELECT
    workspace_id,
    link_id,
    day,
    added AS dimension,
    '' AS value,
    is_bot,
    sumIf(scans_daily.scans, scans_daily.dimension = 'reason')
        - sumIf(scans_daily.scans, scans_daily.dimension = added) AS scans,
    uniqMergeState(scans_daily.visitors) AS visitors
FROM scans_daily
ARRAY JOIN ['placement', 'rule', 'variant'] AS added
WHERE scans_daily.dimension IN ('reason', added)
GROUP BY workspace_id, link_id, day, added, is_bot
HAVING scans > 0
ORDER BY workspace_id, added, link_id, day, is_bot;
