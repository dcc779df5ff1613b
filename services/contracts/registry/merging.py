"""That two ids on the register are one human, or after all two (architecture §1): no row is ever keyed anew, reads resolve."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class PersonAliasState(AboutPerson):
    """`person_id` is the id that turned out to be another's; `version` is that of the merge.

    Flat: `canonical_person_id` is never itself an alias.
    """

    canonical_person_id: UUID = Field(description="The id under which the human is known while the merge stands.")
    merged_on: date = Field(description="Law date of the merge.")
    unmerged_on: date | None = Field(description="Law date on which it was taken back; null while it stands.")


class PersonMerged(PersonAliasState):
    """Two persons on the register were found to be one. A thing one human may have only once has to be checked again."""

    event_type: ClassVar[str] = "registry.person.merged.v1"


class PersonUnmerged(PersonAliasState):
    """A merge was taken back: the two ids are two humans again, each with what was recorded under it."""

    event_type: ClassVar[str] = "registry.person.unmerged.v1"


EVENTS: tuple[type[EventData], ...] = (PersonMerged, PersonUnmerged)
