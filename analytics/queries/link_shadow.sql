-- One link's scans by people on one UTC day that its rules were asked about, grouped by the recorded `facts` that
-- are named (columns of events; `bucket`: one of 10,000 places in a split; `is_new`: whether the visitor's first of
-- the day; `at`: the quarter of an hour, or with `minutes` the minute; what is not named is '' or 0), the largest
-- groups first. `total` counts the scans of all groups, also of those beyond `limit`.
SELECT
    if(has({facts:Array(String)}, 'at'),
        if({minutes:UInt8} = 1, toStartOfMinute(moment), toStartOfFifteenMinutes(moment)),
        toDateTime(0, 'UTC')) AS at,
    if(has({facts:Array(String)}, 'country'), country, '') AS country,
    if(has({facts:Array(String)}, 'region'), region, '') AS region,
    if(has({facts:Array(String)}, 'city'), city, '') AS city,
    if(has({facts:Array(String)}, 'continent'), continent, '') AS continent,
    if(has({facts:Array(String)}, 'device'), device, '') AS device,
    if(has({facts:Array(String)}, 'os'), os, '') AS os,
    if(has({facts:Array(String)}, 'in_app'), in_app, '') AS in_app,
    if(has({facts:Array(String)}, 'language'), language, '') AS language,
    if(has({facts:Array(String)}, 'referrer_host'), referrer_host, '') AS referrer_host,
    if(has({facts:Array(String)}, 'placement'), placement, '') AS placement,
    if(has({facts:Array(String)}, 'utm_source'), utm_source, '') AS utm_source,
    if(has({facts:Array(String)}, 'utm_medium'), utm_medium, '') AS utm_medium,
    if(has({facts:Array(String)}, 'utm_campaign'), utm_campaign, '') AS utm_campaign,
    if(has({facts:Array(String)}, 'utm_term'), utm_term, '') AS utm_term,
    if(has({facts:Array(String)}, 'utm_content'), utm_content, '') AS utm_content,
    if(has({facts:Array(String)}, 'bucket'), visitor_id % 10000, 0) AS bucket,
    if(has({facts:Array(String)}, 'is_new'), nth = 1, 0) AS is_new,
    count() AS scans,
    sum(count()) OVER () AS total
FROM
(
    SELECT
        toDateTime(at, 'UTC') AS moment,
        country, region, city, continent, device, os, in_app, language, referrer_host, placement,
        utm_source, utm_medium, utm_campaign, utm_term, utm_content, visitor_id,
        row_number() OVER (PARTITION BY visitor_id ORDER BY events.at, event_id) AS nth
    FROM events
    WHERE workspace_id = {workspace_id:UInt64}
        AND link_id = {link_id:UInt64}
        AND events.at >= {since:DateTime('UTC')}
        AND events.at < {until:DateTime('UTC')}
        AND is_bot = 0
        AND reason IN ('ok', 'notice', 'gone', 'password')
)
GROUP BY
    at, country, region, city, continent, device, os, in_app, language, referrer_host, placement,
    utm_source, utm_medium, utm_campaign, utm_term, utm_content, bucket, is_new
ORDER BY scans DESC
LIMIT {limit:UInt32}
