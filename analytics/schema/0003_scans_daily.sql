-- Scans by UTC day and dimension: what the breakdowns read. Every event is once in each dimension, the
-- empty value included, so the sum over one dimension is the number of events.

CREATE TABLE IF NOT EXISTS ${scans_daily} ${on_cluster}
(
    workspace_id UInt64,
    link_id UInt64,
    day Date,
    dimension LowCardinality(String),
    value String,
    is_bot UInt8,
    scans SimpleAggregateFunction(sum, UInt64),
    visitors AggregateFunction(uniq, UInt64)
)
ENGINE = ${replicated}AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace_id, dimension, link_id, day, value, is_bot)
SETTINGS ${window} = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS scans_daily_mv ${on_cluster} TO ${scans_daily} AS
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
        ('country', toString(country)),
        ('city', if(city = '' OR country = '', toString(city), concat(city, ', ', country))),
        ('device', toString(device)),
        ('os', toString(os)),
        ('browser', toString(browser)),
        ('referrer', toString(referrer_host)),
        ('utm_source', toString(utm_source)),
        ('utm_medium', toString(utm_medium)),
        ('utm_campaign', toString(utm_campaign)),
        ('language', toString(language)),
        ('reason', toString(reason)),
        ('in_app', toString(in_app))
    ] AS pair
GROUP BY workspace_id, link_id, day, dimension, value, is_bot;

-- if cluster
CREATE TABLE IF NOT EXISTS scans_daily ${on_cluster} AS ${scans_daily}
ENGINE = Distributed(${cluster}, currentDatabase(), ${scans_daily}, sipHash64(workspace_id, link_id));
-- end
