"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import (
    attachments,
    divisions,
    historical_permits,
    imports,
    landlords,
    merging,
    notices,
    permits,
    persons,
    premises,
    proposals,
    registrations,
    relationships,
    rights,
    stays,
)

ROUTERS = (
    persons.router,
    merging.router,
    relationships.router,
    registrations.router,
    permits.router,
    historical_permits.router,
    rights.router,
    notices.router,
    landlords.router,
    premises.router,
    stays.router,
    proposals.router,
    divisions.router,
    attachments.router,
    imports.router,
    imports.operations,
)
