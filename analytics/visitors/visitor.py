"""Counting people without keeping who they are: a keyed hash under a salt that changes every UTC day."""

from hashlib import blake2b


def visitor_id(salt: bytes, ip: str, user_agent: str, workspace_id: int) -> int:
    """Unsigned 64-bit id: equal for one (address, agent, workspace) on one day, unlinkable across both.

    BLAKE2b in keyed mode (RFC 7693 section 2.5). Each part carries its length, so that no two triples
    make the same message. At 10 million visitors a day a collision takes one person in about 3.7 million.
    """
    address, agent = ip.encode(errors="replace"), user_agent.encode(errors="replace")
    message = b"%d:%b|%d:%b|%d" % (len(address), address, len(agent), agent, workspace_id)
    return int.from_bytes(blake2b(message, digest_size=8, key=salt).digest(), "big")
