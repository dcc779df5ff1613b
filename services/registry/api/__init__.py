"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import (
    attachments,
    historical_permits,
    imports,
    notices,
    permits,
    persons,
    proposals,
    registrations,
    relationships,
)

ROUTERS = (
    persons.router,
    relationships.router,
    registrations.router,
    permits.router,
    historical_permits.router,
    notices.router,
    proposals.router,
    attachments.router,
    imports.router,
    imports.operations,
)
