"""What changed rules would come to. No person is in it, and no small number of people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.points_hukou.tables.ground import Table


class SimulationRow(Table, table=True):
    """One simulation that came to its end; its id is that of the operation."""

    __tablename__ = "simulation"
    __table_args__ = (is_kept(Retention.AGGREGATE, "numbers of people alone"),)

    simulation_id: UUID = Field(primary_key=True)
    division_code: str = Field(sa_type=Text, description="Of the client, which saw everybody who was counted.")
    asked_by: str = Field(sa_type=Text)
    asked: dict[str, Any] = Field(sa_type=Jsonb, description="Both variants.")
    told: dict[str, Any] = Field(sa_type=Jsonb)
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
