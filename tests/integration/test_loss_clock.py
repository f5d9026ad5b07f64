"""The clock jumps between a try and its repetition: what may be in ClickHouse is still counted once."""

import os
import time

import pytest
import time_machine
from ingest_process import Totals, put, scan, segment
from test_ingest_deliver import (  # noqa: F401 (fixtures)
    DiesAfterInsert,
    TokenlessWarehouse,
    database,
    deliverer,
    enricher,
    spool,
)

from analytics.ingest.deliver import TOKEN_AGE, Outcome

HOUR = 3600


@pytest.mark.parametrize("hours", [-30, -1, 1, 5, 30])
def test_a_segment_sent_before_a_jump_is_not_counted_again_after_it(spool, deliverer, database, hours):  # noqa: F811
    put(spool.root, "seg", segment(*(scan(each) for each in range(50))))
    with pytest.raises(KeyboardInterrupt):
        deliverer(failpoint=DiesAfterInsert()).deliver("seg")
    with time_machine.travel(time.time() + hours * HOUR):
        assert deliverer().deliver("seg").outcome is Outcome.ALREADY_THERE
    assert Totals(database).all_are(50), Totals(database)


@pytest.mark.parametrize("hours", [-30, 30])
def test_without_counting_and_without_its_token_it_would_be_counted_twice(spool, deliverer, database, hours):  # noqa: F811
    """The negative control: a jump back makes the note look young, so that nothing is counted first."""
    put(spool.root, "seg", segment(*(scan(each) for each in range(50))))
    with pytest.raises(KeyboardInterrupt):
        deliverer(TokenlessWarehouse, DiesAfterInsert()).deliver("seg")
    (spool.root / "attempt.json").unlink()
    os.utime(spool.path("sealed", "seg"), (time.time() + hours * HOUR,) * 2)
    with time_machine.travel(time.time() + hours * HOUR + 1):
        deliverer(TokenlessWarehouse).deliver("seg")
    assert Totals(database).rows == 100


def test_segments_written_around_jumps_all_arrive_once(spool, deliverer, database):  # noqa: F811
    now = time.time()
    with time_machine.travel(now) as clock:
        for number, hours in enumerate((0, -5, 3, 26, -49, 2)):
            clock.shift(hours * HOUR)
            name = f"{int(time.time() * 1000):013d}-0badcafe-{number:06d}"
            put(spool.root, name, segment(*(scan(each, at=time.time()) for each in range(20))))
            if number % 2:
                deliver = deliverer()
                for waiting, _ in spool.sealed():
                    assert deliver.deliver(waiting).outcome is Outcome.DELIVERED
    deliver = deliverer()
    for waiting, _ in spool.sealed():
        deliver.deliver(waiting)
    assert Totals(database).all_are(120), Totals(database)


class SaysNoAndDoesIt(TokenlessWarehouse):
    """The answer to the first INSERT is lost, and ClickHouse forgets every token."""

    answered = False

    def insert(self, rows, token):
        super().insert(rows, token)
        if not self.answered:
            self.answered = True
            raise OSError("the answer was lost")


def test_what_was_absent_before_a_long_outage_is_counted_again_after_it(spool, deliverer, database):  # noqa: F811
    put(spool.root, "seg", segment(*(scan(each) for each in range(50))), age=TOKEN_AGE + 60)
    deliver = deliverer(SaysNoAndDoesIt)
    with pytest.raises(OSError, match="lost"):
        deliver.deliver("seg")
    with time_machine.travel(time.time() + TOKEN_AGE + 60):
        assert deliver.deliver("seg").outcome is Outcome.ALREADY_THERE
    assert Totals(database).all_are(50), Totals(database)
