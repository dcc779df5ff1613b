"""How health is asked: routes by the nouns of the office."""

from services.health.api import cards, doses, finding

ROUTERS = (cards.router, doses.router, finding.router)
