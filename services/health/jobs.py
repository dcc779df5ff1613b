"""Time-driven work: every card is forecast anew on every day, and who comes of age leaves the cabinet."""

from services.chassis.jobs import Job
from services.chassis.work import Work
from services.contracts.health import CardChanged
from services.health.actions import forecasting
from services.health.actions.cards import save, status_after
from services.health.rules.cards import outgrown
from services.health.store import cards, persons

CHUNK = 200


async def forecast_anew(work: Work) -> bool:
    """Ask what comes next as of today; returns whether more may be waiting."""
    return await forecasting.renew_old(work, limit=CHUNK) > 0


async def age_out(work: Work) -> bool:
    """Put cards away that the birth date ended (IMM-02, IMM-58); returns whether more may be waiting."""
    records = await cards.lock_outgrown(work, limit=CHUNK)
    births = await persons.birth_dates_of(work, {record.person_id for record in records})
    for record in records:
        act = outgrown(record.status, births[record.person_id], work.today)
        if act is not None:
            after = record.model_copy(update={"status": status_after(record, act), "away_since": None})
            await save(work, act.value, CardChanged, record, after)
    return len(records) == CHUNK


JOBS = (Job("age-out-cards", age_out), Job("forecast-anew", forecast_anew))
