"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import attachments, divisions, permits, persons, proposals, registrations, relationships

ROUTERS = (
    persons.router,
    relationships.router,
    registrations.router,
    permits.router,
    proposals.router,
    divisions.router,
    attachments.router,
)
