"""A link's password: its hash, the cookie that remembers it for a while, and how often one may guess."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from typing import Final

from edge.unknown_limit import WINDOW, prefix

MAX_PASSWORD: Final = 256
"""Characters."""

# scrypt (RFC 7914) at 16 MB and about 50 ms of one core a try: call `verify` in a thread.
_LOG2_N: Final = 14
_R: Final = 8
_P: Final = 1
_SALT: Final = 16
_HASH: Final = 32
# What a stored hash may ask for: at most 64 MB. A damaged one never takes a worker's memory.
_format: Final = re.compile(r"scrypt\$(1[0-6])\$([1-8])\$([1-4])\$([\w-]{11,86})\$([\w-]{43})", re.ASCII)
_MAX_MEMORY: Final = 96 * 1024 * 1024

LIFETIME: Final = 3600
"""Seconds a password is remembered."""

_COOKIE: Final = "scanway_pw_"
_value: Final = re.compile(r"([1-9][0-9]{0,15})\.[\w-]{43}", re.ASCII)


def hash_password(text: str) -> str:
    """The form of `Record.password`, with a salt of its own. Raises ValueError."""
    if not text:
        raise ValueError("A password needs at least one character.")
    if len(text) > MAX_PASSWORD:
        raise ValueError(f"A password has at most {MAX_PASSWORD} characters; this one has {len(text)}.")
    salt = secrets.token_bytes(_SALT)
    digest = _scrypt(text, salt, _LOG2_N, _R, _P)
    return f"scrypt${_LOG2_N}${_R}${_P}${_base64(salt)}${_base64(digest)}"


def verify(password_hash: str, text: str) -> bool:
    """Whether this is the password, in constant time. A damaged hash has no right password."""
    found = _format.fullmatch(password_hash)
    if found is None or not text or len(text) > MAX_PASSWORD:
        return False
    log2_n, r, p = (int(part) for part in found.groups()[:3])
    try:
        salt = urlsafe_b64decode(found[4] + "=" * (-len(found[4]) % 4))
        digest = _scrypt(text, salt, log2_n, r, p)
    except (ValueError, MemoryError):
        return False
    return hmac.compare_digest(_base64(digest), found[5])


def cookie(record_password: str, link_id: int, now: int, lifetime: int = LIFETIME) -> str:
    """The value that says "this visitor gave the password", until `now + lifetime` in seconds since 1970.

    The key is the password's hash, so another password ends every cookie of the link.
    """
    return _signed(record_password, link_id, now + lifetime)


def unlocked(value: str, record_password: str, link_id: int, now: int) -> bool:
    """Whether the cookie's value is ours, of this link and this password, and still good."""
    found = _value.fullmatch(value)
    if found is None or not record_password:
        return False
    expires = int(found[1])
    # The whole value is compared as text: a byte has more than one spelling in base64.
    return hmac.compare_digest(_signed(record_password, link_id, expires), value) and now < expires


def cookie_name(link_id: int) -> str:
    return f"{_COOKIE}{link_id}"


def read_cookie(header: str, link_id: int) -> str:
    """The value in a Cookie header, '' where there is none."""
    wanted = cookie_name(link_id)
    for part in header.split(";"):
        name, _, value = part.partition("=")
        if name.strip() == wanted:
            return value.strip()
    return ""


def set_cookie(value: str, link_id: int, *, secure: bool, lifetime: int = LIFETIME) -> str:
    """The Set-Cookie line. `secure` where the visitor came by https.

    Its path is `/`, which works for every spelling of a code.
    """
    line = f"{cookie_name(link_id)}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax"
    return f"{line}; Secure" if secure else line


class PasswordLimit:
    """Wrong passwords a minute in this worker: per link and network (/24 or /48), and per link from all.

    A try is counted before its hash is computed, so that many at once do not slip through, and a right one
    is taken back. Tries that must wait are not counted: nobody waits longer than a minute.
    """

    def __init__(self, per_prefix: int = 10, per_link: int = 100, max_entries: int = 10_000) -> None:
        self._networks = _Windows(per_prefix, max_entries)
        self._links = _Windows(per_link, max_entries)

    def __len__(self) -> int:
        return len(self._networks.seen) + len(self._links.seen)

    def retry_after(self, ip: str, link_id: int, now: float) -> int:
        """Counts one try. 0 while allowed, else the seconds to wait. `now` is time.monotonic()."""
        network, link = f"{link_id} {prefix(ip)}", str(link_id)
        wait = max(self._networks.wait(network, now), self._links.wait(link, now))
        if not wait:
            self._networks.count(network, now)
            self._links.count(link, now)
        return wait

    def succeeded(self, ip: str, link_id: int) -> None:
        """The last try was the right password: it does not count."""
        self._networks.take_back(f"{link_id} {prefix(ip)}")
        self._links.take_back(str(link_id))


class _Windows:
    """Counts in fixed windows of a minute. Beyond `most`, the key that was quiet longest is forgotten."""

    def __init__(self, limit: int, most: int) -> None:
        self._limit = limit
        self._most = most
        self.seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, key: str, now: float) -> int:
        started, count = self.seen.get(key, (now, 0))
        if count < self._limit or now - started >= WINDOW:
            return 0
        return max(1, int(started + WINDOW - now + 0.999))

    def count(self, key: str, now: float) -> None:
        started, count = self.seen.pop(key, (now, 0))
        if now - started >= WINDOW:
            started, count = now, 0
        self.seen[key] = (started, count + 1)
        if len(self.seen) > self._most:
            self.seen.popitem(last=False)

    def take_back(self, key: str) -> None:
        found = self.seen.get(key)
        if found is not None:
            self.seen[key] = (found[0], max(0, found[1] - 1))


def _scrypt(text: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    # NFC: one phone sends é as one character, another as two (RFC 8265, section 4.2).
    password = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(password, salt=salt, n=1 << log2_n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_HASH)


def _signed(key: str, link_id: int, expires: int) -> str:
    message = f"scanway password {link_id} {expires}".encode()
    return f"{expires}.{_base64(hmac.digest(key.encode('utf-8', 'surrogatepass'), message, 'sha256'))}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
