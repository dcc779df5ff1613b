"""Doses: recorded, reported twice and kept once, corrected, withdrawn. Nothing is ever deleted."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.health import (
    CardChanged,
    DoseCorrected,
    DoseRecorded,
    DoseReportedAgain,
    DoseState,
    DoseWithdrawn,
)
from services.health.actions import forecasting
from services.health.actions.cards import find as find_card
from services.health.actions.cards import save as save_card
from services.health.actions.cards import sight_of, status_after
from services.health.actions.cards import take as take_card
from services.health.actions.refusals import not_later
from services.health.actions.schedules import programme
from services.health.rules.cards import CardAct, CardStatus, DoseStatus, Evidence, stronger
from services.health.schemas.cards import CardRecord
from services.health.schemas.doses import (
    ChildRecord,
    DoseCorrection,
    DoseEntry,
    DoseRecord,
    DoseSecrets,
    DoseView,
    DoseWithdrawal,
)
from services.health.store import doses as store
from services.health.store import persons

RESOURCE = "dose"
_ASKED = ("product", "manufacturer", "lot_number", "expires_on", "site", "route", "vaccinator")
_TOLD = tuple(name for name in DoseSecrets.model_fields if name != "reasons")
_PLAIN = ("vaccine_code", "given_on", "evidence", "funding", "is_campaign", "clinic_code")


async def record_dose(work: Work, card_id: UUID, body: DoseEntry) -> DoseRecord:
    """Record a dose. One of the same vaccine on the same day is the same dose (X-35): it is reported once more, and what was
    not known of it is filled in. A dose that was given is recorded, also where it was too early: the forecast says so.
    """
    card = await _card_for_doses(work, card_id)
    (recorded,) = await _record(work, card, [("", body)])
    return recorded


async def take_over(work: Work, card_id: UUID, bodies: Sequence[DoseEntry]) -> list[DoseRecord]:
    """Record the doses of another unit's record, all or none."""
    card = await _card_for_doses(work, card_id)
    return await _record(work, card, [(f"/doses/{number}", body) for number, body in enumerate(bodies)])


async def correct_dose(work: Work, dose_id: UUID, body: DoseCorrection) -> DoseRecord:
    """Record what is right; the version before remains. Raises `DomainError('dose-recorded-already')` where another dose of
    that vaccine and day is on record: then one of the two is withdrawn.
    """
    before = await _take(work, dose_id)
    if errors := list(await _errors(work, before.person_id, [("", body)])):
        raise invalid(errors)
    same = await store.find_same(work, before.card_id, body.vaccine_code, body.given_on)
    if same is not None and same.dose_id != dose_id:
        raise DomainError("dose-recorded-already", extra={"dose_id": str(same.dose_id)})
    secrets = DoseSecrets(**_told(body), reasons=(*before.secrets.reasons, body.reason))
    after = before.model_copy(update={name: getattr(body, name) for name in _PLAIN} | {"secrets": secrets})
    return await _settled(work, await _save(work, "correct", DoseCorrected, before, after))


async def withdraw_dose(work: Work, dose_id: UUID, body: DoseWithdrawal) -> DoseRecord:
    """It was never given, or not to this child: it stays on record and is not counted."""
    before = await _take(work, dose_id)
    secrets = before.secrets.model_copy(update={"reasons": (*before.secrets.reasons, body.reason)})
    after = before.model_copy(update={"status": DoseStatus.WITHDRAWN, "secrets": secrets})
    return await _settled(work, await _save(work, "withdraw", DoseWithdrawn, before, after))


async def read_dose(work: Work, dose_id: UUID) -> DoseView:
    """One dose whose card is in this client's sight."""
    return await shown(work, await _found(work, dose_id))


async def read_record(work: Work, card_id: UUID) -> ChildRecord:
    """Every dose of a card with all that is known of it, to be handed over (X-34)."""
    card = await find_card(work, card_id)
    sight = await sight_of(work, card.person_id)
    doses = await store.doses_of_card(work, card_id)
    work.audit("read_record", "vaccination_card", card_id, person_id=card.person_id, fields=sight.shown)
    return ChildRecord(card_id=card_id, person_id=card.person_id, doses=[DoseView.of(each, sight) for each in doses])


async def read_versions(work: Work, dose_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[DoseView]]:
    """The versions of a dose, newest first."""
    record = await _found(work, dose_id)
    sight = await sight_of(work, record.person_id)
    page = await versions_of(
        work,
        RESOURCE,
        dose_id,
        record=DoseRecord,
        view=lambda past: DoseView.of(past, sight),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, dose_id, person_id=record.person_id, fields=sight.shown)
    return page


