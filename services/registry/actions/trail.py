"""What every act leaves behind in its transaction: the event, a version in the history, a line of evidence."""

from collections.abc import Iterable
from uuid import UUID

from services.chassis.events import EventData
from services.chassis.records import VersionedRecord, changed_fields
from services.chassis.work import Work
from services.contracts.registry import AboutPerson


def leave(  # noqa: PLR0913 - what a trail consists of
    work: Work,
    operation: str,
    resource: str,
    resource_id: UUID,
    event: EventData | None,
    *,
    before: VersionedRecord | None,
    after: VersionedRecord,
    division_codes: Iterable[str],
    related_person_id: UUID | None = None,
) -> None:
    """Emit `event`, remember `after` as its version, and say in the evidence which fields changed. What is part of another
    thing has no event of its own.
    """
    person_id = event.person_id if isinstance(event, AboutPerson) else None
    changed = changed_fields(before, after)
    if event is not None:
        work.emit(event, division_codes=division_codes)
    work.remember(
        resource,
        resource_id,
        after.version,
        snapshot=after.remembered(),
        changed=changed,
        person_id=person_id,
        related_person_id=related_person_id,
    )
    work.audit(operation, resource, resource_id, person_id=person_id, fields=changed)
