"""Running one request against the engine: its settings, its data, its result block by block."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.clickhouse.engine import quote, quote_name
from deploy.clickhouse.errors import ClickHouseError
from deploy.clickhouse.formats import Joiner, has_header, is_streamable
from deploy.clickhouse.statement import Statement, guard, parse

# The statement itself, or the head of an INSERT, is looked for in this many bytes.
_HEAD: Final = 256 * 1024
# A statement without data, or VALUES with expressions in it, is held in memory and bounded.
_MAX_TEXT: Final = 16 * 1024 * 1024
_NOT_STREAMABLE: Final = "Streaming query is not supported"


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table that came with the request, and lives as long as it."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for."""

    query: bytes
    """The statement from the URL or the form; empty where the body is the statement."""
    body: Iterator[bytes]
    tag: str
    """Marks the running query, so that it can be stopped."""
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    database: str = ""
    default_format: str = ""
    read_only: bool = False
    tables: tuple[ExternalTable, ...] = ()


@dataclass(slots=True)
class Outcome:
    """A result on its way: `blocks` runs the query further as it is read, and must be closed."""

    format: str
    """Empty where the statement has no result."""
    blocks: Iterator[bytes]
    summary: dict[str, int]
    close: Callable[[], None] = lambda: None


def run(connection: Any, call: Call) -> Outcome:
    """Starts the call; its first block is there when this returns. Raises ClickHouseError."""
    statement, rest = _read_statement(call)
    try:
        _prepare(connection, call)
        if statement.takes_data:
            return _insert(connection, call, statement, rest)
        return _query(connection, call, statement)
    except ClickHouseError:
        raise
    except Exception as error:
        raise ClickHouseError.from_engine(error) from error


def _read_statement(call: Call) -> tuple[Statement, Iterator[bytes]]:
    head, ended = _take(call.body, _HEAD)
    text = call.query + (b"\n" if call.query and head else b"") + head
    statement = parse(text)
    if statement.takes_data and statement.data_format != "Values":
        return statement, call.body
    if not ended:
        rest, ended = _take(call.body, _MAX_TEXT)
        if not ended:
            raise ClickHouseError.make(
                165,
                "QUERY_IS_TOO_LARGE",
                f"The query is larger than {_MAX_TEXT} bytes: send data by INSERT … FORMAT.",
            )
        statement = parse(text + rest)
    return statement, iter(())


def _take(body: Iterator[bytes], limit: int) -> tuple[bytes, bool]:
    """Up to about `limit` bytes, and whether the body ended."""
    pieces, size = [], 0
    while size < limit:
        piece = next(body, None)
        if piece is None:
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), False


def _prepare(connection: Any, call: Call) -> None:
    for table in call.tables:
        guard(table.structure.encode())
        _check_format(table.format)
        connection.query(f"CREATE TEMPORARY TABLE {quote_name(table.name)} ({table.structure})")
        inserter = connection.send_insert(f"INSERT INTO {quote_name(table.name)}", table.format)
        inserter.append(table.data)
        inserter.finish()
    settings = call.settings | {"log_comment": call.tag}
    for name in settings:
        if not name.isidentifier() or not name.isascii():
            raise ClickHouseError.make(115, "UNKNOWN_SETTING", f"Unknown setting '{name[:80]}'")
    connection.query("SET " + ", ".join(f"{name} = {quote(value)}" for name, value in settings.items()))
    if call.read_only and settings.get("readonly", "0") == "0":
        # As the server does for GET: nothing may change, settings may be given.
        connection.query("SET readonly = 2")


def _insert(connection: Any, call: Call, statement: Statement, rest: Iterable[bytes]) -> Outcome:
    if statement.data_format == "Values" and call.parameters:
        text = (statement.text + b"VALUES" + statement.data).decode()
        return _finished(connection.query(text, "TabSeparated", params=call.parameters), "")
    inserter = connection.send_insert(statement.text.decode(), statement.data_format)
    try:
        if statement.data:
            inserter.append(statement.data)
        for piece in rest:
            inserter.append(piece)
        result = inserter.finish()
    except BaseException:
        # Also where the client went away in the middle: half a body is never committed.
        with contextlib.suppress(RuntimeError):
            inserter.cancel()
        raise
    written = {"written_rows": result.rows_written, "written_bytes": result.bytes_written}
    return Outcome("", iter(()), written)


def _query(connection: Any, call: Call, statement: Statement) -> Outcome:
    wanted = statement.output_format or call.default_format
    name = wanted or "TabSeparated"
    if not statement.output_format:
        _check_format(name)
    text = statement.text.decode()
    if statement.streamed and is_streamable(name) and call.settings.get("extremes", "0") == "0":
        outcome = _stream(connection, call, statement, name)
        if outcome is not None:
            return outcome
    if wanted:
        result = connection.query(text, _argument(statement, name), params=call.parameters)
        return _finished(result, name)
    # Names are asked for to tell an empty result from no result: only the first has a line of names.
    result = connection.query(text, "TabSeparatedWithNames", params=call.parameters)
    data = bytes(result.bytes() or b"")
    return _finished(result, "TabSeparated" if data else "", data.partition(b"\n")[2])


def _stream(connection: Any, call: Call, statement: Statement, name: str) -> Outcome | None:
    """None where the statement cannot be streamed, or came back empty in a format that has a header."""
    try:
        text = statement.text.decode()
        stream = connection.send_query(text, _argument(statement, name), params=call.parameters)
    except Exception as error:
        if _NOT_STREAMABLE in str(error):
            return None
        raise
    first = stream.fetch()
    if first is None and has_header(name):
        return None
    summary = {"read_rows": 0, "read_bytes": 0, "result_rows": 0}

    def blocks() -> Iterator[bytes]:
        joiner = Joiner(name)
        block = first
        try:
            while block is not None:
                summary["result_rows"] += block.rows_read()
                summary["read_rows"] = max(
                    summary["read_rows"], block.storage_rows_read(), summary["result_rows"]
                )
                summary["read_bytes"] += block.bytes_read()
                yield joiner.add(bytes(block.bytes() or b""))
                block = stream.fetch()
        except GeneratorExit:
            raise
        except Exception as error:
            raise ClickHouseError.from_engine(error) from error

    return Outcome(name, blocks(), summary, stream.close)


def _argument(statement: Statement, name: str) -> str:
    """What chDB is given as the format: its own names (DataFrame …) mean Python objects there, so a format
    from the statement is left to the engine, which prefers it."""
    return "TabSeparated" if statement.output_format else name


def _check_format(name: str) -> None:
    if not re.fullmatch(r"\w+", name) or name.lower() in ("dataframe", "datastore", "arrowtable"):
        raise ClickHouseError.make(73, "UNKNOWN_FORMAT", f"Unknown format {name[:80]}.")


def _finished(result: Any, name: str, data: bytes | None = None) -> Outcome:
    body = bytes(result.bytes() or b"") if data is None else data
    summary = {
        "read_rows": max(result.rows_read(), result.storage_rows_read()),
        "read_bytes": result.bytes_read(),
        "written_rows": result.rows_written(),
        "written_bytes": result.bytes_written(),
        "result_rows": result.rows_read(),
    }
    return Outcome(name if body or name else "", iter((body,) if body else ()), summary)
