"""Doses and what comes next: recorded, taken over, corrected, withdrawn, judged, forecast."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.health.actions import doses, forecast_reading
from services.health.schemas.doses import (
    ChildRecord,
    DoseCorrection,
    DoseEntry,
    DoseView,
    DoseWithdrawal,
    RecordTakenOver,
)
from services.health.schemas.forecasts import ForecastView

router = ServiceRouter(tags=["doses"])
_CARD = "/v1/immunisation/cards/{card_id}"
_ALL = "/v1/immunisation/doses"
_ONE = f"{_ALL}/{{dose_id}}"
_READ = "health.dose.read"
_WRITE = "health.dose.write"
_RECORD = ["card-not-found", "card-of-other-office", "card-act-not-allowed", "too-many-doses"]
_FOUND = ["dose-not-found"]
_ACT = [*_FOUND, "card-of-other-office", "dose-withdrawn"]

AsOfParameter = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 12, 31), description="Today when left out.")]
EditionParameter = Annotated[
    str | None, Query(max_length=60, description="Forecast by another edition than that of the day, such as `cn-nip-2021`.")
]


@router.post(f"{_CARD}/doses", status_code=201, **write(_WRITE, actor=True, summary_zh="登记接种剂次", problems=_RECORD))
async def record_dose(work: CurrentWork, card_id: UUID, body: DoseEntry) -> Answer[DoseView]:
    """Record a dose. The same vaccine on the same day is the same dose, however many offices report it: `reports` counts them,
    and what was not known is filled in (X-35).
    """
    record = await doses.record_dose(work, card_id, body)
    return Answer(await doses.shown(work, record), version=record.version, location=f"{_ALL}/{record.dose_id}")


@router.post(f"{_CARD}/take-over", **write(_WRITE, actor=True, summary_zh="接收外地接种记录", problems=_RECORD))
async def take_over(work: CurrentWork, card_id: UUID, body: RecordTakenOver) -> ChildRecord:
    """Take over the record of another unit, all of it or nothing; answers with the child's whole record."""
    await doses.take_over(work, card_id, body.doses)
    return await doses.read_record(work, card_id)


@router.get(f"{_CARD}/record", **read(_READ, summary_zh="读取完整接种记录", problems=["card-not-found"]))
async def read_record(work: CurrentWork, card_id: UUID) -> ChildRecord:
    """Read every dose of a card, oldest first, with all that a unit elsewhere needs to go on (X-34)."""
    return await doses.read_record(work, card_id)


@router.get(
    f"{_CARD}/forecast", **read(_READ, summary_zh="评价剂次并预测下一剂", problems=["card-not-found", "person-not-found"])
)
async def read_forecast(
    work: CurrentWork, card_id: UUID, as_of: AsOfParameter = None, edition: EditionParameter = None
) -> ForecastView:
    """Judge every dose by the edition of its day and forecast every line of protection, with every rule in words."""
    return await forecast_reading.read_forecast(work, card_id, as_of, edition)


@router.get(_ONE, **read(_READ, summary_zh="读取接种剂次", problems=_FOUND))
async def read_dose(work: CurrentWork, dose_id: UUID) -> Answer[DoseView]:
    """Read a dose."""
    found = await doses.read_dose(work, dose_id)
    return Answer(found, version=found.version)


@router.get(f"{_ONE}/history", **read(_READ, summary_zh="接种剂次的变更历史", problems=_FOUND))
async def read_versions(
    work: CurrentWork, dose_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[DoseView]]:
    """Read the versions of a dose, newest first."""
    return await doses.read_versions(work, dose_id, cursor, limit)


@router.post(
    f"{_ONE}/correct", **write(_WRITE, actor=True, summary_zh="更正接种剂次", problems=[*_ACT, "dose-recorded-already"])
)
async def correct_dose(work: CurrentWork, dose_id: UUID, body: DoseCorrection) -> Answer[DoseView]:
    """Correct a dose: the body says all of it. The versions before remain."""
    record = await doses.correct_dose(work, dose_id, body)
    return Answer(await doses.shown(work, record), version=record.version)


@router.post(f"{_ONE}/withdraw", **write(_WRITE, actor=True, summary_zh="撤销接种剂次", problems=_ACT))
async def withdraw_dose(work: CurrentWork, dose_id: UUID, body: DoseWithdrawal) -> Answer[DoseView]:
    """Withdraw a dose that was never given, or not to this child. It stays on record and is not counted."""
    record = await doses.withdraw_dose(work, dose_id, body)
    return Answer(await doses.shown(work, record), version=record.version)
