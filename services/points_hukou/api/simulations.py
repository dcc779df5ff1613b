"""Changed rules tried on everybody, and the operations of this office."""

from uuid import UUID

from services.chassis.long_work.routes import operations_router
from services.chassis.long_work.views import OperationView
from services.chassis.operation import read, write
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions import simulations
from services.points_hukou.schemas.simulations import SimulationRequest, SimulationView

OPERATIONS_PATH = "/v1/points/operations"
_ALL = "/v1/points/simulations"

router = ServiceRouter(tags=["simulations"])
operations = operations_router(OPERATIONS_PATH, read_scope="points.operation.read", write_scope="points.operation.cancel")


@router.post(
    _ALL,
    status_code=202,
    **write("points.simulation.write", actor=True, summary_zh="试算积分规则", problems=["rule-set-not-found", "scope-missing"]),
)
async def request_simulation(work: CurrentWork, body: SimulationRequest) -> Answer[OperationView]:
    """Try a changed rule set, quota or day on everybody the client sees: who gains, who loses, where the cut lies.

    The operation tells how far it is and can be cancelled; when it has succeeded, its id is that of the simulation. Facts are
    read as they are known then; nothing of anybody is kept, only numbers of people. A rule set that is not approved may be
    written about one person, so it is tried by clients with `points.field.sensitive` alone.
    """
    made = await simulations.request_simulation(work, body)
    return Answer(made, location=f"{OPERATIONS_PATH}/{made.operation_id}")


@router.get(
    f"{_ALL}/{{simulation_id}}",
    **read("points.simulation.read", purpose=False, summary_zh="读取试算结果", problems=["simulation-not-found"]),
)
async def read_simulation(work: CurrentWork, simulation_id: UUID) -> SimulationView:
    """Read what a simulation came to: city-wide, and by town, origin, industry and age without small numbers of people."""
    return await simulations.read_simulation(work, simulation_id)
