"""Applying for a use of points: by the rules in force today, one application of a family at a time."""

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.parameters import NotInForceError
from services.chassis.refusals import invalid, require_own_division
from services.chassis.work import Work
from services.chassis.working_days import Deadline, calendar
from services.contracts.points_hukou import ApplicationReceived
from services.points_hukou.actions.application_standing import save, shown
from services.points_hukou.actions.law import PROCEDURE, PURPOSES
from services.points_hukou.actions.refusals import told
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.compiling import NotCoveredError, RuleSet
from services.points_hukou.rules.family import are_of_one_family, is_raising
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.schemas.applications import (
    ApplicationEntry,
    ApplicationRecord,
    ApplicationSecrets,
    ApplicationView,
)
from services.points_hukou.schemas.rule_sets import InForceView
from services.points_hukou.store import applications as store
from services.points_hukou.store import rule_sets
from services.points_hukou.store.evidence import hold_persons

_MERGED_ZH, _MERGED_EN = "此人已并入他人,请用现用编号", "this id was merged into another, which is to be used"


async def apply(work: Work, body: ApplicationEntry) -> ApplicationView:
    """Take an application in; its clock runs from today (P-09).

    Raises `DomainError('no-rules-in-force')` where nothing counts that use, `DomainError('purpose-closed')`, and
    `DomainError('application-open')` while the family, or whoever else raises the child it is for, has the same open (P-08),
    wherever.
    """
    require_own_division(work.principal, body.division_code, "/division_code")
    await _require_family(work, body)
    law, rule_set = await law_today(work, body.purpose, body.division_code)
    _require_family_rule(rule_set, body)
    await _require_first(work, body)
    await hold_persons(work, [body.person_id])
    term = _scoring_term(work)
    record = ApplicationRecord(
        application_id=new_id(),
        person_id=body.person_id,
        family_person_ids=tuple(dict.fromkeys(body.family_person_ids)),
        for_person_id=body.for_person_id,
        purpose=body.purpose,
        service=law.service,
        division_code=body.division_code,
        rule_set_id=law.rule_set_id,
        status=ApplicationStatus.RECEIVED,
        applied_on=work.today,
        due_on=term.due_on,
        is_due_provisional=term.is_provisional,
        overdue_told_for=None,
        scoring_tried_on=None,
        scored_on=None,
        counted_assessment_id=None,
        recheck_asked_on=None,
        rechecks_asked=0,
        confirmed_on=None,
        confirmed_by=None,
        secrets=ApplicationSecrets(),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return await shown(work, await save(work, "apply", ApplicationReceived, None, record))


async def law_today(work: Work, purpose: Purpose, division_code: str) -> tuple[InForceView, RuleSet]:
    """What counts a use there today.

    Raises `DomainError('no-rules-in-force')`, and `DomainError('purpose-closed')` where the law has closed the use since the
    rule set was put in force (P-12).
    """
    await store.share_law(work, purpose, division_code)
    law = (await rule_sets.in_force_on(work, division_code, work.today)).get(purpose)
    record = None if law is None else await rule_sets.find_rule_set(work, law.rule_set_id)
    if law is None or record is None:
        raise DomainError("no-rules-in-force", extra={"purpose": purpose.value, "on": work.today.isoformat()})
    if closed := PURPOSES.why_closed(purpose, division_code, work.today):
        raise DomainError("purpose-closed", extra={"reasons": told([closed])})
    try:
        return law, compiled(record).covering(work.today)
    except NotCoveredError as error:
        raise DomainError("no-rules-in-force", detail_zh=error.message_zh, detail_en=error.message_en) from None


def _require_family_rule(rule_set: RuleSet, body: ApplicationEntry) -> None:
    """Where a rule set knows no family, everybody applies with its own score."""
    if body.family_person_ids and rule_set.family is None:
        zh, en = "该规则集只计申请人本人的积分", "this rule set counts the applicant's own score alone"
        raise invalid([FieldError("/family_person_ids", "no_family", zh, en, "P-08")])


async def _require_family(work: Work, body: ApplicationEntry) -> None:
    """Everybody named is in sight, under the id in use, and belongs together. Raises with every problem at once."""
    named = {"/person_id": body.person_id}
    named |= {f"/family_person_ids/{place}": each for place, each in enumerate(body.family_person_ids)}
    if body.for_person_id is not None:
        named["/for_person_id"] = body.for_person_id
    seen = await store.birth_dates_of(work, set(named.values()))
    if missing := [pointer for pointer, person_id in named.items() if person_id not in seen]:
        zh, en = "没有找到该人员", "there is no such person"
        raise DomainError("person-not-found", errors=[FieldError(each, "person_not_found", zh, en) for each in missing])
    known = await store.ids_in_use(work, set(named.values()))
    problems = [
        FieldError(pointer, "merged", _MERGED_ZH, _MERGED_EN)
        for pointer, person_id in named.items()
        if known[person_id] != person_id
    ]
    if len(set(named.values())) != len(named):
        problems.append(FieldError("/family_person_ids", "repeated", "同一人不得重复", "nobody is named twice"))
    if problems:
        raise invalid(problems)
    await _require_ties(work, body)


async def _require_ties(work: Work, body: ApplicationEntry) -> None:
    child = body.for_person_id
    everybody = [body.person_id, *body.family_person_ids, *(() if child is None else (child,))]
    ties = await store.ties_among(work, await store.all_ids_of(work, everybody)) if len(everybody) > 1 else []
    problems = []
    if child is not None and not is_raising(body.person_id, child, ties, work.today):
        zh, en = "申请人不是其登记的父母或监护人", "the applicant is not registered as its parent or guardian"
        problems.append(FieldError("/for_person_id", "not_raising", zh, en, "P-08"))
    for place, other in enumerate(body.family_person_ids):
        if not are_of_one_family(body.person_id, other, child, ties, work.today):
            zh, en = "未登记为一家", "not registered as of one family"
            problems.append(FieldError(f"/family_person_ids/{place}", "not_of_family", zh, en, "P-08"))
    if problems:
        raise invalid(problems)


async def _require_first(work: Work, body: ApplicationEntry) -> None:
    everybody = [body.person_id, *body.family_person_ids]
    children = [] if body.for_person_id is None else [body.for_person_id]
    await store.lock_applicants(work, [*everybody, *children])
    in_use = await store.ids_in_use(work, {*everybody, *children})  # by now: whoever is merged is locked, too
    ids = await store.all_ids_of(work, {in_use[each] for each in everybody})
    if await store.is_applying(work, ids, body.purpose, await store.all_ids_of(work, {in_use[each] for each in children})):
        raise DomainError("application-open", extra={"purpose": body.purpose.value})


def _scoring_term(work: Work) -> Deadline:
    try:
        return PROCEDURE.scoring_term(work.today, calendar())
    except NotInForceError as error:
        raise DomainError("no-rules-in-force", extra={"on": work.today.isoformat()}) from error
