"""How the registry is asked: routes by the nouns of the office."""

from services.registry.api import attachments, permits, persons, registrations, relationships

ROUTERS = (persons.router, relationships.router, registrations.router, permits.router, attachments.router)
