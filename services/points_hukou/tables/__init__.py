"""The tables of points_hukou: mirrors of the registry, and what this office owns.

Columns named `sealed` hold encrypted JSON (`keyring.seal`, context `<table>|sealed|<id>`). `*_on` are law dates, `*_at`
instants of the system clock.
"""

from services.points_hukou.tables import mirrors, rule_sets
from services.points_hukou.tables.ground import METADATA

__all__ = ["METADATA", "mirrors", "rule_sets"]
