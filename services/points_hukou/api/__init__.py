"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import applications, evidence, files, imports, proposals, rule_sets

ROUTERS = (
    files.router,
    evidence.router,
    imports.router,
    imports.operations,
    imports.attachments,
    rule_sets.router,
    applications.router,
    proposals.router,
)
