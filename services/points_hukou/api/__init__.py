"""How points_hukou is asked: routes by the nouns of the office."""

from services.points_hukou.api import (
    applications,
    evidence,
    files,
    household_transfers,
    imports,
    proposals,
    registry_contests,
    rounds,
    rule_sets,
    simulations,
)

ROUTERS = (
    files.router,
    evidence.router,
    registry_contests.router,
    imports.router,
    imports.attachments,
    rule_sets.router,
    applications.router,
    rounds.router,
    household_transfers.router,
    proposals.router,
    simulations.router,
    simulations.operations,
)
