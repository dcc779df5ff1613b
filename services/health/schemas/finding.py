"""Who needs a dose, and who needs a card."""

from datetime import date
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View


class DueLine(View):
    """A dose that is due, or late, by the day asked for."""

    line: str
    vaccine_code: str
    dose_no: int
    recommended: date
    overdue_from: date
    latest: date
    is_overdue: bool


class DueChild(View):
    """A child a dose is due for, by its card. Whom to call is said by the card."""

    card_id: UUID
    person_id: UUID
    masked_name: str | None = Field(description="As the register masks it; null for who lives nowhere in sight.")
    division_code: str
    clinic_code: str
    as_of: date = Field(description="When it was forecast, usually in the night before.")
    lines: list[DueLine] = Field(description="The most urgent first.")


class ChildWithoutCard(View):
    """A child the register knows, and no unit of the city has a card of."""

    person_id: UUID
    masked_name: str
    division_code: str = Field(description="Of its residence registration.")
    residence_since: date
    card_due_on: date = Field(description="Three months after the start of residence (IMM-53); on request at once.")
