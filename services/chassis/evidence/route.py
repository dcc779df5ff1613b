"""`GET …/audit/checkpoints`: the signed heads of a service's evidence, for whoever keeps them elsewhere.

Partners and auditors who hold a few of them can tell later whether the log they are shown is the one they saw grow; they need
no word of ours for that, only the public key, which they were given on another way.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import Field

from services.chassis.db import Reader, Record, prepare
from services.chassis.operation import read
from services.chassis.pages import LimitParameter
from services.chassis.routing import CurrentWork, ServiceRouter
from services.chassis.rows import SERVICE
from services.chassis.schemas import View

_AFTER = prepare(
    """
    SELECT tree_size, epoch, signed_at, signed FROM audit_checkpoint
    WHERE tree_size > CAST(:after AS bigint) ORDER BY tree_size LIMIT CAST(:limit AS integer)
    """
)
_SIZE_MAX = (1 << 53) - 1  # what every JSON reader holds exactly


class CheckpointView(View):
    """A signed head: what the log was when it had `size` lines."""

    size: int = Field(description="Lines of evidence below it.")
    epoch: int = Field(description="Raised when the database was restored to the past.")
    signed_at: datetime
    signed: str = Field(description="Compact JWS (Ed25519, RFC 9864), the proof; the other members say what stands in it.")


class CheckpointsView(View):
    """Heads by size; an answer without any means that there is no newer one yet."""

    items: list[CheckpointView]


def checkpoints_router(path: str, scope: str) -> ServiceRouter:
    """The route for one service."""
    router = ServiceRouter(tags=["audit"])

    @router.get(path, **read(scope, purpose=False, summary_zh="读取审计检查点"))
    async def list_checkpoints(
        work: CurrentWork,
        after: Annotated[
            int, Query(ge=0, le=_SIZE_MAX, description="`size` of the last one you have; 0 for the oldest that is kept.")
        ] = 0,
        limit: LimitParameter = 100,
    ) -> CheckpointsView:
        """Read the signed checkpoints of this service's audit log.

        They name no person and no act. Keep them where we cannot reach: `xinshimin audit verify FILE` compares an export of the
        log with what you kept.
        """
        # No policy shows a client anything of the log; these lines of it are for whoever holds the scope.
        rows = await Reader(work.tx.connection, SERVICE).fetch(_AFTER, after=after, limit=limit)
        work.audit("read", "audit_checkpoint", None, outcome=f"{len(rows)} after {after}")
        return CheckpointsView(items=[_view(row) for row in rows])

    return router


def _view(row: Record) -> CheckpointView:
    return CheckpointView(size=row["tree_size"], epoch=row["epoch"], signed_at=row["signed_at"], signed=row["signed"])
