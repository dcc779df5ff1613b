"""Immunisation, put together."""

from pathlib import Path

from fastapi import FastAPI

from services.chassis.app import ServiceDefinition, service_app
from services.contracts.health import EVENTS
from services.health import api, jobs
from services.health.consumers import SUBSCRIPTIONS
from services.health.schemas.fields import FIELDS
from services.health.settings import HealthSettings
from services.health.store.snapshot import snapshot
from services.health.tables import METADATA, SEALED

_FOLDER = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="health",
    title_zh="免疫规划",
    title_en="Immunisation",
    settings=HealthSettings,
    metadata=METADATA,
    migrations=_FOLDER / "migrations",
    problems=_FOLDER / "problems.toml",
    routers=api.ROUTERS,
    changes_path="/v1/immunisation/changes",
    changes_scope="health.changes.read",
    checkpoints_path="/v1/immunisation/audit/checkpoints",
    checkpoints_scope="health.audit_checkpoint.read",
    follower_scopes={
        "card": "health.card.read",
        "card_conflict": "health.card.read",
        "dose": "health.dose.read",
        "forecast": "health.dose.read",
    },
    fields=FIELDS,
    publishes=EVENTS,
    snapshot=snapshot,
    subscriptions=SUBSCRIPTIONS,
    jobs=jobs.JOBS,
    sealed=SEALED,
)


def create_app(settings: HealthSettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return service_app(DEFINITION, settings)
