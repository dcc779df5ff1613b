"""Background tasks end in order."""

import asyncio

_PATIENCE_S = 10.0


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait until it has cleaned up, within reason."""
    task.cancel()
    await asyncio.wait([task], timeout=_PATIENCE_S)
