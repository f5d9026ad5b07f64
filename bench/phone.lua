-- wrk: 1,000 codes in rotation, with the headers of a phone that has just scanned one.
local codes, n = 1000, 0
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
local requests = {}
function init()
  for i = 0, codes - 1 do
    requests[i] = wrk.format("GET", string.format("/bench%04d", i), headers)
  end
  n = math.random(0, codes - 1)
end
function request()
  n = (n + 1) % codes
  return requests[n]
end
function done(summary, latency, r)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status))
end
