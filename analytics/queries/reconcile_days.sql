-- Operator only: every workspace. The same comparison as `reconcile`, one row for each UTC day from `since` to
-- `until`, both included, on which there is anything.
SELECT
    day,
    sum(of_rows) AS rows,
    sum(of_ids) AS unique_ids,
    sum(of_hours) AS hourly,
    sumMap(of_dimensions) AS daily
FROM
(
    SELECT
        toDate(at, 'UTC') AS day,
        count() AS of_rows,
        uniqExact(event_id) AS of_ids,
        0 AS of_hours,
        CAST(map(), 'Map(String, UInt64)') AS of_dimensions
    FROM events
    WHERE toDate(at, 'UTC') BETWEEN {since:Date} AND {until:Date}
    GROUP BY day
    UNION ALL
    SELECT toDate(hour, 'UTC') AS day, 0, 0, sum(scans), CAST(map(), 'Map(String, UInt64)')
    FROM scans_hourly
    WHERE toDate(hour, 'UTC') BETWEEN {since:Date} AND {until:Date}
    GROUP BY day
    UNION ALL
    SELECT day, 0, 0, 0, CAST(map(toString(dimension), sum(scans)), 'Map(String, UInt64)')
    FROM scans_daily
    WHERE day BETWEEN {since:Date} AND {until:Date}
    GROUP BY day, dimension
)
GROUP BY day
ORDER BY day
