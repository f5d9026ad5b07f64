"""The rows of a job: who shall hold its passes, in chunks that are compressed and encrypted one by one.

A chunk is what the worker makes in one transaction. It is read from the database by itself, so that a job of
50,000 needs no more memory than one of 500. `settings["chunks"]` has where each of them ends.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db.models import BinaryField, F, Func, Value

from control_plane.passes import vault
from control_plane.passes.models import Job

CHUNK: Final = 500
_PURPOSE: Final = "job rows"

Row = dict[str, Any]
"""{"holder": {…}}, and what is its own: valid_from and valid_until (ISO), max_uses."""


def pack(rows: Sequence[Row], workspace_id: int) -> tuple[bytes, list[int]]:
    """What is stored, and where each chunk ends in it."""
    packed, ends = bytearray(), []
    for start in range(0, len(rows), CHUNK):
        packed += lock(rows[start : start + CHUNK], workspace_id)
        ends.append(len(packed))
    return bytes(packed), ends


def lock(value: Any, workspace_id: int) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return vault.lock(zlib.compress(text.encode(), 6), workspace_id=workspace_id, purpose=_PURPOSE)


def chunk(job: Job, index: int) -> list[Row]:
    """In the workspace's scope. Raises vault.CannotOpen."""
    ends = job.settings["chunks"]
    found: list[Row] = part(job, ends[index - 1] if index else 0, ends[index])
    return found


def part(job: Job, start: int, end: int) -> Any:
    """What `lock` made of it, which stands there. Raises vault.CannotOpen."""
    piece = Func(
        F("rows"), Value(start + 1), Value(end - start), function="substr", output_field=BinaryField()
    )
    (locked,) = Job.objects.filter(id=job.pk).values_list(piece, flat=True)
    data = vault.unlock(bytes(locked), workspace_id=job.workspace_id, purpose=_PURPOSE)
    return json.loads(zlib.decompress(data))


def every(job: Job) -> Iterator[Row]:
    """In order. Raises vault.CannotOpen."""
    for index in range(len(job.settings["chunks"])):
        yield from chunk(job, index)
