"""What rosters may be about, and the columns of each."""

from collections.abc import Mapping
from enum import StrEnum

from services.chassis.long_work.tables.columns import Column
from services.registry.schemas.rosters.employments import EMPLOYMENTS
from services.registry.schemas.rosters.field_visits import FIELD_VISITS
from services.registry.schemas.rosters.residents import RESIDENTS
from services.registry.schemas.rosters.stays import STAYS


class RosterKind(StrEnum):
    """What a roster is about."""

    RESIDENTS = "residents"
    """persons with where they live"""
    EMPLOYMENTS = "employments"
    """who was taken on by an employer, who left"""
    STAYS = "stays"
    """who checked in to a room of a registered home, who checked out"""
    FIELD_VISITS = "field_visits"
    """what a coordinator found; the coordinator is the officer who acts"""


COLUMNS: Mapping[RosterKind, tuple[Column, ...]] = {
    RosterKind.RESIDENTS: RESIDENTS,
    RosterKind.EMPLOYMENTS: EMPLOYMENTS,
    RosterKind.STAYS: STAYS,
    RosterKind.FIELD_VISITS: FIELD_VISITS,
}
