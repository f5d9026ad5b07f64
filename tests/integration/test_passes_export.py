"""Scans at gates in ClickHouse: each exactly once, whatever dies, and as they are now."""

import dataclasses
import re
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from clickhouse_server import ClickHouseServer, fresh_database, wait_until
from console_stack import new_tenant
from gate_world import gate_world
from test_campaigns_processes import start, stop

from analytics.schema.migrate import migrate
from analytics.schema.server import Server, connect

COLUMNS = "attempt_id, gate_id, pass_id, direction, reason, refused_as, use_no, undone"


def use(monkeypatch, url):
    """The control plane's ClickHouse is this one from now on."""
    from django.conf import settings

    from control_plane.campaigns import stats

    monkeypatch.setattr(settings, "CONFIG", dataclasses.replace(settings.CONFIG, clickhouse_url=url))
    monkeypatch.setattr(stats, "_client", None)


@pytest.fixture
def world(tenant):
    return gate_world(tenant, reentry="after_exit")


@pytest.fixture
def export(console, clickhouse_database, monkeypatch):
    """The module, with nothing of other tests left to be written."""
    from control_plane.passes import export

    use(monkeypatch, clickhouse_database)
    export.export_all()
    return export


@pytest.fixture
def client(clickhouse_database):
    with connect(Server.from_url(clickhouse_database)) as made:
        yield made


@pytest.fixture
def unmerged(client):
    """Nothing is merged meanwhile: rows that FINAL makes one are there each, however long the test takes."""
    client.command("SYSTEM STOP MERGES redemptions")
    yield
    client.command("SYSTEM START MERGES redemptions")


def exported(client, world, columns=COLUMNS, final="FINAL"):
    return client.query(
        f"SELECT {columns} FROM redemptions {final} WHERE workspace_id = {{w:UInt64}} ORDER BY attempt_id",
        parameters={"w": world.workspace_id},
    ).result_rows


def attempts(world, *names):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Attempt

    with workspace_scope(world.workspace_id):
        return list(Attempt.objects.order_by("id").values_list(*names or ["id"]))


def waiting(world):
    return sum(at is None for (at,) in attempts(world, "exported_at"))


def all_there_once(client, world):
    """Each of PostgreSQL's, and nothing else."""
    found = exported(client, world, "attempt_id, reason, undone")
    wanted = [(id, reason, int(undone is not None)) for id, reason, undone in
              attempts(world, "id", "reason", "undone_at")]  # fmt: skip
    return found == wanted


def test_what_is_written_of_a_scan(export, client, world):
    from control_plane.passes import issuers

    issuer = issuers.create_issuer(
        workspace_id=world.workspace_id, program_id=world.program.pk, name="Bakery"
    )
    row, text = world.issue_rows(holder={"name": "Ada Lovelace"}, issuer_id=issuer.pk)[0]
    came, nobody = world.scan(text, way="in"), world.scan("HELLO")
    again = world.scan(text, way="in", override="Her cousin")
    assert export.export_all() == 3
    gate = world.gate.pk
    assert exported(client, world) == [
        (came.attempt_id, gate, row.pk, "in", "ok", "", 1, 0),
        (nobody.attempt_id, gate, 0, "in", "unknown", "", 0, 0),
        (again.attempt_id, gate, row.pk, "in", "ok", "already_used", 2, 0),
    ]
    more = "program_id, device_id, zone_id, issuer_id, offline, conflict"
    own = (world.program.pk, world.device.device_id, world.zone.pk)
    assert exported(client, world, more)[:2] == [(*own, issuer.pk, 0, 0), (*own, 0, 0, 0)]
    times = [
        tuple(at.replace(tzinfo=None) for at in row) for row in attempts(world, "at", "received_at")
    ]  # to the microsecond
    assert exported(client, world, "at, received_at") == times
    everything = str(exported(client, world, "*"))
    assert "Ada" not in everything
    assert "cousin" not in everything
    assert export.export_all() == 0


