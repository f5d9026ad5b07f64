"""Jobs of many passes: none lost and none doubled, whoever is killed; stopped, resumed, and within quotas."""

import signal
import threading
from contextlib import suppress
from typing import Any

import pytest
from console_stack import Tenant
from gate_world import GateWorld, gate_world
from test_campaigns_processes import start, stop, until

pytestmark = pytest.mark.usefixtures("console")
CHUNK = 500


@pytest.fixture
def world(tenant: Tenant) -> GateWorld:
    return gate_world(tenant)


def of(world: GateWorld) -> dict[str, Any]:
    return {"workspace_id": world.workspace_id, "program_id": world.program.pk}


def create(world: GateWorld, **order: Any) -> Any:
    from control_plane.passes import jobs

    return jobs.create_job(**of(world), **order)


def now(job: Any) -> Any:
    from control_plane.passes import jobs

    return jobs.get_job(workspace_id=job.workspace_id, job_id=job.pk)


def chunk(job: Any) -> bool:
    from control_plane.passes import job_work

    return job_work.work_chunk(workspace_id=job.workspace_id, job_id=job.pk)


def finish(job: Any) -> Any:
    while chunk(job):
        pass
    return now(job)


def passes_of(job: Any) -> list[Any]:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    with workspace_scope(job.workspace_id):
        return list(Pass.objects.filter(job_id=job.pk).order_by("number"))


def people(count: int) -> list[dict[str, Any]]:
    return [{"name": f"Guest {number}", "fields": {"Seat": str(number)}} for number in range(count)]


def names(job: Any) -> list[str]:
    from control_plane.passes import holder

    return [holder.opened(row.holder, row.workspace_id)["name"] for row in passes_of(job)]


def test_a_job_makes_its_passes_chunk_by_chunk_in_the_order_of_its_rows(world: GateWorld) -> None:
    job = create(world, rows=people(1_201), name="Guests.csv", held=True, max_uses=3)
    assert (job.state, job.total, job.done) == ("waiting", 1_201, 0)
    assert chunk(job)
    assert (now(job).state, now(job).done, len(passes_of(job))) == ("running", CHUNK, CHUNK)
    done = finish(job)
    assert (done.state, done.done, done.problem) == ("done", 1_201, "")
    assert done.ended_at
    rows = passes_of(job)
    assert [row.number for row in rows] == list(range(1, 1_202))
    assert names(job) == [row["name"] for row in people(1_201)]
    assert {(row.state, row.max_uses) for row in rows} == {("held", 3)}
    assert len({bytes(row.uid) for row in rows}) == 1_201
    assert not chunk(job)


def test_rows_have_their_own_window_and_the_program_another(world: GateWorld) -> None:
    from datetime import UTC, datetime

    start, end, own = (datetime(2030, month, 1, tzinfo=UTC) for month in (1, 12, 6))
    job = create(world, rows=[{"name": "Ana", "valid_until": own, "max_uses": 2}, {}], valid_from=start,
                 valid_until=end)  # fmt: skip
    finish(job)
    found = [(row.valid_from, row.valid_until, row.max_uses) for row in passes_of(job)]
    assert found == [(start, own, 2), (start, end, None)]


def test_rows_are_encrypted_and_gone_when_the_job_is_done(world: GateWorld) -> None:
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Job

    def stored() -> Any:
        with workspace_scope(world.workspace_id):
            row = Job.objects.get(id=job.pk)
            return bytes(row.rows), row.settings

    job = create(world, rows=people(3))
    rows, _ = stored()
    assert rows
    assert b"Guest" not in rows
    finish(job)
    assert stored() == (b"", {})


