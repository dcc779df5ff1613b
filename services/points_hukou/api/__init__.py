"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import evidence, files, proposals, rule_sets

ROUTERS = (files.router, evidence.router, rule_sets.router, proposals.router)
