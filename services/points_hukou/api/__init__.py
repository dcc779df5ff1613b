"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import files

ROUTERS = (files.router,)
