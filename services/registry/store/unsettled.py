"""Reports whose deadline was counted before the calendar was held: found once it is, and written down settled."""

from datetime import date
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.employment.employments import EmploymentRecord
from services.registry.schemas.homes.premises import PremisesRecord
from services.registry.schemas.homes.stays import StayRecord

# Everything about a person happens while its row is locked, everything about a home while the home's is.
_EMPLOYMENTS = prepare(
    """
    SELECT m.employment_id FROM employment m JOIN person p USING (person_id)
    WHERE m.start_unsettled_on IS NOT NULL AND m.started_on <= CAST(:until AS date)
        OR m.end_unsettled_on IS NOT NULL AND m.ended_on <= CAST(:until AS date)
    ORDER BY p.person_id, m.employment_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """
)
_PREMISES = prepare(
    """
    SELECT h.premises_id FROM premises h
    WHERE h.report_unsettled_on IS NOT NULL AND h.let_from <= CAST(:until AS date)
        OR h.end_unsettled_on IS NOT NULL AND h.ended_on <= CAST(:until AS date)
    ORDER BY h.premises_id LIMIT CAST(:limit AS integer) FOR UPDATE
    """
)
_BY_THEN = "< CAST(CAST(:until AS date) + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai'"
_STAYS = prepare(
    f"""
    SELECT s.stay_id FROM stay s JOIN person p USING (person_id)
    WHERE s.report_unsettled_on IS NOT NULL AND s.started_at {_BY_THEN}
        OR s.end_unsettled_on IS NOT NULL AND s.ended_at {_BY_THEN}
    ORDER BY p.person_id, s.stay_id LIMIT CAST(:limit AS integer) FOR UPDATE OF p
    """  # noqa: S608 - constant of this module
)
_SETTLE_EMPLOYMENT = prepare(
    """
    UPDATE employment SET start_due_on = :start_due_on, start_reported_late = :start_reported_late,
        start_unsettled_on = :start_unsettled_on, end_due_on = :end_due_on, end_reported_late = :end_reported_late,
        end_unsettled_on = :end_unsettled_on, version = :version, updated_at = :updated_at
    WHERE employment_id = :employment_id
    """
)
_SETTLE_HOME = """
    UPDATE {table} SET report_due_on = :report_due_on, reported_late = :reported_late,
        report_unsettled_on = :report_unsettled_on, end_reported_late = :end_reported_late,
        end_unsettled_on = :end_unsettled_on, version = :version, updated_at = :updated_at
    WHERE {table}_id = :{table}_id
"""
_SETTLE_PREMISES = prepare(_SETTLE_HOME.format(table="premises"))
_SETTLE_STAY = prepare(_SETTLE_HOME.format(table="stay"))
_AT_WORK = {"start_due_on", "start_reported_late", "start_unsettled_on", "end_due_on"}
_AT_HOME = {"report_due_on", "reported_late", "report_unsettled_on"}
_EITHER = {"end_reported_late", "end_unsettled_on", "version", "updated_at"}


async def lock_unsettled_employments(work: Work, *, until: date, limit: int) -> list[UUID]:
    """Employments with an unsettled report of what happened on that day or before, persons' rows locked."""
    rows = await work.tx.fetch(_EMPLOYMENTS, until=until, limit=limit)
    return [row["employment_id"] for row in rows]


async def lock_unsettled_premises(work: Work, *, until: date, limit: int) -> list[UUID]:
    """The same of homes, which are locked."""
    rows = await work.tx.fetch(_PREMISES, until=until, limit=limit)
    return [row["premises_id"] for row in rows]


async def lock_unsettled_stays(work: Work, *, until: date, limit: int) -> list[UUID]:
    """The same of stays, persons' rows locked."""
    rows = await work.tx.fetch(_STAYS, until=until, limit=limit)
    return [row["stay_id"] for row in rows]


async def settle_employment(work: Work, record: EmploymentRecord) -> None:
    """Store what the reports of an employment have turned out to be."""
    settled = record.model_dump(include=_AT_WORK | _EITHER | {"employment_id"})
    require_one(await work.tx.execute(_SETTLE_EMPLOYMENT, **settled))


async def settle_premises(work: Work, record: PremisesRecord) -> None:
    """The same of a home."""
    settled = record.model_dump(include=_AT_HOME | _EITHER | {"premises_id"})
    require_one(await work.tx.execute(_SETTLE_PREMISES, **settled))


async def settle_stay(work: Work, record: StayRecord) -> None:
    """The same of a stay."""
    settled = record.model_dump(include=_AT_HOME | _EITHER | {"stay_id"})
    require_one(await work.tx.execute(_SETTLE_STAY, **settled))
