"""The process that answers a scan: resolve, decide, record, respond."""
