"""Versions of a thing, newest first."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from services.chassis.schemas import View

StateT = TypeVar("StateT", bound=View)


class VersionView(View, Generic[StateT]):
    """One version: when it was recorded, by whom, which fields changed, and the state after it."""

    version: int
    recorded_at: datetime
    client_id: str
    actor: str | None = Field(description="The officer, where one acted.")
    proposed_by: str | None = Field(description="The officer who proposed it, where `actor` is a second one who approved it.")
    request_id: str
    changed: list[str] = Field(description="Names of the fields that changed with this version.")
    erased: bool = Field(description="Whether the state is gone for good, because a person it is about was erased.")
    state: StateT | None = Field(description="Absent exactly when `erased`.")
