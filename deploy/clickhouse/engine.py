"""The chDB engine on its folder: opening it safely, and a fresh connection for every query.

A connection costs 0.3 ms and has its own settings, database and temporary tables. So every request gets a
new one, and nothing a query sets can leak into the next: there is no pool to clean up.
"""

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from deploy.clickhouse.errors import CannotStart, ClickHouseError

LOCK: Final = "scanway.lock"
MARKER: Final = "scanway.json"
# Folders that chDB makes in an empty data folder.
_ENGINE_FOLDERS: Final = frozenset({"data", "metadata", "metadata_dropped", "store", "tmp", "user_defined"})
_OURS: Final = frozenset({LOCK, MARKER, "server"})

# What a query may do. Nothing that reads or writes outside this server's own tables: no file, url, s3,
# remote, no dictionaries (their source can be a command), no access management, no shutdown, no backup.
_TABLE_ENGINES: Final = [
    *(f"{kind}MergeTree" for kind in ("", "Replacing", "Summing", "Aggregating", "Collapsing")),
    *("VersionedCollapsingMergeTree", "Memory", "Null", "Log", "TinyLog", "Set", "Join", "Buffer", "Merge"),
    *("View", "MaterializedView", "GenerateRandom"),
]
_GRANTS: Final = [
    "GRANT SELECT, INSERT, ALTER TABLE, ALTER VIEW, CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
    "CREATE TEMPORARY TABLE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, SHOW, CHECK, KILL QUERY, "
    "MOVE PARTITION BETWEEN SHARDS, SYSTEM MERGES, SYSTEM FLUSH, SYSTEM DROP CACHE ON *.*",
    "GRANT SET DEFINER ON *",
    *(f"GRANT TABLE ENGINE ON {name}" for name in _TABLE_ENGINES),
]


class Engine:
    """One engine per process: chDB allows no second folder."""

    def __init__(self, path: Path, database: str) -> None:
        """Takes the folder, making it where it is missing. Raises CannotStart."""
        self.path = path
        self.database = database
        self._lock = _lock_folder(path)
        _refuse_foreign(path)

    def open(self) -> None:
        """Starts the engine: one to two seconds. Raises CannotStart."""
        path, database = self.path, self.database
        self._url = f"{path}?config-file={_write_config(path)}"
        # Imported here: it takes a second, and a folder in use is refused without waiting for it.
        os.environ["TZ"] = "UTC"
        import chdb

        self._connect = chdb.connect
        try:
            # Held open until the end: the engine lives as long as one connection does.
            self._keeper = chdb.connect(self._url)
            self.version = _text(self._keeper, "SELECT version()")
            self.timezone = _text(self._keeper, "SELECT serverTimezone()")
            self._keeper.query(f"CREATE DATABASE IF NOT EXISTS {quote_name(database)}")
        except Exception as error:
            raise CannotStart(f"ClickHouse cannot open {path}: {_reason(error)}") from error
        _mark(path, self.version)

    def connect(self, database: str = "") -> Any:
        """A new connection, set only to behave like the server. Raises ClickHouseError."""
        connection = self._connect(self._url)
        try:
            # The shell's habit of reading a bare expression as SELECT is off in the server.
            connection.query("SET implicit_select = 0")
            connection.query(f"USE {quote_name(database or self.database)}")
        except Exception as error:
            connection.close()
            raise ClickHouseError.from_engine(error) from None
        return connection

    def kill(self, tag: str) -> None:
        """Stops the query whose `log_comment` is the tag; returns without waiting for it."""
        connection = self.connect()
        try:
            connection.query(f"KILL QUERY WHERE Settings['log_comment'] = {quote(tag)} ASYNC")
        finally:
            connection.close()

    def close(self) -> None:
        self._keeper.close()
        os.close(self._lock)


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """An identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _text(connection: Any, sql: str) -> str:
    return bytes(connection.query(sql, "TabSeparatedRaw").bytes()).decode().strip()


def _reason(error: Exception) -> str:
    return str(ClickHouseError.from_engine(error)).partition("DB::Exception: ")[2] or str(error)


def _lock_folder(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except NotADirectoryError as error:
        raise CannotStart(f"{path} is not a folder: set SCANWAY_CLICKHOUSE_PATH to one.") from error
    except FileExistsError as error:
        raise CannotStart(f"{path} is not a folder: set SCANWAY_CLICKHOUSE_PATH to one.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise CannotStart(f"The disk that holds {path} is full: free some space.") from error
        raise CannotStart(
            f"The folder {path} cannot be written ({error.strerror}): make it writable for this user, "
            "or set SCANWAY_CLICKHOUSE_PATH to another one."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise CannotStart(
            f"Another scanway clickhouse is running on {path}: stop it, "
            "or set SCANWAY_CLICKHOUSE_PATH to another folder."
        ) from error
    return lock


def _refuse_foreign(path: Path) -> None:
    """A folder of somebody else's files is not ours to fill; a half-made one of ours is finished by chDB."""
    if (path / MARKER).exists():
        return
    foreign = sorted(item.name for item in path.iterdir() if item.name not in _OURS | _ENGINE_FOLDERS)
    if foreign:
        raise CannotStart(
            f"{path} holds {foreign[0]}, which is not ClickHouse's: "
            "set SCANWAY_CLICKHOUSE_PATH to an empty folder."
        )


def _mark(path: Path, version: str) -> None:
    """Notes which engine wrote the folder; for people, and for a later version that has to convert it."""
    temporary = path / f"{MARKER}.new"
    temporary.write_text(json.dumps({"engine": "chdb", "version": version}) + "\n", encoding="utf-8")
    temporary.replace(path / MARKER)


def _write_config(path: Path) -> Path:
    """The engine's configuration, written anew at each start; its file is given in the connection string."""
    folder = path / "server"
    nowhere = folder / "nowhere"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        grants = "".join(f"<query>{escape(grant)}</query>" for grant in _GRANTS)
        (folder / "users.xml").write_text(
            "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
            "<networks><ip>::1</ip></networks><profile>default</profile><quota>default</quota>"
            f"<grants>{grants}</grants></default></users></clickhouse>\n",
            encoding="utf-8",
        )
        config = folder / "config.xml"
        paths = "".join(
            f"<{key}>{escape(str(nowhere))}/</{key}>"
            for key in ("user_files_path", "user_scripts_path", "format_schema_path", "dictionaries_lib_path")
        )
        config.write_text(
            f"<clickhouse><users_config>{escape(str(folder / 'users.xml'))}</users_config>{paths}"
            f"<custom_local_disks_base_directory>{escape(str(nowhere))}/</custom_local_disks_base_directory>"
            "<mark_cache_size>134217728</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>"
            "<background_pool_size>2</background_pool_size></clickhouse>\n",
            encoding="utf-8",
        )
    except OSError as error:
        raise CannotStart(f"The folder {folder} cannot be written: {error.strerror}.") from error
    return config
