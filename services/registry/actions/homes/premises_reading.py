"""Homes that are let: read, look back, list, and how full they are."""

from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.homes.premises import RESOURCE, sight_on_manager, view_of
from services.registry.actions.law import LAW
from services.registry.rules.homes.capacity import StandardInForce, assess_room
from services.registry.rules.homes.premises import PremisesKind, PremisesStatus
from services.registry.schemas.homes.premises import (
    CapacityView,
    PastPremisesView,
    PremisesRecord,
    PremisesView,
    RoomUseView,
    StandardView,
)
from services.registry.store.homes import premises as store


async def read_premises(work: Work, premises_id: UUID) -> PremisesView:
    """One home."""
    record, use = await _visible(work, premises_id)
    sight = sight_on_manager(work)
    view = view_of(work, record, use, sight)
    work.audit("read", RESOURCE, premises_id, fields=sight.shown)
    return view


async def read_premises_history(
    work: Work, premises_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastPremisesView]]:
    """Versions of a home, newest first."""
    await _visible(work, premises_id)
    versions = await versions_of(
        work, RESOURCE, premises_id, record=PremisesRecord, view=PastPremisesView.of, cursor=cursor, limit=limit
    )
    work.audit("read_history", RESOURCE, premises_id)
    return versions


async def list_premises(
    work: Work,
    division_code: str | None,
    kind: PremisesKind | None,
    status: PremisesStatus | None,
    landlord_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[PremisesView]:
    """Homes in a division, oldest first; without one, in the client's whole division."""
    is_everywhere = division_code is None and work.principal.unit is not None  # a landlord's homes, wherever they lie
    prefix = "" if is_everywhere else listed_prefix(work, division_code)
    scope = f"premises {prefix} {kind} {status} {landlord_id}"
    rows = await store.list_premises(
        work,
        division_prefix=prefix,
        kind=kind,
        status=status,
        landlord_id=landlord_id,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )

    def view(row: Record) -> PremisesView:
        sight = sight_on_manager(work)
        record, use = store.found_in(work.keyring, row)
        seen = view_of(work, record, use, sight)
        work.audit("read", RESOURCE, record.premises_id, fields=sight.shown)
        return seen

    return page_of(work.keyring, scope, rows, limit, view, id_column="premises_id")


async def read_capacity(work: Work, premises_id: UUID) -> CapacityView:
    """How many people each let room houses and may house by the standard in use today (RR-65, RR-68, RR-71)."""
    record, use = await _visible(work, premises_id)
    by_room = await store.guests_by_room(work, premises_id)
    in_force = LAW.homes.capacity.on(work.today)
    rooms = []
    for room in record.let_rooms:
        housed = by_room.get(room.room_id, 0)
        found = assess_room(room.usable_area_dm2, housed, None if in_force is None else in_force.standard)
        rooms.append(
            RoomUseView(
                room_id=room.room_id,
                label=room.label,
                usable_area_dm2=room.usable_area_dm2,
                beds=room.beds,
                guests=housed,
                persons_max=found.persons_max,
                is_over=found.is_over,
            )
        )
    told = [room.is_over for room in rooms]
    work.audit("read", RESOURCE, premises_id)
    return CapacityView(
        premises_id=premises_id,
        on=work.today,
        standard=None if in_force is None else _standard(in_force),
        rooms=rooms,
        guests=use.guests,
        beds=record.beds,
        is_over=True if True in told else None if None in told or not told else False,
    )


def _standard(in_force: StandardInForce) -> StandardView:
    return StandardView(
        key=in_force.standard.key,
        usable_area_dm2_per_person_min=in_force.standard.usable_area_dm2_per_person_min,
        persons_per_room_max=in_force.standard.persons_per_room_max,
        source=in_force.source,
        confidence=in_force.confidence.value,
        rule=in_force.rule,
        note=in_force.note,
    )


async def _visible(work: Work, premises_id: UUID) -> tuple[PremisesRecord, store.Use]:
    found = await store.find_premises(work, premises_id)
    if found is None:
        raise not_found("premises")
    return found
