"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import applications, files, proposals, rule_sets

ROUTERS = (files.router, rule_sets.router, applications.router, proposals.router)
