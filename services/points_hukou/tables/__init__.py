"""The tables of points_hukou: mirrors of the registry, and what this office owns.

Columns named `sealed` hold encrypted JSON (`keyring.seal`, context `<table>|sealed|<id>`). `*_on` are law dates, `*_at`
instants of the system clock.
"""

from services.points_hukou.tables import applications, evidence, household_transfers, mirrors, rounds, rule_sets, simulations
from services.points_hukou.tables.ground import METADATA

SEALED = (*evidence.SEALED, *applications.SEALED, *rounds.SEALED, *household_transfers.SEALED)
"""What the store seals; a rotation of keys goes through it."""

__all__ = ["METADATA", "SEALED", "mirrors", "rule_sets", "simulations"]