def test_a_scan_that_is_taken_back_is_written_again_and_counts_once(export, client, world, unmerged):
    from control_plane.passes import occupancy

    first, second = (world.scan(text, way="in") for text in world.issue(2))
    export.export_all()
    occupancy.undo(device=world.supervisor, attempt_id=first.attempt_id)
    assert waiting(world) == 1
    assert export.export_all() == 1
    assert exported(client, world, "attempt_id, undone") == [(first.attempt_id, 1), (second.attempt_id, 0)]
    # Without FINAL it would be there twice: what a rollup would have counted.
    assert len(exported(client, world, final="")) == 3


class Between:
    """ClickHouse's client, with something done after each insert."""

    def __init__(self, real, after):
        self.real, self.after, self.query = real, after, real.query

    def insert(self, *given, **more):
        self.real.insert(*given, **more)
        self.after()


def between(monkeypatch, after):
    from control_plane.campaigns import stats

    real = stats.client()
    monkeypatch.setattr(stats, "client", lambda: Between(real, after))


def die():
    raise KeyboardInterrupt


def test_a_crash_between_clickhouse_and_postgresql(export, client, world, unmerged, monkeypatch):
    world.scan("nothing")
    with monkeypatch.context() as patch:
        between(patch, die)
        with pytest.raises(KeyboardInterrupt):
            export.export_all()
    assert waiting(world) == 1
    assert export.export_all() == 1
    assert len(exported(client, world, final="")) == 2  # it is there twice …
    assert all_there_once(client, world)  # … and counts once.


def test_an_answer_that_came_too_late_does_not_win(export, client, world, unmerged, monkeypatch):
    """ClickHouse stores an old row long after it was given up: the newer one stands."""
    from control_plane.campaigns import stats
    from control_plane.passes import occupancy

    scan = world.scan(*world.issue(), way="in")
    late = []
    with monkeypatch.context() as patch:
        real = stats.client()

        class Lost:
            def insert(self, *given, **more):
                late.append((given, more))
                raise ConnectionError("no answer")

        patch.setattr(stats, "client", Lost)
        with pytest.raises(stats.StatsUnavailable):
            export.export_all()
    occupancy.undo(device=world.supervisor, attempt_id=scan.attempt_id)
    export.export_all()
    for given, more in late:
        real.insert(*given, **more)
    assert len(exported(client, world, final="")) == 2
    assert all_there_once(client, world)


def test_clickhouse_is_away_for_a_while(console, tmp_path, monkeypatch):
    from control_plane.campaigns.errors import StatsUnavailable
    from control_plane.passes import export

    world = gate_world(new_tenant())
    server = ClickHouseServer(tmp_path / "clickhouse").start()
    try:
        url = fresh_database(server.url("scanway"))
        migrate(url)
        use(monkeypatch, url)
        world.scan("one")
        export.export_all()
        server.kill()
        for text in ("two", "three"):
            world.scan(text)  # nobody at a gate notices
            with pytest.raises(StatsUnavailable):
                export.export_all()
        assert waiting(world) == 2
        server.start()
        assert export.export_all() == 2
        with connect(Server.from_url(url)) as client:
            assert all_there_once(client, world)
    finally:
        server.stop()


def test_nobody_waits_while_clickhouse_thinks(export, world, monkeypatch):
    """Rows that are being written are locked: an undo of one waits, and no other scan waits with it."""
    from django.db import connection

    from control_plane.passes import occupancy

    first, second = world.issue(2)
    admitted = world.scan(first, way="in")
    inserting, go_on = threading.Event(), threading.Event()

    def pause():
        inserting.set()
        assert go_on.wait(60)

    between(monkeypatch, pause)
    undone = []

    def in_thread(work):
        def run():
            work()
            connection.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    threads: list[threading.Thread] = []
    in_thread(export.export_all)
    assert inserting.wait(60)
    in_thread(lambda: undone.append(occupancy.undo(device=world.supervisor, attempt_id=admitted.attempt_id)))
    with connection.cursor() as cursor:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: cursor.execute(waits).fetchone() != (0,), 60)
        cursor.execute("SET lock_timeout = '20s'")
        try:
            assert world.scan(second, way="in").admitted
            assert not undone
        finally:
            cursor.execute("RESET lock_timeout")
            go_on.set()
            for thread in threads:
                thread.join()
    assert undone[0].undone_at is not None
    assert waiting(world) == 2  # the one that was taken back, and the second


