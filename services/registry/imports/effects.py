"""What a chunk of rows does to the register: gathered row by row, written in a few statements, with the single door's trail."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.chassis.work import Trail, Work
from services.contracts.registry import (
    ResidenceRegistrationChanged,
    ResidenceRegistrationEnded,
    ResidenceRegistrationRegistered,
    ResidenceRegistrationState,
)
from services.registry.actions.duplicate_finding import look_for_duplicates
from services.registry.actions.registrations import RESOURCE as REGISTRATION
from services.registry.actions.trail import leave
from services.registry.schemas.registrations import RegistrationRecord
from services.registry.store import bulk
from services.registry.store.events import registration_event


@dataclass(slots=True)
class Effects:
    """See the module's docstring. A person is touched once before `write`: the statements have an order of their own."""

    work: Work
    entered_at: datetime
    touched: set[UUID] = field(default_factory=set)
    _new: list[bulk.NewResident] = field(default_factory=list)
    _moved: list[RegistrationRecord] = field(default_factory=list)
    _registered: list[RegistrationRecord] = field(default_factory=list)
    _changed: list[RegistrationRecord] = field(default_factory=list)

    def enter(self, resident: bulk.NewResident, trail: Trail) -> UUID:
        """A person nobody knew comes in, with a registration; the person's id."""
        person_id = self.work.lay_trail(trail)
        self.touched.add(person_id)
        self._new.append(resident)
        return person_id

    def move(self, before: RegistrationRecord, after: RegistrationRecord, divisions: Iterable[str]) -> None:
        """A registration elsewhere ends as a move."""
        self.touched.add(after.person_id)
        self._moved.append(after)
        self._leave("end", ResidenceRegistrationEnded, before, after, divisions)

    def register(self, record: RegistrationRecord, divisions: Iterable[str]) -> None:
        """A person the register knew is registered."""
        self.touched.add(record.person_id)
        self._registered.append(record)
        self._leave("register", ResidenceRegistrationRegistered, None, record, divisions)

    def change(self, before: RegistrationRecord, after: RegistrationRecord, divisions: Iterable[str]) -> None:
        """An address changes."""
        self.touched.add(after.person_id)
        self._changed.append(after)
        self._leave("change_address", ResidenceRegistrationChanged, before, after, divisions)

    async def write(self) -> None:
        """Store what was gathered; the trail goes with the transaction's end."""
        if self._new:
            await bulk.enter_residents(self.work, self._new, self.entered_at)
            await look_for_duplicates(self.work, [resident.person_id for resident in self._new])
        if self._moved:
            await bulk.end_by_move(self.work, self._moved)
        if self._registered:
            await bulk.register(self.work, self._registered)
        if self._changed:
            await bulk.change(self.work, self._changed)
        for gathered in (self._new, self._moved, self._registered, self._changed):
            gathered.clear()
        self.touched.clear()

    def _leave(
        self,
        operation: str,
        fact: type[ResidenceRegistrationState],
        before: RegistrationRecord | None,
        after: RegistrationRecord,
        divisions: Iterable[str],
    ) -> None:
        leave(
            self.work,
            operation,
            REGISTRATION,
            after.registration_id,
            registration_event(fact, after),
            before=before,
            after=after,
            division_codes=sorted(divisions),
        )
