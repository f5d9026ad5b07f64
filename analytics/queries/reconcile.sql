-- Operator only: every workspace. Whether the rollups hold what the events hold, over the UTC days from `since`
-- to `until`, both included: rows, unique event ids, and the sums of the hourly rollup and of each dimension of
-- the daily one. All of them are equal when nothing is lost or doubled.
SELECT
    (SELECT count() FROM events WHERE toDate(at, 'UTC') BETWEEN {since:Date} AND {until:Date}) AS rows,
    (SELECT uniqExact(event_id) FROM events WHERE toDate(at, 'UTC') BETWEEN {since:Date} AND {until:Date}) AS unique_ids,
    (SELECT sum(scans) FROM scans_hourly WHERE toDate(hour, 'UTC') BETWEEN {since:Date} AND {until:Date}) AS hourly,
    (
        SELECT mapFromArrays(groupArray(dimension), groupArray(total))
        FROM
        (
            SELECT toString(dimension) AS dimension, sum(scans) AS total
            FROM scans_daily
            WHERE day BETWEEN {since:Date} AND {until:Date}
            GROUP BY dimension
            ORDER BY dimension
        )
    ) AS daily
