"""Landlords and their letters of responsibility."""

from uuid import UUID

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.homes import landlords, letters
from services.registry.schemas.homes.landlords import (
    LandlordCorrection,
    LandlordRegistration,
    LandlordView,
    LetterEnd,
    LetterEntry,
    LetterView,
    PastLandlordView,
    PastLetterView,
)

router = ServiceRouter(tags=["landlords"])


@router.post(
    "/v1/landlords",
    status_code=201,
    **write(
        "registry.premises.write",
        summary_zh="登记出租人",
        problems=["division-out-of-scope", "person-not-found", "person-merged", "landlord-exists"],
    ),
)
async def register_landlord(work: CurrentWork, body: LandlordRegistration) -> Answer[LandlordView]:
    """Register a landlord.

    Somebody on the register, another person, or an organisation. Each division keeps its own.
    """
    made = await landlords.register_landlord(work, body)
    return Answer(made, version=made.version, location=f"/v1/landlords/{made.landlord_id}")


@router.get(
    "/v1/landlords/{landlord_id}",
    **read("registry.premises.read", units=True, summary_zh="读取出租人", problems=["landlord-not-found"]),
)
async def read_landlord(work: CurrentWork, landlord_id: UUID) -> Answer[LandlordView]:
    """Read a landlord."""
    found = await landlords.read_landlord(work, landlord_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/landlords/{landlord_id}/history",
    **read("registry.premises.read", summary_zh="出租人的变更历史", problems=["landlord-not-found"]),
)
async def read_landlord_history(
    work: CurrentWork, landlord_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastLandlordView]]:
    """List the versions of a landlord, newest first, without what names a person."""
    return await landlords.read_landlord_history(work, landlord_id, cursor, limit)


@router.patch(
    "/v1/landlords/{landlord_id}",
    **write("registry.premises.write", if_match=True, summary_zh="更正出租人", problems=["landlord-not-found"]),
)
async def correct_landlord(work: CurrentWork, landlord_id: UUID, body: LandlordCorrection) -> Answer[LandlordView]:
    """Correct a landlord's phone or an organisation's name."""
    corrected = await landlords.correct_landlord(work, landlord_id, body)
    return Answer(corrected, version=corrected.version)


@router.get(
    "/v1/landlords/{landlord_id}/responsibility-letters",
    **read("registry.premises.read", summary_zh="出租人的治安责任保证书", problems=["landlord-not-found"]),
)
async def read_letters_of(
    work: CurrentWork, landlord_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[LetterView]:
    """List a landlord's letters of responsibility, newest first."""
    return await letters.read_letters_of(work, landlord_id, cursor, limit)


@router.post(
    "/v1/responsibility-letters",
    status_code=201,
    **write("registry.premises.write", actor=True, summary_zh="录入治安责任保证书", problems=["landlord-not-found"]),
)
async def enter_letter(work: CurrentWork, body: LetterEntry) -> Answer[LetterView]:
    """Enter a letter of responsibility that a landlord signed (RR-74)."""
    made = await letters.enter_letter(work, body)
    return Answer(made, version=made.version, location=f"/v1/responsibility-letters/{made.letter_id}")


@router.get(
    "/v1/responsibility-letters/{letter_id}",
    **read("registry.premises.read", summary_zh="读取治安责任保证书", problems=["letter-not-found"]),
)
async def read_letter(work: CurrentWork, letter_id: UUID) -> Answer[LetterView]:
    """Read a letter of responsibility."""
    found = await letters.read_letter(work, letter_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/responsibility-letters/{letter_id}/history",
    **read("registry.premises.read", summary_zh="治安责任保证书的变更历史", problems=["letter-not-found"]),
)
async def read_letter_history(
    work: CurrentWork, letter_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastLetterView]]:
    """List the versions of a letter of responsibility, newest first."""
    return await letters.read_letter_history(work, letter_id, cursor, limit)


@router.post(
    "/v1/responsibility-letters/{letter_id}/end",
    **write(
        "registry.premises.write",
        actor=True,
        summary_zh="终止治安责任保证书",
        problems=["letter-not-found", "letter-ended"],
    ),
)
async def end_letter(work: CurrentWork, letter_id: UUID, body: LetterEnd) -> Answer[LetterView]:
    """End a letter of responsibility before its time."""
    ended = await letters.end_letter(work, letter_id, body)
    return Answer(ended, version=ended.version)
