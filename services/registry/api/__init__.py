"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import (
    attachments,
    divisions,
    field_work,
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
    stays,
)

ROUTERS = (
    persons.router,
    merging.router,
    relationships.router,
    registrations.router,
    permits.router,
    historical_permits.router,
    notices.router,
    landlords.router,
    premises.router,
    stays.router,
    field_work.router,
    proposals.router,
    divisions.router,
    attachments.router,
    imports.router,
    imports.operations,
)
