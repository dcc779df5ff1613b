"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import attachments, merging, permits, persons, proposals, registrations, relationships

ROUTERS = (
    persons.router,
    merging.router,
    relationships.router,
    registrations.router,
    permits.router,
    proposals.router,
    attachments.router,
)
