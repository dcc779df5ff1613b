"""What every table module of the registry stands on: one metadata."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from services.chassis.db import NAMING_CONVENTION

METADATA = MetaData(naming_convention=NAMING_CONVENTION)
UNSETTLED = "Day of a report whose deadline was counted before the calendar was held, until it is settled."


class Table(SQLModel):
    """Base of every table."""

    metadata = METADATA
