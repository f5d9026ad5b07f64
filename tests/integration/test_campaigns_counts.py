"""Counters of links with a limit or rules by number: put there, copied back, and set back."""

import threading

import pytest

from edge import record

GOOD = "https://example.com/spring"
FIRST = [{"when": {"type": "scan_number", "first": 5}, "then": {"type": "redirect", "to": GOOD}}]


@pytest.fixture
def filled(filled):
    """And nothing is left to copy."""
    from control_plane.campaigns import counts

    counts.copy_back()
    return filled


@pytest.fixture
def make(tenant):
    from control_plane.campaigns.services import create_link

    return lambda **more: create_link(workspace_id=tenant.workspace_id, **({"destination": GOOD} | more))


def scan(filled, link, times=1):
    return filled.incrby(record.count_key(link.pk), times)


def counted(filled, link):
    value = filled.get(record.count_key(link.pk))
    return None if value is None else int(value)


def used(link):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.models import Link

    with workspace_scope(link.workspace_id):
        return Link.objects.get(id=link.pk).scans_used


def known(link):
    return {"workspace_id": link.workspace_id, "link_id": link.pk}


def test_only_links_that_count_have_a_counter(filled, make):
    from control_plane.campaigns.services import update_link

    limited, numbered, plain = make(max_scans=10), make(rules=FIRST), make()
    assert [counted(filled, link) for link in (limited, numbered, plain)] == [0, 0, None]
    update_link(**known(plain), max_scans=3)
    assert counted(filled, plain) == 0


def test_an_edit_leaves_the_counter_alone(filled, make):
    from control_plane.campaigns.services import update_link

    link = make(max_scans=10)
    scan(filled, link, 4)
    update_link(**known(link), max_scans=20)
    assert counted(filled, link) == 4


def test_counters_are_copied_back_and_go_on_after_valkey_was_emptied(filled, make):
    from control_plane.campaigns import counts
    from control_plane.campaigns.publish import sweep

    link, idle = make(max_scans=10), make(rules=FIRST)
    scan(filled, link, 7)
    assert counts.copy_back() == 1
    assert (used(link), used(idle)) == (7, 0)
    assert counts.copy_back() == 0
    filled.flushall()
    # Not complete: what is missing is not known, and nothing is set.
    assert counts.copy_back() == 0
    assert counted(filled, link) is None
    assert sweep().restored
    assert counted(filled, link) == 7


@pytest.mark.parametrize("damage", [None, b"seven", b"", b"2"])
def test_a_counter_that_lost_scans_goes_on_from_what_is_known(filled, make, damage):
    from control_plane.campaigns import counts

    link = make(max_scans=10)
    scan(filled, link, 7)
    counts.copy_back()
    filled.delete(record.count_key(link.pk))
    if damage is not None:
        filled.set(record.count_key(link.pk), damage)
    counts.copy_back()
    assert counted(filled, link) == 7
    assert used(link) == 7


def test_copying_back_is_no_edit(filled, make):
    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns import counts
    from control_plane.campaigns.models import Link

    link = make(max_scans=10)
    scan(filled, link, 7)
    counts.copy_back()
    with workspace_scope(link.workspace_id):
        found = Link.objects.get(id=link.pk)
    assert (found.version, found.updated_at) == (1, link.updated_at)


def test_more_counters_than_a_batch_are_all_copied(filled, make, monkeypatch):
    from control_plane.campaigns import counts

    monkeypatch.setattr(counts, "BATCH", 2)
    links = [make(max_scans=10) for _ in range(5)]
    for link in links:
        scan(filled, link, 3)
    assert counts.copy_back() == 5


def test_a_reset_starts_from_0_in_both(filled, make):
    from control_plane.campaigns import counts
    from control_plane.campaigns.services import reset_scans

    link = make(max_scans=10)
    scan(filled, link, 7)
    counts.copy_back()
    reset_scans(**known(link))
    assert (counted(filled, link), used(link)) == (0, 0)
    scan(filled, link, 2)
    counts.copy_back()
    assert used(link) == 2


