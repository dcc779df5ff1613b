"""Letters of responsibility for public order (治安责任保证书, RR-74): enter, end, read."""

from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import (
    ResponsibilityLetterEnded,
    ResponsibilityLetterSigned,
    ResponsibilityLetterState,
)
from services.registry.actions.refusals import day_errors
from services.registry.actions.trail import leave
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.homes.landlords import LetterEnd, LetterEntry, LetterRecord, LetterView, PastLetterView
from services.registry.store.events import letter_event
from services.registry.store.homes import landlords as store

RESOURCE = "responsibility_letter"


async def enter_letter(work: Work, body: LetterEntry) -> LetterView:
    """Enter a letter that a landlord signed; several may follow each other or overlap."""
    landlord = await store.lock_landlord(work, body.landlord_id)
    if landlord is None or not await store.hold_landlord(work, body.landlord_id):
        wrong = FieldError("/landlord_id", "landlord_not_found", "没有找到该出租人", "there is no such landlord")
        raise DomainError("landlord-not-found", errors=[wrong])
    errors = day_errors("/signed_on", body.signed_on, earliest=body.signed_on, latest=work.today)
    if body.valid_until <= body.signed_on:
        errors.append(FieldError("/valid_until", "validity", "有效期止必须晚于签订日期", "must be after signed_on", "RR-74"))
    if errors:
        raise invalid(errors)
    record = LetterRecord(
        **body.model_dump(exclude={"evidence"}),
        evidence=tuple(body.evidence),
        letter_id=new_id(),
        division_code=landlord.division_code,
        ended_on=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    # The paper is the landlord's, who may be nobody on the register.
    whose = (landlord.person_id or landlord.landlord_id,)
    named = attachments_in(body.evidence)
    await refer(work, named, resource=RESOURCE, resource_id=record.letter_id, person_ids=whose)
    await store.insert_letter(work, record)
    _leave(work, "enter", ResponsibilityLetterSigned, None, record)
    return LetterView.of(record, work.today)


async def end_letter(work: Work, letter_id: UUID, body: LetterEnd) -> LetterView:
    """End a letter before its time."""
    before = await store.lock_letter(work, letter_id)
    if before is None:
        raise not_found("letter")
    work.expect_version(before.version)
    if before.ended_on is not None:
        raise DomainError("letter-ended")
    if errors := day_errors("/ended_on", body.ended_on, earliest=before.signed_on, latest=max(before.signed_on, work.today)):
        raise invalid(errors)
    ended = before.model_copy(update={"ended_on": body.ended_on, "version": before.version + 1, "updated_at": work.now})
    await store.end_letter(work, ended)
    _leave(work, "end", ResponsibilityLetterEnded, before, ended)
    return LetterView.of(ended, work.today)


async def read_letter(work: Work, letter_id: UUID) -> LetterView:
    """One letter."""
    record = await store.find_letter(work, letter_id)
    if record is None:
        raise not_found("letter")
    work.audit("read", RESOURCE, letter_id)
    return LetterView.of(record, work.today)


async def read_letters_of(work: Work, landlord_id: UUID, cursor: str | None, limit: int) -> Page[LetterView]:
    """A landlord's letters, newest first."""
    if await store.find_landlord(work, landlord_id) is None:
        raise not_found("landlord")
    scope = f"letters of {landlord_id}"
    rows = await store.letters_of(work, landlord_id, before=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: LetterView.of(store.letter_of(work.keyring, row), work.today),
        id_column="letter_id",
    )
    work.audit("read", RESOURCE, None, outcome=f"found {len(page.items)}")
    return page


async def read_letter_history(work: Work, letter_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PastLetterView]]:
    """Versions of a letter, newest first."""
    if await store.find_letter(work, letter_id) is None:
        raise not_found("letter")
    work.audit("read_history", RESOURCE, letter_id)
    return await versions_of(work, RESOURCE, letter_id, record=LetterRecord, view=PastLetterView.of, cursor=cursor, limit=limit)


def _leave(
    work: Work, operation: str, fact: type[ResponsibilityLetterState], before: LetterRecord | None, after: LetterRecord
) -> None:
    event = letter_event(fact, after)
    codes = (after.division_code,)
    leave(work, operation, RESOURCE, after.letter_id, event, before=before, after=after, division_codes=codes)
