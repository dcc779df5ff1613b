"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import evidence, files

ROUTERS = (files.router, evidence.router)