def test_a_reset_while_valkey_is_away_is_not_undone_by_the_old_counter(filled, make, monkeypatch):
    from control_plane.campaigns import counts, services
    from control_plane.campaigns.publish import sweep

    link = make(max_scans=10)
    scan(filled, link, 7)
    with monkeypatch.context() as outage:
        outage.setattr(services, "publish_link", lambda publication: False)
        services.reset_scans(**known(link))
    assert counts.copy_back() == 0
    assert used(link) == 0
    assert sweep().published == 1
    assert counted(filled, link) == 0


def test_a_reset_that_is_sent_twice_forgets_no_scan(filled, make, monkeypatch):
    """The sweep and the edit may both send it, with scans in between."""
    from control_plane.campaigns import publish, services

    link = make(max_scans=10)
    scan(filled, link, 7)
    sent = []
    with monkeypatch.context() as outage:
        outage.setattr(services, "publish_link", sent.append)
        services.reset_scans(**known(link))
    publish.sweep()
    scan(filled, link, 3)
    assert publish.publish_link(sent[0])
    assert counted(filled, link) == 3


def test_a_copy_that_a_reset_overtakes_writes_nothing(filled, make, monkeypatch):
    from control_plane.campaigns import counts
    from control_plane.campaigns.services import reset_scans

    link = make(max_scans=10)
    scan(filled, link, 7)
    read = counts._read

    def read_then_reset(link_ids):
        found = read(link_ids)
        reset_scans(**known(link))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(counts, "_read", read_then_reset)
        assert counts.copy_back() == 0
    assert used(link) == 0


def test_mending_that_a_reset_overtakes_writes_nothing(filled, make, monkeypatch):
    from control_plane.campaigns import counts
    from control_plane.campaigns.services import reset_scans

    link = make(max_scans=10)
    scan(filled, link, 7)
    counts.copy_back()
    filled.set(record.count_key(link.pk), 2)
    mend = counts._mend

    def reset_then_mend(behind):
        reset_scans(**known(link))
        mend(behind)

    with monkeypatch.context() as patch:
        patch.setattr(counts, "_mend", reset_then_mend)
        counts.copy_back()
    assert counted(filled, link) == 0


def test_the_counter_is_there_before_the_record(filled, make, monkeypatch):
    """An edge that knows the limit and finds no counter has to refuse."""
    from control_plane.campaigns import sending

    order = []
    plain = sending._each
    with monkeypatch.context() as patch:

        def each(calls):
            calls = list(calls)
            for _, key, *_ in calls:
                order.append((key, filled.exists(record.count_key(link_ids[0])) if link_ids else None))
            plain(calls)

        link_ids = []
        link = make()
        link_ids.append(link.pk)
        patch.setattr(sending, "_each", each)
        from control_plane.campaigns.services import update_link

        update_link(**known(link), max_scans=5)
    assert order == [(record.key(link.code), 1)]


def test_a_long_run_does_not_start_beside_itself(filled, monkeypatch):
    """It would take the worker's other threads, one after the other, from the jobs that wait."""
    from control_plane.campaigns import counts, publish, tasks

    for name, module, long_one in (("sweep", publish, "sweep"), ("copy_counts", counts, "copy_back")):
        begun, go_on, runs = threading.Event(), threading.Event(), []

        def work(begun=begun, go_on=go_on, runs=runs):
            runs.append(1)
            begun.set()
            go_on.wait(10)
            return publish.Swept(restored=False, published=0)

        monkeypatch.setattr(module, long_one, work)
        monkeypatch.setattr(tasks, "_counts_rest_until", 0.0)
        task = getattr(tasks, name).func
        first = threading.Thread(target=task, args=(0,))
        first.start()
        assert begun.wait(10)
        task(0)
        assert runs == [1]
        go_on.set()
        first.join(10)
        monkeypatch.setattr(tasks, "_counts_rest_until", 0.0)
        task(0)
        assert runs == [1, 1]
