"""The event contract: what the edge writes to its spool and everybody else reads.

This is one of the three doors between packages (see the design): it imports the standard library and
small codecs only.
"""

from analytics.events.reason import Reason
from analytics.events.scan import Scan, decode_scan, encode_scan
from analytics.events.segment import Damage, SegmentContents, frame, put_frame, read_segment, segment_header
from analytics.events.tick import Tick, tick_channel

__all__ = [
    "Damage",
    "Reason",
    "Scan",
    "SegmentContents",
    "Tick",
    "decode_scan",
    "encode_scan",
    "frame",
    "put_frame",
    "read_segment",
    "segment_header",
    "tick_channel",
]
