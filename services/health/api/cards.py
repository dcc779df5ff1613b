"""Vaccination cards (接种卡): opened, certified, moved out and in, checked."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.health.actions import card_reading, cards, conflicts
from services.health.rules.cards import CardStatus
from services.health.schemas.cards import CardChange, CardEntry, CardRecord, CardView, CertificateIssue, Leave, MoveIn, MoveOut
from services.health.schemas.conflicts import CardConflictView, ConflictStatus

router = ServiceRouter(tags=["vaccination cards"])
_ALL = "/v1/immunisation/cards"
_ONE = f"{_ALL}/{{card_id}}"
_READ = "health.card.read"
_WRITE = "health.card.write"
_FOUND = ["card-not-found"]
_KEPT = [*_FOUND, "card-of-other-office"]
_ACT = [*_KEPT, "card-act-not-allowed"]

PersonParameter = Annotated[UUID | None, Query(description="Only those of this person, under whatever id.")]
StatusParameter = Annotated[CardStatus | None, Query(description="Only those that stand there.")]
ClinicParameter = Annotated[str | None, Query(max_length=20, description="Only those this vaccination unit keeps.")]
CheckedParameter = Annotated[
    date | None, Query(description="Only those looked after of which the unit did not look since before this day (IMM-55).")
]
ConflictStatusParameter = Annotated[ConflictStatus | None, Query(description="Only those that stand there.")]


async def _answer(work: CurrentWork, record: CardRecord, location: str | None = None) -> Answer[CardView]:
    return Answer(await cards.shown(work, record), version=record.version, location=location)


@router.post(
    _ALL,
    status_code=201,
    **write(
        _WRITE,
        actor=True,
        summary_zh="建立接种卡",
        problems=["person-not-found", "division-out-of-scope", "card-exists", "card-not-yet"],
    ),
)
async def open_card(work: CurrentWork, body: CardEntry) -> Answer[CardView]:
    """Open a card: for who was born here, lives here for three months, asks for it, or was handed over by another unit.

    A child has one card in the city, under whatever id: a card that another unit keeps is taken over by `move-in`.
    """
    record = await cards.open_card(work, body)
    return await _answer(work, record, f"{_ALL}/{record.card_id}")


@router.get(_ALL, **read(_READ, summary_zh="列出接种卡"))
async def list_cards(
    work: CurrentWork,
    person_id: PersonParameter = None,
    status: StatusParameter = None,
    clinic_code: ClinicParameter = None,
    checked_before: CheckedParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[CardView]:
    """List cards in the client's sight, oldest first; with `checked_before` those the quarterly check has still to look at."""
    return await card_reading.list_cards(
        work,
        person_id=person_id,
        status=status,
        clinic_code=clinic_code,
        checked_before=checked_before,
        cursor=cursor,
        limit=limit,
    )


@router.get("/v1/immunisation/card-conflicts", **read(_READ, summary_zh="列出合并人员后的重复接种卡"))
async def list_conflicts(
    work: CurrentWork,
    status: ConflictStatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[CardConflictView]:
    """List cards of persons who turned out to be one human, oldest first; one of the two is to be moved out."""
    return await conflicts.list_conflicts(work, status, cursor, limit)


@router.get(_ONE, **read(_READ, summary_zh="读取接种卡", problems=_FOUND))
async def read_card(work: CurrentWork, card_id: UUID) -> Answer[CardView]:
    """Read a card and where it stands."""
    found = await card_reading.read_card(work, card_id)
    return Answer(found, version=found.version)


@router.get(f"{_ONE}/history", **read(_READ, summary_zh="接种卡的变更历史", problems=_FOUND))
async def read_versions(
    work: CurrentWork, card_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[CardView]]:
    """Read the versions of a card, newest first."""
    return await card_reading.read_versions(work, card_id, cursor, limit)


@router.patch(_ONE, **write(_WRITE, actor=True, if_match=True, summary_zh="变更接种卡", problems=_KEPT))
async def change_card(work: CurrentWork, card_id: UUID, body: CardChange) -> Answer[CardView]:
    """Change clinic, contact or what is known of the child. Another forecast follows from other facts."""
    return await _answer(work, await cards.change_card(work, card_id, body))


@router.post(f"{_ONE}/certify", **write(_WRITE, actor=True, summary_zh="登记或补发预防接种证", problems=_ACT))
async def certify(work: CurrentWork, card_id: UUID, body: CertificateIssue) -> Answer[CardView]:
    """Note the certificate that was issued or seen; another number than before replaces a lost one."""
    return await _answer(work, await cards.certify(work, card_id, body))


@router.post(f"{_ONE}/leave", **write(_WRITE, actor=True, summary_zh="登记临时外出", problems=_ACT))
async def leave(work: CurrentWork, card_id: UUID, body: Leave) -> Answer[CardView]:
    """Note that the child is away for a while."""
    return await _answer(work, await cards.leave(work, card_id, body))


@router.post(f"{_ONE}/return", **write(_WRITE, actor=True, summary_zh="登记外出返回", problems=_ACT))
async def come_back(work: CurrentWork, card_id: UUID) -> Answer[CardView]:
    """Note that the child is here again."""
    return await _answer(work, await cards.come_back(work, card_id))


@router.post(f"{_ONE}/move-out", **write(_WRITE, actor=True, summary_zh="迁出接种卡", problems=_ACT))
async def move_out(work: CurrentWork, card_id: UUID, body: MoveOut) -> Answer[CardView]:
    """Move a card out: the child lives elsewhere. It is kept apart, and its record stays to be handed over."""
    return await _answer(work, await cards.move_out(work, card_id, body))


@router.post(
    f"{_ONE}/move-in",
    **write(_WRITE, actor=True, summary_zh="迁入接种卡", problems=[*_FOUND, "card-act-not-allowed", "division-out-of-scope"]),
)
async def move_in(work: CurrentWork, card_id: UUID, body: MoveIn) -> Answer[CardView]:
    """Take a card over with its full record: the child lives here now, or again."""
    return await _answer(work, await cards.move_in(work, card_id, body))


@router.post(f"{_ONE}/check", **write(_WRITE, actor=True, summary_zh="核查接种卡", problems=_KEPT))
async def check(work: CurrentWork, card_id: UUID) -> Answer[CardView]:
    """Note that the unit looked, and the child is still there (IMM-55)."""
    return await _answer(work, await cards.check(work, card_id))