def test_a_chunk_is_made_with_its_count_or_not_at_all(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens between the passes and the count, in either order."""
    from django.db import OperationalError

    from control_plane.passes import issuing
    from control_plane.passes.models import Job

    job = create(world, count=1_200)
    assert chunk(job)
    for where, what in ((Job, "save"), (issuing, "_note")):
        with monkeypatch.context() as patch:

            def gone(*_: Any, **__: Any) -> None:
                raise OperationalError("the connection is gone")

            patch.setattr(where, what, gone)
            with pytest.raises(OperationalError):
                chunk(job)
        assert (now(job).done, len(passes_of(job))) == (CHUNK, CHUNK)
        assert now(job).state == "running"
    finish(job)
    assert [row.number for row in passes_of(job)] == list(range(1, 1_201))


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(world: GateWorld) -> None:
    job = create(world, rows=people(4_000))
    kills = 0
    for done in (500, 1_500, 2_500):
        worker = start("worker")
        try:
            until(lambda done=done: now(job).done >= done, 60)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=30)
        kills += now(job).state == "running"
        # PostgreSQL may still be at the chunk that nobody waits for any more.
        assert len(passes_of(job)) % CHUNK == 0
    assert kills >= 2
    worker = start("worker")
    try:
        until(lambda: now(job).state == "done", 120)
    finally:
        status, errors = stop(worker)
    assert status == 0
    assert "Traceback" not in errors
    assert [row.number for row in passes_of(job)] == list(range(1, 4_001))
    assert names(job) == [row["name"] for row in people(4_000)]


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(world: GateWorld) -> None:
    from control_plane.passes import jobs

    job = create(world, count=20_000)
    worker = start("worker")
    try:
        until(lambda: now(job).done >= CHUNK, 60)
    finally:
        status, errors = stop(worker)
    assert status == 0
    assert "Traceback" not in errors
    assert now(job).state == "running"
    assert len(passes_of(job)) == now(job).done
    jobs.cancel_job(workspace_id=world.workspace_id, job_id=job.pk)


def test_cancel_keeps_what_was_made_and_resume_goes_on_from_there(world: GateWorld) -> None:
    from control_plane.passes import jobs
    from control_plane.passes.errors import Invalid

    job = create(world, rows=people(1_300))
    own = {"workspace_id": world.workspace_id, "job_id": job.pk}
    with pytest.raises(Invalid, match="only what was cancelled or failed is resumed"):
        jobs.resume_job(**own)
    chunk(job)
    assert jobs.cancel_job(**own).state == "cancelled"
    assert not chunk(job)
    assert len(passes_of(job)) == CHUNK
    with pytest.raises(Invalid, match="This job is cancelled already"):
        jobs.cancel_job(**own)
    # Others go on numbering meanwhile.
    world.issue(2)
    jobs.resume_job(**own)
    assert finish(job).state == "done"
    numbers = [row.number for row in passes_of(job)]
    assert numbers == [*range(1, 501), *range(503, 1_303)]
    assert names(job) == [row["name"] for row in people(1_300)]
    with pytest.raises(Invalid, match="This job is done already"):
        jobs.cancel_job(**own)


# Quotas


def issuer_of(world: GateWorld, **quotas: Any) -> Any:
    from control_plane.passes import issuers

    return issuers.create_issuer(**of(world), name="Box office", **quotas)


def test_a_job_that_no_quota_allows_is_not_made(world: GateWorld) -> None:
    from control_plane.passes.errors import Invalid, QuotaUsedUp

    issuer = issuer_of(world, quota_total=900, quota_daily=600)
    world.issue(10, issuer_id=issuer.pk)
    with pytest.raises(QuotaUsedUp, match="Box office may issue 890 more passes, not 1,000"):
        create(world, count=1_000, issuer_id=issuer.pk)
    with pytest.raises(QuotaUsedUp, match="may issue 590 more passes today, not 700"):
        create(world, count=700, issuer_id=issuer.pk)
    for count in (0, 50_001):
        with pytest.raises(Invalid, match="Issue 1 to 50,000 passes with one job"):
            create(world, count=count)
    assert finish(create(world, count=590, issuer_id=issuer.pk)).state == "done"
    with pytest.raises(QuotaUsedUp):
        create(world, count=1, issuer_id=issuer.pk)


def test_a_quota_that_was_used_up_meanwhile_fails_the_job_which_can_be_resumed(world: GateWorld) -> None:
    from control_plane.passes import issuers, jobs
    from control_plane.passes.errors import QuotaUsedUp

    issuer = issuer_of(world, quota_total=1_000)
    job = create(world, rows=people(1_000), issuer_id=issuer.pk)
    chunk(job)
    world.issue(1, issuer_id=issuer.pk)
    failed = finish(job)
    assert (failed.state, failed.done) == ("failed", CHUNK)
    assert failed.problem == "Box office may issue 499 more passes, not 500."
    own = {"workspace_id": world.workspace_id, "job_id": job.pk}
    with pytest.raises(QuotaUsedUp):
        jobs.resume_job(**own)
    issuers.update_issuer(workspace_id=world.workspace_id, issuer_id=issuer.pk, quota_total=1_001)
    assert jobs.resume_job(**own).problem == ""
    assert finish(job).state == "done"
    assert names(job) == [row["name"] for row in people(1_000)]


def race(*work: Any) -> None:
    """All at once, each in a thread of its own with a connection of its own."""
    from django.db import connection

    begin, errors = threading.Barrier(len(work)), []

    def run(one: Any) -> None:
        begin.wait()
        try:
            one()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def rivals(world: GateWorld) -> int:
    """Three jobs at once that one quota has room for one of. Returns how many passes the issuer has then."""
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes.models import Pass

    issuer = issuer_of(world, quota_total=700)
    made = [create(world, count=600, issuer_id=issuer.pk) for _ in range(3)]
    race(*(lambda job=job: finish(job) for job in made))
    with workspace_scope(world.workspace_id):
        numbers = sorted(Pass.objects.filter(issuer=issuer).values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert {now(job).state for job in made} <= {"done", "failed"}
    return len(numbers)


def test_jobs_at_once_stay_within_one_quota(world: GateWorld) -> None:
    assert rivals(world) <= 700


def test_negative_control_without_the_check_at_each_chunk_they_do_not(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import issuing

    real = issuing._issuer

    def unchecked(program: Any, issuer_id: Any, count: int, among: Any) -> Any:
        locks = among.query.select_for_update
        return among.get(id=issuer_id) if locks else real(program, issuer_id, count, among)

    monkeypatch.setattr(issuing, "_issuer", unchecked)
    assert rivals(world) == 1_800


def test_workers_at_the_same_job_make_each_pass_once(world: GateWorld) -> None:
    job = create(world, rows=people(3_000))
    race(*(lambda: finish(job) for _ in range(4)))
    # Who found it locked left it to the others.
    assert finish(job).done == 3_000
    assert names(job) == [row["name"] for row in people(3_000)]


def test_negative_control_without_the_lock_on_the_job_passes_are_doubled(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control_plane.passes import job_work
    from control_plane.passes.models import Job

    looked = threading.Barrier(2)

    def unlocked(job_id: int) -> Any:
        job = Job.objects.defer("rows").filter(id=job_id, state__in=["waiting", "running"]).first()
        with suppress(threading.BrokenBarrierError):
            looked.wait(timeout=10)
        return job

    monkeypatch.setattr(job_work, "_claimed", unlocked)
    job = create(world, count=CHUNK)
    race(*(lambda: chunk(job) for _ in range(2)))
    assert len(passes_of(job)) == 2 * CHUNK


# What else can go wrong


def test_a_program_that_ended_fails_its_jobs(world: GateWorld) -> None:
    from control_plane.passes import programs

    job = create(world, count=600)
    chunk(job)
    programs.update_program(**of(world), state="ended")
    failed = finish(job)
    assert failed.state == "failed"
    assert "has ended. No more passes can be issued for it." in failed.problem
    assert len(passes_of(job)) == CHUNK


def test_another_secret_key_fails_the_job_with_a_sentence(world: GateWorld, settings_key: Any) -> None:
    job = create(world, rows=people(2))
    with settings_key("x" * 60):
        chunk(job)
    assert "SCANWAY_SECRET_KEY" in now(job).problem
    from control_plane.passes import jobs

    jobs.resume_job(workspace_id=world.workspace_id, job_id=job.pk)
    assert finish(job).state == "done"


@pytest.fixture
def settings_key() -> Any:
    from django.test import override_settings

    return lambda key: override_settings(SECRET_KEY=key)


def test_a_bug_fails_one_job_and_not_the_others(
    world: GateWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from control_plane.passes import job_rows, job_work

    broken, sound = create(world, rows=people(2)), create(world, count=2)
    real = job_rows.chunk
    monkeypatch.setattr(
        job_rows, "chunk", lambda job, index: 1 / 0 if job.pk == broken.pk else real(job, index)
    )
    job_work.work(seconds=30)
    assert "Something went wrong on our side" in now(broken).problem
    assert now(sound).state == "done"
    assert "ZeroDivisionError" in caplog.text
    assert "Guest" not in caplog.text


def test_jobs_take_turns(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from control_plane.passes import job_work

    made = [create(world, count=1_000) for _ in range(2)]
    order: list[int] = []
    real = job_work.work_chunk

    def noted(*, workspace_id: int, job_id: int) -> bool:
        if job_id in [job.pk for job in made]:
            order.append(job_id)
        return real(workspace_id=workspace_id, job_id=job_id)

    monkeypatch.setattr(job_work, "work_chunk", noted)
    assert not job_work.work(seconds=60)
    first, second = (job.pk for job in made)
    assert order[:4] == [first, second, first, second]


def test_an_issuer_goes_with_its_jobs_that_made_nothing(world: GateWorld) -> None:
    from control_plane.passes import issuers, jobs
    from control_plane.passes.errors import InUse

    issuer = issuer_of(world)
    job = create(world, count=5, issuer_id=issuer.pk)
    own = {"workspace_id": world.workspace_id, "issuer_id": issuer.pk}
    with pytest.raises(InUse, match="Cancel its jobs first"):
        issuers.delete_issuer(**own)
    jobs.cancel_job(workspace_id=world.workspace_id, job_id=job.pk)
    issuers.delete_issuer(**own)


def test_rows_that_nobody_resumed_are_forgotten_after_30_days(world: GateWorld) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.passes import job_work, jobs
    from control_plane.passes.errors import Invalid
    from control_plane.passes.models import Job

    old, young = create(world, rows=people(2)), create(world, rows=people(2))
    for job in (old, young):
        jobs.cancel_job(workspace_id=world.workspace_id, job_id=job.pk)
    with workspace_scope(world.workspace_id):
        Job.objects.filter(id=old.pk).update(ended_at=timezone.now() - timedelta(days=31))
    job_work.forget_rows()
    with workspace_scope(world.workspace_id):
        assert [bool(job.rows) for job in Job.objects.order_by("id")] == [False, True]
    with pytest.raises(Invalid, match="were deleted after 30 days"):
        jobs.resume_job(workspace_id=world.workspace_id, job_id=old.pk)
    jobs.resume_job(workspace_id=world.workspace_id, job_id=young.pk)
