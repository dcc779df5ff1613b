"""Answers to `points_hukou.registry_contest.opened`: events that keep order per `person_id`, which is the one asked about."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.contracts.registry.about import AboutPerson
from services.contracts.registry.household_transfers import RejectionReason


class CorrectionAnswered(AboutPerson):
    """What became of a fact of the register that its person contests. `version` is that of the contest that is answered."""

    event_type: ClassVar[str] = "registry.correction.answered.v1"

    contest_id: UUID
    rights_request_id: UUID | None = Field(description="The case in which it was looked into; null where none could be opened.")
    outcome: Literal["corrected", "upheld", "withdrawn", "rejected"] = Field(
        description="`corrected`: the register was changed; `upheld`: it is right; `withdrawn`: the person took it back; "
        "`rejected`: nothing could be looked into."
    )
    reasons: tuple[RejectionReason, ...] = Field(description="Why it was upheld, or could not be looked into.")


EVENTS = (CorrectionAnswered,)
