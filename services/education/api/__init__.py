"""The routes of this service; each calls one action."""

from services.chassis.routing import ServiceRouter
from services.education.api import place_plans, schools

ROUTERS: tuple[ServiceRouter, ...] = (schools.router, place_plans.router)
