"""The registry's process."""

from pathlib import Path

from fastapi import FastAPI

from services.chassis.app import ServiceDefinition, service_app
from services.chassis.attachments.rows import SEALED as ATTACHMENTS_SEALED
from services.chassis.long_work.rows import SEALED as LONG_WORK_SEALED
from services.contracts.registry import EVENTS
from services.registry import api, jobs
from services.registry.actions.document_tokens import renew_tokens
from services.registry.consumers import SUBSCRIPTIONS
from services.registry.schemas.fields import FIELDS
from services.registry.settings import RegistrySettings
from services.registry.store.snapshot import snapshot
from services.registry.store.visibility import sees_any_of
from services.registry.tables import METADATA, SEALED

_HERE = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="registry",
    title_zh="居住登记与居住证",
    title_en="Residence registration and permits",
    settings=RegistrySettings,
    metadata=METADATA,
    migrations=_HERE / "migrations",
    problems=_HERE / "problems.toml",
    routers=api.ROUTERS,
    changes_path="/v1/registry/changes",
    changes_scope="registry.changes.read",
    checkpoints_path="/v1/registry/audit/checkpoints",
    checkpoints_scope="registry.audit_checkpoint.read",
    follower_scopes={
        "person": "registry.person.read",
        "relationship": "registry.person.read",
        "residence_registration": "registry.registration.read",
        "residence_permit": "registry.permit.read",
        "historical_permit": "registry.permit.read",
        "notice": "registry.notice.read",
        "restriction": "registry.person.read",
        "household_transfer": "registry.registration.read",
        "correction": "registry.rights.read",
        "premises": "registry.premises.read",
        "landlord": "registry.premises.read",
        "responsibility_letter": "registry.premises.read",
        "stay": "registry.stay.read",
        "employer": "registry.employer.read",
        "employment": "registry.employment.read",
    },
    fields=FIELDS,
    publishes=EVENTS,
    jobs=jobs.JOBS,
    snapshot=snapshot,
    subscriptions=SUBSCRIPTIONS,
    renew_tokens=renew_tokens,
    sealed=(*SEALED, *ATTACHMENTS_SEALED, *LONG_WORK_SEALED),
    attachments=sees_any_of,
    long_work="services.registry",
)


def create_app(settings: RegistrySettings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return service_app(DEFINITION, settings)
