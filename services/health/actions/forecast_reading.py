"""Reading one child's forecast: answered by the engine itself, on any day and by any edition, with every rule."""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.health.actions.cards import RESOURCE, find
from services.health.actions.forecasting import child_of
from services.health.actions.schedules import programme
from services.health.rules.forecasting import assess
from services.health.rules.wording import told
from services.health.schemas.forecasts import ForecastView, JudgedDose, LineView, NextDoseView, RuleText
from services.health.store import forecasts as store


async def read_forecast(work: Work, card_id: UUID, as_of: date | None, edition: str | None) -> ForecastView:
    """Every dose judged and every line forecast, with the rules. Raises `DomainError` for an edition nobody holds."""
    card = await find(work, card_id)
    found = await store.children_of(work, [card_id])
    if not found:
        raise DomainError("person-not-found")
    known, day = programme(), as_of or work.today
    try:
        using = None if edition is None else known.named(edition)
    except LookupError:
        held = ", ".join(each.id for each in known.editions)
        raise invalid(
            [FieldError("?edition", "unknown", f"没有此版本;可用:{held}", f"no such edition; held: {held}")]
        ) from None
    assessment = assess(known, child_of(found[0]), day, using)
    content = told(known, assessment)
    work.audit("forecast", RESOURCE, card_id, person_id=card.person_id)
    return ForecastView(
        card_id=card_id,
        person_id=card.person_id,
        as_of=day,
        edition=assessment.edition,
        doses=[
            JudgedDose.model_validate(each | {"dose_id": each["id"], "vaccine_code": each["vaccine"]})
            for each in content["doses"]
        ],
        lines=[LineView.model_validate(each | {"next": _next(each["next"])}) for each in content["lines"]],
        rules=[
            RuleText(rule=rule, text_zh=text["zh"], text_en=text["en"], source=text["source"], confidence=text["confidence"])
            for rule, text in content["rules"].items()
        ],
    )


def _next(content: dict[str, object] | None) -> NextDoseView | None:
    return None if content is None else NextDoseView.model_validate(content | {"vaccine_code": content["vaccine"]})
