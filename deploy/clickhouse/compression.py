"""HTTP content codings, both ways, a piece at a time and in bounded memory."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import lz4.frame
from backports import zstd

from deploy.clickhouse.errors import ClickHouseError

_PIECE: Final = 1 << 20
# In order of preference when a client takes several: the cheapest first.
_CODINGS: Final = ("lz4", "zstd", "gzip", "deflate")


class Encoder(Protocol):
    def encode(self, data: bytes) -> bytes:
        """The encoded bytes, flushed, so that the reader can decode all it was given."""

    def finish(self) -> bytes: ...


def choose(accept_encoding: str) -> str:
    """The coding to answer in, or empty for none."""
    accepted = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    return next((coding for coding in _CODINGS if coding in accepted), "")


def encoder(coding: str) -> Encoder:
    if coding == "lz4":
        return _Lz4()
    if coding == "zstd":
        return _Zstd()
    return _Zlib(31 if coding == "gzip" else 15)


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._stream = zlib.compressobj(level=1, wbits=wbits)

    def encode(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._stream.flush()


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstd.ZstdCompressor(level=1)

    def encode(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK))

    def finish(self) -> bytes:
        return bytes(self._stream.flush(zstd.ZstdCompressor.FLUSH_FRAME))


class _Lz4:
    def __init__(self) -> None:
        self._stream = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        self._head = self._stream.begin()

    def encode(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._stream.compress(data))

    def finish(self) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._stream.flush())


def decode(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The body behind a Content-Encoding. Raises ClickHouseError."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return iter(pieces)
    if coding in ("gzip", "x-gzip", "deflate"):
        return _decode(pieces, lambda: _Inflate(47 if coding != "deflate" else 15), coding)
    if coding == "lz4":
        return _decode(pieces, lz4.frame.LZ4FrameDecompressor, coding)
    if coding == "zstd":
        return _decode(pieces, zstd.ZstdDecompressor, coding)
    raise ClickHouseError.make(
        48,
        "NOT_IMPLEMENTED",
        f"Content-Encoding {coding!r} is not supported here: use {', '.join(_CODINGS)}.",
    )


class _Inflate:
    """zlib's stream with the interface of the other two."""

    def __init__(self, wbits: int) -> None:
        self._stream = zlib.decompressobj(wbits)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data


def _decode(pieces: Iterable[bytes], new: Any, coding: str) -> Iterator[bytes]:
    stream, fresh = new(), True
    try:
        for piece in pieces:
            data = piece
            while data or not (stream.needs_input or stream.eof):
                if stream.eof:
                    # Several frames one after the other are one body.
                    stream, fresh = new(), True
                out = stream.decompress(data, _PIECE)
                fresh = fresh and not data
                data = (stream.unused_data or b"") if stream.eof else b""
                if out:
                    yield out
    except (zlib.error, RuntimeError, zstd.ZstdError) as error:
        raise ClickHouseError.make(
            354, "CANNOT_DECOMPRESS", f"The body is not valid {coding}: {error}."
        ) from error
    if not stream.eof and not fresh:
        raise ClickHouseError.make(354, "CANNOT_DECOMPRESS", f"The {coding} body ends in the middle.")
