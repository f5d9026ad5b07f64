"""One HTTP connection: parsing requests as ClickHouse does, and answering with its headers."""

import base64
import contextlib
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from deploy.clickhouse import compression
from deploy.clickhouse.body import read_body
from deploy.clickhouse.errors import ClickHouseError
from deploy.clickhouse.form import is_about_table, is_form, parse_form
from deploy.clickhouse.query import Call, ExternalTable, Outcome, run
from deploy.clickhouse.sessions import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from deploy.clickhouse.server import Server

_PIECE: Final = 1 << 20
# What a client that was refused may still send before the connection is cut.
_MAX_DRAIN: Final = 16 << 20
# A result that is wanted whole before its headers waits in memory up to this, then in a file.
_SPOOL: Final = 4 << 20

# Arguments that speak to the server; every other one is a setting.
_TRANSPORT: Final = frozenset(
    (
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "role",
        "stacktrace",
        "close_session",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
    )
)
_CONTENT_TYPES: Final = {
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnames": "text/tab-separated-values; charset=UTF-8",
    "": "text/plain; charset=UTF-8",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300  # seconds a connection may be silent
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        return "scanway-clickhouse"

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: statements may hold what should not be in a log."""

    def do_GET(self) -> None:
        self._answer(read_only=True)

    def do_HEAD(self) -> None:
        self._answer(read_only=True)

    def do_POST(self) -> None:
        self._answer(read_only=False)

    @property
    def _server(self) -> "Server":
        return cast("Server", self.server)

    def _answer(self, *, read_only: bool) -> None:
        url = urlsplit(self.path)
        self._started = False
        self._body = read_body(self.rfile, self.headers)
        self._fixed_headers: dict[str, str] = {}
        if url.path == "/ping":
            self._drain()
            return self._send_whole(200, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
        try:
            if url.path != "/":
                self._drain()
                return self._send_whole(404, b"There is no handle for this path. Use / or /ping.\n", {})
            self._run(dict(parse_qsl(url.query, keep_blank_values=True)), read_only)
        except ClickHouseError as error:
            self._send_error(error)

    def _run(self, args: dict[str, str], read_only: bool) -> None:
        server = self._server
        query_id = args.get("query_id") or str(uuid.uuid4())
        self._exception_tag = server.new_exception_tag()
        self._fixed_headers = {
            "X-ClickHouse-Server-Display-Name": server.display_name,
            "X-ClickHouse-Query-Id": _clean(query_id),
            "X-ClickHouse-Timezone": server.engine.timezone,
            "X-ClickHouse-Exception-Tag": self._exception_tag,
        }
        server.authenticate(*self._credentials(args))
        form, tables = self._form(args)
        args |= form
        if args.get("compress", "0") != "0" or args.get("decompress", "0") != "0":
            raise ClickHouseError.make(
                48,
                "NOT_IMPLEMENTED",
                "compress and decompress are not supported here: use Content-Encoding and Accept-Encoding.",
            )
        if self.command != "POST" and "query" not in args:
            return self._send_whole(200, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
        body = (
            iter(())
            if form or tables
            else compression.decode(self._body, self.headers.get("Content-Encoding", ""))
        )
        settings = {
            key: value
            for key, value in args.items()
            if key not in _TRANSPORT and not key.startswith("param_") and not is_about_table(key, tables)
        }
        call = Call(
            query=args.get("query", "").encode(),
            body=body,
            tag=f"{uuid.uuid4()}",
            parameters={key[6:]: value for key, value in args.items() if key.startswith("param_")},
            settings=settings,
            database=args.get("database") or self.headers.get("X-ClickHouse-Database", ""),
            default_format=self.headers.get("X-ClickHouse-Format", "") or args.get("default_format", ""),
            read_only=read_only,
            tables=tables,
        )
        watched = (
            self.connection
            if read_only or settings.get("cancel_http_readonly_queries_on_client_close") == "1"
            else None
        )
        server.begin(call.tag, watched)
        try:
            with self._connection(args, call) as connection:
                began = time.perf_counter_ns()
                outcome = run(connection, call)
                try:
                    self._send_outcome(outcome, args, began)
                finally:
                    outcome.close()
        finally:
            server.end(call.tag)

    @contextlib.contextmanager
    def _connection(self, args: dict[str, str], call: Call) -> Iterator[Any]:
        session = args.get("session_id", "")
        if session:
            timeout = args.get("session_timeout", str(DEFAULT_TIMEOUT))
            with self._server.sessions.use(
                session,
                int(timeout) if timeout.isdigit() else 0,
                args.get("session_check", "0") == "1",
                call.database,
                list(call.settings),
            ) as connection:
                yield connection
            return
        connection = self._server.engine.connect(call.database)
        try:
            yield connection
        finally:
            connection.close()

    def _credentials(self, args: dict[str, str]) -> tuple[str, str]:
        if "X-ClickHouse-User" in self.headers or "X-ClickHouse-Key" in self.headers:
            return self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except ValueError:
                user, password = "", "\0"
            return user, password
        return args.get("user", ""), args.get("password", "")

    def _form(self, args: dict[str, str]) -> tuple[dict[str, str], tuple[ExternalTable, ...]]:
        kind = self.headers.get("Content-Type", "")
        return parse_form(kind, self._body, args) if is_form(kind) else ({}, ())

    def _drain(self) -> None:
        """Reads what is left of the body, so that the client gets to read; too much cuts the connection."""
        size = 0
        try:
            for piece in self._body:
                size += len(piece)
                if size > _MAX_DRAIN:
                    self.close_connection = True
                    break
        except (ClickHouseError, OSError):
            self.close_connection = True

    def _send_outcome(self, outcome: Outcome, args: dict[str, str], began: int) -> None:
        coding = ""
        if args.get("enable_http_compression", "0") != "0":
            coding = compression.choose(self.headers.get("Accept-Encoding", ""))
        headers = {"Content-Type": _CONTENT_TYPES.get(outcome.format.lower(), "application/octet-stream")}
        if outcome.format:
            headers["X-ClickHouse-Format"] = outcome.format
        if coding:
            headers["Content-Encoding"] = coding
        pieces = outcome.blocks
        if args.get("wait_end_of_query", "0") != "0":
            with tempfile.SpooledTemporaryFile(_SPOOL, dir=self._server.engine.path / "tmp") as spool:
                for piece in outcome.blocks:
                    spool.write(piece)
                size = spool.tell()
                spool.seek(0)
                headers["X-ClickHouse-Summary"] = _summary(outcome.summary, began)
                pieces = iter(lambda: spool.read(_PIECE), b"")
                self._send_pieces(pieces, headers, coding, size)
            return
        headers["X-ClickHouse-Summary"] = _summary(outcome.summary, began)
        self._send_pieces(pieces, headers, coding, 0 if not outcome.format else None)

    def _send_pieces(
        self, pieces: Iterator[bytes], headers: dict[str, str], coding: str, size: int | None
    ) -> None:
        """Sends a result; its length in the header where it is known and not encoded."""
        self._drain()
        encoder = compression.encoder(coding) if coding else None
        chunked = encoder is not None or size is None
        if chunked and self.request_version == "HTTP/1.0":
            chunked = False
            self.close_connection = True
        elif chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(size)
        self._start(200, headers)
        if self.command == "HEAD":
            return
        try:
            for piece in pieces:
                self._write(encoder.encode(piece) if encoder else piece, chunked)
        except ClickHouseError as error:
            marked = _mid_stream(self._message(error), self._exception_tag)
            self._write(encoder.encode(marked) if encoder else marked, chunked)
            # No last chunk: a client that does not know the mark still sees that the result is not whole.
            self.close_connection = True
            return
        if encoder:
            self._write(encoder.finish(), chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, chunked: bool) -> None:
        if not data:
            return
        if chunked:
            self.wfile.write(b"%x\r\n" % len(data))
            self.wfile.write(data)
            self.wfile.write(b"\r\n")
        else:
            self.wfile.write(data)
        self.wfile.flush()

    def _message(self, error: ClickHouseError) -> str:
        return f"{error} (version {self._server.engine.version} (official build))"

    def _send_error(self, error: ClickHouseError) -> None:
        if self._started:
            self.close_connection = True
            return
        self._drain()
        headers = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "Content-Type": "text/plain; charset=UTF-8",
        }
        self._send_whole(error.status, f"{self._message(error)}\n".encode(), headers)

    def _send_whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._start(status, headers | {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self._started = True
        if self._server.stopping.is_set():
            self.close_connection = True
        self.send_response(status)
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        for name, value in (self._fixed_headers | headers).items():
            self.send_header(name, value)
        self.end_headers()


def _clean(text: str) -> str:
    return "".join(character for character in text if " " <= character <= "~")[:200]


def _summary(counts: dict[str, int], began: int) -> str:
    names = (
        "read_rows",
        "read_bytes",
        "written_rows",
        "written_bytes",
        "total_rows_to_read",
        "result_rows",
        "result_bytes",
    )
    values = {name: str(counts.get(name, 0)) for name in names}
    return json.dumps(values | {"elapsed_ns": str(time.perf_counter_ns() - began)})


def _mid_stream(message: str, tag: str) -> bytes:
    """An exception after the headers left, framed by the tag that they announced (ClickHouse ≥ 25.11)."""
    data = message.encode()
    return b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
        tag.encode(),
        data,
        len(data) + 1,
        tag.encode(),
    )
