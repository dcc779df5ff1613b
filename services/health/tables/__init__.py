"""The tables of health: mirrors of the registry, and what this office owns.

Columns named `sealed` hold encrypted JSON (`keyring.seal`, context `<table>|sealed|<id>`). `*_on` are law dates, `*_at`
instants of the system clock.
"""

from services.health.tables import cards, mirrors
from services.health.tables.ground import METADATA

SEALED = cards.SEALED
"""What the store seals; a rotation of keys goes through it."""

__all__ = ["METADATA", "SEALED", "mirrors"]
