"""A multipart form: the statement and its parameters as fields, external tables as files."""

import io
from collections.abc import Iterable
from typing import Any, Final

import python_multipart

from deploy.clickhouse.errors import ClickHouseError
from deploy.clickhouse.query import ExternalTable

_MAX_FORM: Final = 64 << 20


def is_form(content_type: str) -> bool:
    return content_type.lower().startswith("multipart/form-data")


def parse_form(
    content_type: str, body: Iterable[bytes], args: dict[str, str]
) -> tuple[dict[str, str], tuple[ExternalTable, ...]]:
    """The fields and the tables; a table's columns and format may be among `args`. Raises ClickHouseError."""
    data = _read(body)
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}

    def on_field(part: Any) -> None:
        fields[part.field_name.decode()] = (part.value or b"").decode()

    def on_file(part: Any) -> None:
        part.file_object.seek(0)
        files[part.field_name.decode()] = part.file_object.read()
        part.close()

    headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(data)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(data), on_field, on_file)
    except ValueError as error:
        raise ClickHouseError.make(36, "BAD_ARGUMENTS", f"The form cannot be read: {error}") from error
    both = args | fields
    tables = tuple(
        ExternalTable(name, _structure(name, both), both.get(f"{name}_format", "TabSeparated"), content)
        for name, content in files.items()
    )
    return fields, tables


def is_about_table(key: str, tables: tuple[ExternalTable, ...]) -> bool:
    """Whether an argument describes one of the tables, and so is no setting."""
    return any(
        key in (f"{table.name}_format", f"{table.name}_structure", f"{table.name}_types") for table in tables
    )


def _read(body: Iterable[bytes]) -> bytes:
    pieces, size = [], 0
    for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_FORM:
            raise ClickHouseError.make(
                165, "QUERY_IS_TOO_LARGE", f"The form is larger than {_MAX_FORM} bytes."
            )
    return b"".join(pieces)


def _structure(name: str, args: dict[str, str]) -> str:
    """Columns: `name Type, …`, or only the types, then named _1, _2, …"""
    if f"{name}_structure" in args:
        return args[f"{name}_structure"]
    types = args.get(f"{name}_types", "")
    if not types:
        raise ClickHouseError.make(
            36, "BAD_ARGUMENTS", f"External table {name} needs {name}_structure or {name}_types."
        )
    return ", ".join(f"_{number} {kind}" for number, kind in enumerate(types.split(","), 1))
