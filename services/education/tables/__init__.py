"""The tables of education: mirrors of the registry, and what this office owns. `*_on` are law dates, `*_at` instants of the
system clock. No column is sealed: schools and places are public, and mirrors hold what events told.
"""

from services.education.tables import mirrors, place_plans, schools
from services.education.tables.ground import METADATA

__all__ = ["METADATA", "mirrors", "place_plans", "schools"]
