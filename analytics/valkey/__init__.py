"""Where Valkey is and how its keys are spread: what the edge, ingest and the control plane share.

`url` and `shards` need the standard library only. `client` is the blocking client of ingest and the control
plane, `listener` the asynchronous one of the console's live streams; the edge has its own, which must never
wait for long.
"""
