"""Named places where a sandbox process can be told to die, so that tests prove that nothing is lost or done twice there.

`XINSHIMIN_CRASH_AT=relay.published` kills the process the first time it passes that point, `relay.published:7` the seventh
time; SIGKILL, so that nothing is cleaned up. Passing a point that is not armed costs one function call.
"""

import os
import signal

POINTS = (
    "route.claimed",  # the key is ours, nothing done
    "route.acted",  # the action ran, nothing of its events and evidence is written
    "route.stored",  # all is written, nothing committed
    "route.committed",  # all is committed, nobody has the answer
    "read.acted",  # a read is done, its evidence not written
    "read.audited",  # its evidence is committed, nobody has the answer
    "upload.received",  # a file is whole in the spool, and nothing tells of it
    "upload.announced",  # it is announced, not in the store
    "upload.stored",  # it is in the store, and nobody owns it
    "relay.claimed",  # rows are read, nothing published
    "relay.batch_begun",  # of an atomic batch all but the last message are handed over
    "relay.published",  # in the stream, not marked
    "relay.marked",  # marked, not committed
    "relay.committed",  # marked for good
    "consumer.fetched",  # messages are here, nothing done
    "consumer.handled",  # handlers ran, positions are not written
    "consumer.positioned",  # positions are written, nothing committed
    "consumer.committed",  # committed, nothing acknowledged
    "consumer.partly_acknowledged",  # the first of a batch is acknowledged
    "consumer.acknowledged",  # all is acknowledged
    "inbox.buried",  # a poison event is set aside, the rest of its batch is not settled
    "inbox.released",  # one held event is applied, its successors still wait
    "job.acted",  # a chunk of a job ran, nothing committed
    "job.committed",  # a chunk is committed, the next has not begun
    "snapshot.sent",  # some keys of a snapshot are published
    "reconciler.sent",  # some lost events are published again
    "sealer.sealed",  # seals and checkpoint are written, nothing committed
    "sealer.committed",  # committed, nowhere copied
    "sealer.copied",  # in a place outside, the database does not know yet
    "operation.acted",  # a part of an operation did its work, events and evidence are not written
    "operation.flushed",  # all of a part is written, nothing committed
    "operation.committed",  # a part is committed, the next has not begun
    "operation.gathered",  # the file of what was not right is stored, the operation has not ended
    "replay.applied",  # a dead event is applied, what it held back still waits
)


class _Trap:
    """What is armed in this process: nothing, unless `arm` was called."""

    point: str | None = None
    passes_left = 0


def check(setting: str) -> tuple[str, int] | None:
    """Point and number of passes in a setting; `None` when it is empty. Raises `ValueError`."""
    if not setting:
        return None
    point, colon, given = setting.partition(":")
    passes = given if colon else "1"
    if point not in POINTS or not passes.isdecimal() or int(passes) < 1:
        raise ValueError(f"not a crash point: {setting!r}; there are {', '.join(POINTS)}, each with an optional `:n`")
    return point, int(passes)


def arm(setting: str) -> None:
    """Die where `setting` says; an empty one disarms."""
    _Trap.point, _Trap.passes_left = check(setting) or (None, 0)


def crash_point(point: str) -> None:
    """The process passes `point`; it ends here when this pass is the armed one."""
    if point == _Trap.point:
        _Trap.passes_left -= 1
        if _Trap.passes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