def test_two_exporters_and_a_busy_gate(export, client, world):
    from django.db import connection

    stopped = threading.Event()

    def work(again):
        def run():
            while not stopped.is_set():
                again()
            connection.close()

        return threading.Thread(target=run)

    threads = [work(lambda: export.export_block(world.workspace_id)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for text in world.issue(60):
        world.scan(text, way="in")
    wait_until(lambda: waiting(world) == 0, 60)
    stopped.set()
    for thread in threads:
        thread.join()
    assert len(attempts(world)) == 60
    assert all_there_once(client, world)


def test_workers_are_killed_and_every_scan_is_there_once(export, client, world, clickhouse_database):
    from control_plane.passes import occupancy

    admitted = []
    for round in range(3):
        worker = start("worker", SCANWAY_CLICKHOUSE_URL=clickhouse_database)
        try:
            for text in world.issue(20):
                admitted.append(world.scan(text, way="in").attempt_id)
                time.sleep(0.02)
            if round:
                # Of the first ones something must have been written before it dies.
                wait_until(lambda: waiting(world) < len(admitted), 60)
        finally:
            worker.kill()
            worker.communicate()
        occupancy.undo(device=world.supervisor, attempt_id=admitted[-1])
    last = start("worker", SCANWAY_CLICKHOUSE_URL=clickhouse_database)
    try:
        wait_until(lambda: waiting(world) == 0, 90)
    finally:
        status, errors = stop(last)
    assert (status, "Traceback" in errors) == (0, False)
    assert len(admitted) == 60
    assert all_there_once(client, world)
    assert sum(undone for _, _, undone in exported(client, world, "attempt_id, reason, undone")) == 3


def test_another_workspaces_scans_are_its_own(export, client, world):
    from control_plane.campaigns import stats

    other = gate_world(new_tenant())
    world.scan("mine")
    other.scan("theirs")
    export.export_all()
    assert len(exported(client, world)) == len(exported(client, other)) == 1
    span = {"since": _now() - timedelta(hours=2), "until": _now() + timedelta(hours=1)}
    foreign = {"workspace_id": other.workspace_id, "program_id": world.program.pk}
    assert stats.ask("program_refusals", **foreign, **span) == []
    assert all(row["refusals"] == 0 for row in stats.ask("program_entries_hour", **foreign, **span))


def _now():
    from django.utils import timezone

    return timezone.now()


def test_what_an_analyst_asks(export, world):
    from control_plane.campaigns import stats
    from control_plane.passes import occupancy

    start_of_hour = _now().replace(minute=0, second=0, microsecond=0)
    earlier = start_of_hour - timedelta(minutes=30)
    one, two, three = world.issue(3)
    world.scan(one, way="in", now=earlier)
    world.scan(one, way="out", now=earlier + timedelta(minutes=1))
    world.scan(one, way="in", now=start_of_hour)
    world.scan(two, way="in", now=start_of_hour)
    world.scan(two, way="in", now=start_of_hour)
    world.scan(two, way="in", now=start_of_hour)
    world.scan(two, way="in", now=start_of_hour, override="Lost his hat")
    taken_back = world.scan(three, way="in", now=start_of_hour)
    world.scan("nothing", now=start_of_hour)
    export.export_all()
    occupancy.undo(device=world.supervisor, attempt_id=taken_back.attempt_id)
    export.export_all()
    of = {"workspace_id": world.workspace_id, "program_id": world.program.pk}
    span = {"since": earlier, "until": start_of_hour + timedelta(hours=1)}
    rows = stats.ask("program_entries_hour", **of, **span)
    assert [(row["entries"], row["exits"], row["refusals"], row["passes"]) for row in rows] == [
        (1, 1, 0, 1), (3, 0, 3, 1),
    ]  # fmt: skip
    rows = stats.ask("program_refusals", **of, **span)
    assert [tuple(row.values()) for row in rows] == [("already_used", 2, 1, 1), ("unknown", 1, 0, 0)]


def test_the_examples_in_the_readme_can_be_asked(export, client, world):
    text = Path("analytics/README.md").read_text("utf-8")
    (block,) = re.findall(r"```sql\n(.*?)```", text, re.S)
    examples = [one.strip() for one in block.split(";") if one.strip()]
    assert len(examples) == 3
    one, two = world.issue(2)
    for text, way, minute in ((one, "in", 0), (one, "out", 30), (two, "in", 40), (two, "in", 41)):
        world.scan(text, way=way, now=_now().replace(microsecond=0) + timedelta(minutes=minute))
    world.scan(two, way="in", gate=world.add_gate("South"))
    export.export_all()
    own = (f"workspace_id = {world.workspace_id}", f"program_id = {world.program.pk}")
    stays, by_issuer, copies = (
        client.query(sql.replace("workspace_id = 1", own[0]).replace("program_id = 7", own[1])).result_rows
        for sql in examples
    )
    assert stays == [([30.0, 30.0],)]
    assert [row[0] for row in by_issuer] == [0] * len(by_issuer)
    assert sum(row[2] for row in by_issuer) == 2
    assert [len(row[2]) for row in copies] == [2]


def test_verify_sees_what_clickhouse_lacks_and_has_it_written_again(export, client, world, monkeypatch):
    later = _now() + timedelta(minutes=1)
    # Other tests left hundreds; that all of them are looked at is for the command's test to show.
    monkeypatch.setattr(export, "all_workspace_ids", lambda: [world.workspace_id])

    def differences():
        return export.differences(now=later)

    for text in ("one", "two", "three"):
        world.scan(text)
    assert differences() == []  # they wait, and are not lost
    export.export_all()
    assert differences() == []
    gone = f"ALTER TABLE redemptions DELETE WHERE attempt_id = {attempts(world)[1][0]}"
    client.command(gone, settings={"mutations_sync": 2})
    (found,) = differences()
    assert (found.program_id, found.reason) == (world.program.pk, "unknown")
    assert (found.scans, found.waiting, found.found) == (3, 0, 2)
    assert export.write_again([found]) == 3
    assert export.export_all() == 3
    assert differences() == []
    assert all_there_once(client, world)
    # What was deleted here is no difference: it stays there as a number until its time is over.
    from control_plane.passes import programs

    programs.delete_program(workspace_id=world.workspace_id, program_id=world.program.pk)
    assert len(exported(client, world)) == 3
    assert differences() == []


def test_the_operators_command_says_it_and_mends_it(
    export, client, world, clickhouse_database, monkeypatch, capsys
):
    from deploy import verify

    monkeypatch.setenv("SCANWAY_CLICKHOUSE_URL", clickhouse_database)
    world.scan("one")
    export.export_all()
    gone = f"ALTER TABLE redemptions DELETE WHERE workspace_id = {world.workspace_id}"
    client.command(gone, settings={"mutations_sync": 2})
    # Compared is what was received before this second.
    said = f"Program {world.program.pk}, unknown: 1 scans at gates, 0 in ClickHouse"
    wait_until(lambda: verify.run(mend=False) == 1 and said in capsys.readouterr().out)
    assert verify.run(mend=True) == 1
    export.export_all()
    capsys.readouterr()
    verify.run(mend=False)
    assert said not in capsys.readouterr().out
    assert all_there_once(client, world)


def test_a_block_is_bounded(export, client, world, monkeypatch):
    monkeypatch.setattr(export, "BLOCK", 7)
    for _ in range(20):
        world.scan(uuid.uuid4().hex)
    assert [export.export_block(world.workspace_id) for _ in range(4)] == [7, 7, 6, 0]
    assert all_there_once(client, world)
