"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import (
    attachments,
    divisions,
    employers,
    employments,
    imports,
    landlords,
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
    relationships.router,
    registrations.router,
    permits.router,
    employers.router,
    employments.router,
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
