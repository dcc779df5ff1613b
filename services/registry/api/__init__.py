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
    search_log,
    stays,
)

ROUTERS = (
    persons.router,
    merging.router,
    search_log.router,
    relationships.router,
    registrations.router,
    permits.router,
    historical_permits.router,
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
