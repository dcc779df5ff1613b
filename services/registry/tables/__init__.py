"""The registry's tables. They say what is stored and what can never be stored; meaning is in `rules`, statements are in
`store`.

Columns named `sealed` hold encrypted JSON (`keyring.seal`, context `<table>|sealed|<id>`); columns named `*_index` hold keyed
digests for equality search. `*_on` are law dates, `*_at` instants of the system clock.
"""

from services.registry.tables import (
    duplicates,
    employment,
    field_work,
    historical_permits,
    homes,
    inspections,
    merging,
    notices,
    people,
    retention,
    rights,
    searching,
)
from services.registry.tables.ground import METADATA

SEALED = (
    *people.SEALED,
    *employment.SEALED,
    *homes.SEALED,
    *field_work.SEALED,
    *merging.SEALED,
    *historical_permits.SEALED,
    *rights.SEALED,
)
"""What the store seals; a rotation of keys goes through it."""

__all__ = ["METADATA", "SEALED", "duplicates", "inspections", "notices", "retention", "searching"]
