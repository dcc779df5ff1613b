"""What every table module of points_hukou stands on: one metadata."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from services.chassis.db import NAMING_CONVENTION

METADATA = MetaData(naming_convention=NAMING_CONVENTION)


class Table(SQLModel):
    """Base of every table."""

    metadata = METADATA
