"""Jobs of campaigns. Each opens the scopes it needs; none is open when it starts."""

import logging
import threading
import time

import redis
from procrastinate.contrib.django import app

from control_plane.campaigns import counts, idempotency, publish

log = logging.getLogger("publish")
_valkey_is_away = False
_counts_rest_until = 0.0
_sweeping, _copying = threading.Lock(), threading.Lock()
"""Of this worker: the next run of a long one is left out, where it would take the threads of other jobs.
Procrastinate's own lock would keep everybody out for a minute after a worker was killed."""


@app.periodic(cron="* * * * * *")
@app.task(name="campaigns.sweep", queueing_lock="campaigns.sweep")
def sweep(timestamp: int) -> None:
    """Each second: what Valkey lacks. The lock keeps one waiting at most, however long a run takes.

    A Valkey that is away is said once, not each second, and is no failed job: the next second tries again.
    """
    global _valkey_is_away
    if not _sweeping.acquire(blocking=False):
        return
    try:
        done = publish.sweep()
    except (redis.RedisError, OSError) as error:
        if not _valkey_is_away:
            log.warning("Valkey cannot be reached (%s). Edits are kept and published when it is back.", error)
        _valkey_is_away = True
        return
    finally:
        _sweeping.release()
    if _valkey_is_away:
        log.info("Valkey is back.")
    _valkey_is_away = False
    if done.restored:
        log.info("Valkey was empty or had restarted: published all %d links and domains.", done.published)
    elif done.published:
        log.info("Published %d links and domains that were waiting.", done.published)


# Seconds are the sixth field: five fields after a "*/5" are every second of every fifth minute.
@app.periodic(cron="* * * * * */5")
@app.task(name="campaigns.copy_counts", queueing_lock="campaigns.copy_counts")
def copy_counts(timestamp: int) -> None:
    """Every 5 seconds: what Valkey counted, for links with a limit or rules by number.

    At most a tenth of the time: 20,000 such links take about 0.5 s, and a million come round less often.
    """
    global _counts_rest_until
    started = time.monotonic()
    if started < _counts_rest_until or not _copying.acquire(blocking=False):
        return
    try:
        counts.copy_back()
        ended = time.monotonic()
        _counts_rest_until = ended + 9 * (ended - started)
    except (redis.RedisError, OSError):
        # The sweep says it.
        return
    finally:
        _copying.release()


@app.periodic(cron="17 * * * *")
@app.task(name="campaigns.forget_idempotency_keys", queueing_lock="campaigns.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Each hour: answers older than 24 hours."""
    idempotency.forget_old()
