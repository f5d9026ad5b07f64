-- wrk: codes in rotation, with the headers of a phone that has just scanned one.
-- Arguments after `--`: what codes begin with, how many there are, and milliseconds that each connection
-- waits before its next request (0: none).
local headers = {
  ["Host"] = "go.example.com",
  ["User-Agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "en-GB,en;q=0.9",
  ["Accept-Encoding"] = "gzip, deflate, br",
  ["Sec-Fetch-Dest"] = "document",
  ["Sec-Fetch-Mode"] = "navigate",
  ["Sec-Fetch-Site"] = "none",
  ["Priority"] = "u=0, i",
}
local before, after, codes, n, wait

function init(args)
  local prefix = args[1] or "bench"
  codes, wait = tonumber(args[2] or 1000), tonumber(args[3] or 0)
  local whole = wrk.format("GET", "/" .. prefix .. "@", headers)
  local at = whole:find("@", 1, true)
  before, after = whole:sub(1, at - 1), whole:sub(at + 1)
  math.randomseed(os.time())
  n = math.random(0, codes - 1)
end

function request()
  n = (n + 1) % codes
  return before .. string.format("%07d", n) .. after
end

function delay()
  -- Around the mean, so that connections do not march in step.
  return wait > 0 and math.random(0, 2 * wait) or 0
end

function done(summary, latency, r)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status))
end
