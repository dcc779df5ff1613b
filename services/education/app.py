"""School places for children who moved here, put together."""

from pathlib import Path

from fastapi import FastAPI

from services.chassis.app import ServiceDefinition, service_app
from services.contracts.education import EVENTS
from services.education import api
from services.education.consumers import SUBSCRIPTIONS
from services.education.settings import EducationSettings
from services.education.store.snapshot import snapshot
from services.education.tables import METADATA

_FOLDER = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="education",
    title_zh="随迁子女入学",
    title_en="School places",
    settings=EducationSettings,
    metadata=METADATA,
    migrations=_FOLDER / "migrations",
    problems=_FOLDER / "problems.toml",
    routers=api.ROUTERS,
    changes_path="/v1/education/changes",
    changes_scope="education.changes.read",
    checkpoints_path="/v1/education/audit/checkpoints",
    checkpoints_scope="education.audit_checkpoint.read",
    follower_scopes={"school": "education.school.read", "place_plan": "education.place_plan.read"},
    publishes=EVENTS,
    snapshot=snapshot,
    subscriptions=SUBSCRIPTIONS,
)


def create_app(settings: EducationSettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return service_app(DEFINITION, settings)
