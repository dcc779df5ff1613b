"""From when, for what and where a rule set counts: said by day, never for a day that is over."""

from datetime import date, timedelta
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid, require_own_division
from services.chassis.work import Work
from services.contracts.points_hukou import RuleSetInForceState, RuleSetPutInForce, RuleSetTakenOutOfForce
from services.points_hukou.actions.law import PURPOSES
from services.points_hukou.actions.refusals import told
from services.points_hukou.actions.rule_set_acts import take
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.compiling import NotCoveredError, RuleSet, within
from services.points_hukou.rules.purposes import Purpose, applies_in, service_for
from services.points_hukou.rules.rule_set_states import RuleSetAct
from services.points_hukou.schemas.rule_sets import (
    InForceRecord,
    InForceView,
    PutInForce,
    RuleSetRecord,
    RulesInForceView,
    TakeOutOfForce,
)
from services.points_hukou.store import applications
from services.points_hukou.store import rule_sets as store

RESOURCE = "rule_set_in_force"


async def put_in_force(work: Work, rule_set_id: UUID, body: PutInForce) -> RulesInForceView:
    """From a day on an approved rule set counts these uses in a division; what counted them before ends by that.

    Raises `DomainError('purpose-closed')` where the law no longer lets points limit a use (P-12), and
    `DomainError('rule-set-day-taken')` when another one begins on the same day.
    """
    record, _ = await take(work, rule_set_id, RuleSetAct.PUT_IN_FORCE)
    require_own_division(work.principal, body.division_code, "/division_code")
    rule_set = compiled(record)
    _require_fit(rule_set, body, work.today)
    await _require_nobody_before(work, body)
    put = [await _put(work, record, rule_set, purpose, body) for purpose in dict.fromkeys(body.purposes)]
    return RulesInForceView(division_code=body.division_code, on=body.valid_from, items=put)


async def take_out_of_force(work: Work, rule_set_id: UUID, body: TakeOutOfForce) -> InForceView:
    """From a day on it counts a use no more; what it has counted stands. Raises `DomainError('rule-set-not-in-force')`."""
    record, _ = await take(work, rule_set_id, RuleSetAct.PUT_IN_FORCE)
    require_own_division(work.principal, body.division_code, "/division_code")
    standing = [
        each
        for each in await store.standing_of(work, rule_set_id)
        if (each.purpose, each.division_code) == (body.purpose, body.division_code)
    ]
    if not standing:
        raise DomainError("rule-set-not-in-force")
    last = standing[-1]
    earliest = max(work.today + timedelta(days=1), last.valid_from)
    if body.ended_on < earliest:
        told_zh, told_en = f"不得早于 {earliest.isoformat()}", f"not before {earliest.isoformat()}"
        raise invalid([FieldError("/ended_on", "too_early", told_zh, told_en, "P-37")])
    await store.end_in_force(work, last.in_force_id, body.ended_on)
    ended = last.model_copy(update={"ended_on": body.ended_on, "version": last.version + 1})
    return _tell(work, "take_out_of_force", record, ended, RuleSetTakenOutOfForce)


def _require_fit(rule_set: RuleSet, body: PutInForce, today: date) -> None:
    """Raises with every reason why the rule set cannot count that, there, from then."""
    problems: list[FieldError] = []
    if body.valid_from < today:
        zh, en = "不得追溯生效", "never in force for a day that is over"
        problems.append(FieldError("/valid_from", "in_past", zh, en, "P-37"))
    try:
        rule_set.covering(body.valid_from)
    except NotCoveredError as error:
        problems.append(FieldError("/valid_from", "not_valid_then", error.message_zh, error.message_en, "P-37"))
    if not applies_in(rule_set, body.division_code):
        zh, en = "不在规则集的适用地区内", "outside the jurisdiction of the rule set"
        problems.append(FieldError("/division_code", "not_valid_there", zh, en, "P-05"))
    for place, purpose in enumerate(body.purposes):
        try:
            service_for(rule_set, purpose, body.service)
        except LookupError as error:
            zh, en = f"须指明服务之一:{error}", f"name one of its services: {error}"
            problems.append(FieldError(f"/purposes/{place}", "service_unknown", zh, en, "P-11"))
    if problems:
        raise invalid(problems)
    closed = [PURPOSES.why_closed(each, body.division_code, body.valid_from) for each in body.purposes]
    if reasons := [each for each in closed if each is not None]:
        raise DomainError("purpose-closed", extra={"reasons": told(reasons)})


async def _require_nobody_before(work: Work, body: PutInForce) -> None:
    """Raises `DomainError('rule-set-overtaken')` when somebody applied on its first day already, by the law until now."""
    for purpose in dict.fromkeys(body.purposes):
        await applications.take_law(work, purpose, body.division_code)
        if await applications.has_applied_since(work, purpose, within(body.division_code), body.valid_from):
            raise DomainError("rule-set-overtaken", extra={"purpose": purpose.value})


async def _put(work: Work, record: RuleSetRecord, rule_set: RuleSet, purpose: Purpose, body: PutInForce) -> InForceView:
    made = InForceRecord(
        in_force_id=new_id(),
        rule_set_id=record.rule_set_id,
        purpose=purpose,
        service=service_for(rule_set, purpose, body.service).id,
        division_code=body.division_code,
        valid_from=body.valid_from,
        ended_on=None,
        put_by=work.require_actor(),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    if not await store.put_in_force(work, made):
        raise DomainError("rule-set-day-taken", extra={"purpose": purpose.value, "valid_from": body.valid_from.isoformat()})
    return _tell(work, "put_in_force", record, made, RuleSetPutInForce)


def _tell(
    work: Work, operation: str, record: RuleSetRecord, made: InForceRecord, fact: type[RuleSetInForceState]
) -> InForceView:
    """The event, the version, the evidence, and the answer."""
    told_ = {name: getattr(record, name) for name in ("name", "document_version", "digest")}
    state = made.model_dump() | told_
    work.emit(fact.model_validate({name: state[name] for name in fact.model_fields}), division_codes=[made.division_code])
    work.remember(RESOURCE, made.in_force_id, made.version, snapshot=made, changed=["valid_from", "ended_on"])
    work.audit(operation, RESOURCE, made.in_force_id, fields=["purpose", "division_code", "valid_from", "ended_on"])
    return InForceView(**{name: state[name] for name in InForceView.model_fields})
