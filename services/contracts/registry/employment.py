"""Employers and who works for them. An employer's events keep order per `employer_id`, those of an employment per
`person_id`.
"""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class EmployerState(EventData):
    """An employer; its name and social credit code stay in the registry."""

    employer_id: UUID
    version: int = Field(ge=1)
    status: Literal["registered", "ended"]
    division_code: str = Field(description="Where it works: county (6 digits), township (9) or village (12).")
    industry_code: str = Field(description="GB/T 4754-2017: the section's letter, optionally 2 to 4 digits.")
    registered_on: date
    ended_on: date | None
    end_reason: str | None

    @property
    def partition_key(self) -> UUID:
        """Order is kept per employer."""
        return self.employer_id


class EmployerRegistered(EmployerState):
    """An employer was registered."""

    event_type: ClassVar[str] = "registry.employer.registered.v1"


class EmployerChanged(EmployerState):
    """Its place, name or industry changed."""

    event_type: ClassVar[str] = "registry.employer.changed.v1"


class EmployerEnded(EmployerState):
    """It is no more."""

    event_type: ClassVar[str] = "registry.employer.ended.v1"


class EmploymentState(AboutPerson):
    """Who works for whom, from when to when (RR-14); the position stays in the registry."""

    employment_id: UUID
    employer_id: UUID
    division_code: str = Field(description="Division of the employer when the employment was reported.")
    industry_code: str = Field(description="The employer's industry when the employment was reported.")
    occupation_code: str = Field(description="GB/T 6565-2015: major group, optionally finer.")
    started_on: date
    ended_on: date | None
    end_reason: str | None = Field(description="`recorded_in_error`: it never was and counts for nothing.")


class EmploymentStarted(EmploymentState):
    """Somebody was taken on."""

    event_type: ClassVar[str] = "registry.employment.started.v1"


class EmploymentChanged(EmploymentState):
    """Occupation or position changed."""

    event_type: ClassVar[str] = "registry.employment.changed.v1"


class EmploymentEnded(EmploymentState):
    """Somebody works there no more, or never did."""

    event_type: ClassVar[str] = "registry.employment.ended.v1"


EVENTS: tuple[type[EventData], ...] = (
    EmployerRegistered,
    EmployerChanged,
    EmployerEnded,
    EmploymentStarted,
    EmploymentChanged,
    EmploymentEnded,
)
