"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import evidence, files, imports, proposals, rule_sets

ROUTERS = (
    files.router,
    evidence.router,
    imports.router,
    imports.operations,
    imports.attachments,
    rule_sets.router,
    proposals.router,
)