async def shown(work: Work, record: DoseRecord) -> DoseView:
    """The dose as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    work.audit("read", RESOURCE, record.dose_id, person_id=record.person_id, fields=sight.shown)
    return DoseView.of(record, sight)


async def _record(work: Work, card: CardRecord, bodies: Sequence[tuple[str, DoseEntry]]) -> list[DoseRecord]:
    if errors := list(await _errors(work, card.person_id, bodies)):
        raise invalid(errors)
    if await store.count_doses(work, card.card_id) + len(bodies) > store.DOSES_MAX:
        raise DomainError("too-many-doses")
    recorded = [await _merged(work, card, body) for _, body in bodies]
    if any(body.evidence is Evidence.GIVEN_HERE for _, body in bodies):
        await _vaccinated(work, card)
    await forecasting.renew(work, [card.card_id])
    return recorded


async def _merged(work: Work, card: CardRecord, body: DoseEntry) -> DoseRecord:
    same = await store.find_same(work, card.card_id, body.vaccine_code, body.given_on)
    if same is None:
        fresh = DoseRecord(
            dose_id=new_id(),
            card_id=card.card_id,
            person_id=card.person_id,
            **{name: getattr(body, name) for name in _PLAIN},
            status=DoseStatus.RECORDED,
            division_code=card.division_code,
            reports=1,
            secrets=DoseSecrets(**_told(body)),
            version=0,
            created_at=work.now,
            updated_at=work.now,
        )
        return await _save(work, "record", DoseRecorded, None, fresh)
    added = {name: value for name, value in _told(body).items() if getattr(same.secrets, name) is None}
    known = same.model_copy(
        update={
            "reports": same.reports + 1,
            "evidence": stronger(same.evidence, body.evidence),
            "is_campaign": same.is_campaign or body.is_campaign,
            "clinic_code": same.clinic_code or body.clinic_code,
            "secrets": same.secrets.model_copy(update=added),
        }
    )
    return await _save(work, "report_again", DoseReportedAgain, same, known)


async def _vaccinated(work: Work, card: CardRecord) -> None:
    """The child is vaccinated here from now on."""
    if card.status is CardStatus.ACTIVE:
        return
    after = card.model_copy(update={"status": status_after(card, CardAct.VACCINATE), "away_since": None})
    await save_card(work, CardAct.VACCINATE, CardChanged, card, after)


async def _card_for_doses(work: Work, card_id: UUID) -> CardRecord:
    """The card, locked. Raises `DomainError('card-act-not-allowed')` for one that is kept apart (IMM-55)."""
    card = await take_card(work, card_id)
    status_after(card, CardAct.VACCINATE)
    return card


async def _take(work: Work, dose_id: UUID) -> DoseRecord:
    """The dose, its card locked by the office that keeps it. Raises `DomainError('dose-withdrawn')`."""
    found = await _found(work, dose_id)
    work.expect_version(found.version)
    await _lock_card(work, found.card_id)
    record = await _found(work, dose_id)  # as it is now that nobody else writes it
    work.expect_version(record.version)
    if record.status is DoseStatus.WITHDRAWN:
        raise DomainError("dose-withdrawn")
    return record


async def _lock_card(work: Work, card_id: UUID) -> None:
    seen, work.if_match = work.if_match, None  # the client named the version of the dose, not of its card
    try:
        await take_card(work, card_id)
    finally:
        work.if_match = seen


async def _found(work: Work, dose_id: UUID) -> DoseRecord:
    record = await store.find_dose(work, dose_id)
    if record is None:
        raise not_found("dose")
    return record


async def _settled(work: Work, record: DoseRecord) -> DoseRecord:
    await forecasting.renew(work, [record.card_id])
    return record


async def _save(work: Work, operation: str, fact: type[DoseState], before: DoseRecord | None, after: DoseRecord) -> DoseRecord:
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_dose if before is None else store.update_dose)(work, after)
    changed = changed_fields(before, after)
    state = {name: getattr(after, name) for name in fact.model_fields}
    work.emit(fact.model_validate(state), division_codes=[after.division_code])
    work.remember(RESOURCE, after.dose_id, after.version, snapshot=after, changed=changed, person_id=after.person_id)
    work.audit(operation, RESOURCE, after.dose_id, person_id=after.person_id, fields=changed)
    return after


def _told(body: DoseEntry) -> dict[str, Any]:
    return {name: getattr(body, name) for name in _TOLD}


async def _errors(work: Work, person_id: UUID, bodies: Sequence[tuple[str, DoseEntry]]) -> list[FieldError]:
    born = (await persons.birth_dates_of(work, [person_id])).get(person_id)
    return [error for pointer, body in bodies for error in _errors_of(pointer, body, born, work.today)]


def _errors_of(pointer: str, body: DoseEntry, born: date | None, today: date) -> Iterable[FieldError]:
    if body.vaccine_code not in programme().vaccines:
        held = ", ".join(sorted(programme().vaccines))
        yield FieldError(
            f"{pointer}/vaccine_code", "unknown", f"没有此疫苗;可用:{held}", f"no such vaccine; held: {held}", "IMM-72"
        )
    yield from not_later(f"{pointer}/given_on", body.given_on, today, "IMM-72")
    if born is not None and body.given_on < born:
        yield FieldError(f"{pointer}/given_on", "before_birth", "早于出生日期", "is before the day of birth", "IMM-01")
    if body.evidence is not Evidence.GIVEN_HERE:
        return
    for name in ("clinic_code", *_ASKED):
        if getattr(body, name) is None:
            yield FieldError(f"{pointer}/{name}", "missing", "本市接种须填写", "needed for a dose given here", "IMM-72")
    if body.expires_on is not None and body.expires_on < body.given_on:
        zh, en = "接种日晚于疫苗有效期", "the lot had expired on the day of the dose"
        yield FieldError(f"{pointer}/expires_on", "expired", zh, en, "IMM-73")
