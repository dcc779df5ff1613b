"""Points-based household registration, put together."""

from pathlib import Path

from fastapi import FastAPI

from services.chassis.app import ServiceDefinition, service_app
from services.chassis.attachments.rows import SEALED as ATTACHMENTS_SEALED
from services.chassis.long_work.rows import SEALED as LONG_WORK_SEALED
from services.contracts.points_hukou import EVENTS
from services.points_hukou import api, jobs
from services.points_hukou.consumers import SUBSCRIPTIONS
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.settings import PointsHukouSettings
from services.points_hukou.store.snapshot import snapshot
from services.points_hukou.store.visibility import sees_any_of
from services.points_hukou.tables import METADATA, SEALED

_FOLDER = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="points_hukou",
    title_zh="积分落户",
    title_en="Points-based household registration",
    settings=PointsHukouSettings,
    metadata=METADATA,
    migrations=_FOLDER / "migrations",
    problems=_FOLDER / "problems.toml",
    routers=api.ROUTERS,
    changes_path="/v1/points/changes",
    changes_scope="points.file.read",
    checkpoints_path="/v1/points/audit/checkpoints",
    checkpoints_scope="points.audit_checkpoint.read",
    follower_scopes={
        "application": "points.application.read",
        "application_conflict": "points.application.read",
        "evidence": "points.evidence.read",
        "evidence_contest": "points.evidence.read",
        "household_transfer": "points.household_transfer.read",
        "household_transfer_conflict": "points.household_transfer.read",
        "registry_contest": "points.evidence.read",
        "round": "points.round.read",
        "round_objection": "points.round.read",
        "round_place": "points.round.read",
        "rule_set": "points.rule_set.read",
    },
    fields=FIELDS,
    attachments=sees_any_of,
    long_work="services.points_hukou",
    publishes=EVENTS,
    snapshot=snapshot,
    subscriptions=SUBSCRIPTIONS,
    jobs=jobs.JOBS,
    sealed=(*SEALED, *ATTACHMENTS_SEALED, *LONG_WORK_SEALED),
)


def create_app(settings: PointsHukouSettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return service_app(DEFINITION, settings)
