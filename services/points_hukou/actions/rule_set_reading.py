"""Reading rule sets, their versions, and what is in force."""

from datetime import date
from uuid import UUID

from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.points_hukou.actions.rule_set_acts import RESOURCE
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rule_set_states import RuleSetStatus
from services.points_hukou.schemas.rule_sets import RuleSetRecord, RuleSetSummaryView, RuleSetView, RulesInForceView
from services.points_hukou.store import rule_sets as store


async def read_rule_set(work: Work, rule_set_id: UUID) -> RuleSetView:
    """One rule set with its texts."""
    record = await store.find_rule_set(work, rule_set_id)
    if record is None:
        raise not_found("rule-set")
    return RuleSetView.of(record)


async def list_rule_sets(work: Work, status: RuleSetStatus | None, cursor: str | None, limit: int) -> Page[RuleSetSummaryView]:
    """Rule sets this client may see, oldest first: its own, and whatever was approved anywhere."""
    scope = f"rule sets {status}"
    rows = await store.list_rule_sets(work, status, after(work.keyring, scope, cursor), limit)
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: RuleSetSummaryView.of(store.rule_set_of(row)),
        id_column="rule_set_id",
    )


async def read_versions(work: Work, rule_set_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[RuleSetSummaryView]]:
    """The versions of a rule set, newest first; the texts are with the rule set itself."""
    if await store.find_rule_set(work, rule_set_id) is None:
        raise not_found("rule-set")
    return await versions_of(
        work, RESOURCE, rule_set_id, record=RuleSetRecord, view=RuleSetSummaryView.of, cursor=cursor, limit=limit
    )


async def read_rules_in_force(work: Work, division_code: str, purpose: Purpose | None, on: date | None) -> RulesInForceView:
    """What counts each use in a division on a day, today when none is named."""
    day = on or work.today
    found = await store.in_force_on(work, division_code, day)
    items = [found[each] for each in Purpose if each in found and purpose in {None, each}]
    return RulesInForceView(division_code=division_code, on=day, items=items)
