"""`GET /v1/<service>/operations/{id}` and `POST …/{id}/cancel`: the same for every service with long work."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.long_work import rows
from services.chassis.long_work.asking import RESOURCE
from services.chassis.long_work.rows import OperationRecord, OperationState
from services.chassis.long_work.views import OperationView
from services.chassis.operation import read, write
from services.chassis.routing import CurrentWork, ServiceRouter

_WORKED_ON = frozenset({OperationState.ACCEPTED, OperationState.RUNNING})


def operations_router(path: str, *, read_scope: str, write_scope: str, units: bool = False) -> ServiceRouter:
    """The routes below `path`, for a service whose definition says `long_work=`. `units`: also for such clients."""
    router = ServiceRouter(tags=["operations"])

    @router.get(
        f"{path}/{{operation_id}}",
        **read(read_scope, units=units, summary_zh="查询长时操作的进度", problems=["operation-not-found"]),
    )
    async def read_operation(work: CurrentWork, operation_id: UUID) -> OperationView:
        """Read how far an operation has come.

        Ask again every second or so while it is `accepted` or `running`. What was not right is a file, to be had from
        `errors_attachment_id`.
        """
        found = _known(await rows.find(work.tx, operation_id))
        work.audit("read", RESOURCE, operation_id)
        return OperationView.of(found)

    @router.post(
        f"{path}/{{operation_id}}/cancel",
        **write(
            write_scope,
            units=units,
            summary_zh="取消长时操作",
            problems=["operation-not-found", "operation-ended", "stale-version"],
        ),
    )
    async def cancel_operation(work: CurrentWork, operation_id: UUID) -> OperationView:
        """Stop an operation after the part it is at; what is done stays done."""
        found = _known(await rows.lock(work.tx, operation_id))
        if found.state not in _WORKED_ON:
            raise DomainError("operation-ended", extra={"state": found.state})
        await rows.request_cancel(work.tx, operation_id)
        work.audit("cancel", RESOURCE, operation_id)
        return OperationView.of(_known(await rows.find(work.tx, operation_id)))

    return router


def _known(record: OperationRecord | None) -> OperationRecord:
    if record is None:
        raise DomainError("operation-not-found")
    return record
