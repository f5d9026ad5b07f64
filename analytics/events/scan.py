"""A scan as the edge saw it: raw, unparsed, on its way through the spool."""

import msgspec


class Scan(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One answered request for a code.

    Encoded as a MessagePack array, so the order of the fields is the format: a new field goes last and
    has a default, which lets an old segment be read by new code and the other way round.
    """

    event_id: bytes
    """UUIDv7, 16 bytes, minted once by the edge."""
    at: int
    """When the request was answered, in microseconds since 1970-01-01 UTC."""
    workspace_id: int
    """0 for a code that belongs to nobody."""
    link_id: int
    link_version: int
    """Which edit of the link answered."""
    reason: str
    """A `Reason`."""
    status: int
    """The HTTP status sent."""
    method: str
    host: str
    code: str
    query: str
    """The raw query string, without the question mark, at most 2,048 bytes."""
    ip: str
    """The client's address. It lives in the local spool only and is dropped when the event is enriched."""
    user_agent: str = ""
    accept_language: str = ""
    referer: str = ""
    accept: str = ""
    purpose: str = ""
    """`Sec-Purpose` or `Purpose`: a prefetch is not a person looking."""
    sec_fetch_mode: str = ""
    ch_platform: str = ""
    """`Sec-CH-UA-Platform`, quotes included, as sent."""
    ch_mobile: str = ""
    ch_model: str = ""
    placement: str = ""
    """Where the code hangs, lower case, at most 64 characters; '' where the scan did not say."""
    rule: int = 0
    """Which of the link's rules answered, from 1; 0: none did. Of the edit named by `link_version`."""
    variant: int = 0
    """Which variant of a split, from 1; 0: no split."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Scan)

encode_scan = _encoder.encode


def decode_scan(payload: bytes) -> Scan:
    """The scan in one frame's payload. Raises msgspec.DecodeError where it is not one."""
    return _decoder.decode(payload)
