"""Embedded ClickHouse: `scanway clickhouse`, a process of ours around chDB."""

from collections.abc import Mapping
from importlib import util
from pathlib import Path

from deploy.engines.platform import missing
from deploy.home import explain
from deploy.ports import Bind
from deploy.program import Program


def program(
    folder: Path, bind: Bind, password: str, environment: Mapping[str, str], command: tuple[str, ...]
) -> Program:
    """Say how it is started. Raises SetupError."""
    if util.find_spec("chdb") is None:
        raise missing("clickhouse", "chdb-core")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise explain(error, folder, "preparing ClickHouse") from error
    own = {
        "SCANWAY_CLICKHOUSE_BIND": str(bind),
        "SCANWAY_CLICKHOUSE_PATH": str(folder),
        "SCANWAY_CLICKHOUSE_USER": "scanway",
        "SCANWAY_CLICKHOUSE_PASSWORD": password,
        "SCANWAY_CLICKHOUSE_DATABASE": "scanway",
    }
    return Program(
        name="clickhouse", title="ClickHouse", argv=command, environment={**environment, **own}, cwd=folder
    )
