"""Changed rules tried on everybody a client sees: asked for, worked off page by page, told in numbers of people.

What was read of people lies in the worker's memory alone. A worker that follows one that died reads those pages again; only the
result is kept.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from services.chassis.db import Transaction, in_transaction
from services.chassis.errors import DomainError, FieldError
from services.chassis.long_work.asking import ask
from services.chassis.long_work.course import ActFailedError, Course, Part
from services.chassis.long_work.views import OperationView
from services.chassis.refusals import invalid, not_found
from services.chassis.rows import SERVICE
from services.chassis.work import Work
from services.points_hukou.actions.law import simulation_law
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.compiling import NotCoveredError, RuleSetError
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.facts import Facts, FactsError, read_facts
from services.points_hukou.rules.rule_set_states import RuleSetStatus
from services.points_hukou.rules.walking import facts_of_age
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.schemas.simulations import SimulatedVariant, SimulationRequest, SimulationToldView, SimulationView
from services.points_hukou.store import simulations as store
from services.points_hukou.store.rule_sets import find_rule_set

if TYPE_CHECKING:
    from services.points_hukou.rules.vectors.population import Population

T = TypeVar("T")

KIND = "points.simulation"
RESOURCE = "simulation"
PAGE = 500


async def request_simulation(work: Work, body: SimulationRequest) -> OperationView:
    """Have both variants tried, in the name of the caller.

    A draft may be written about one person, and that nobody or somebody gains by it is an answer. So only who may see what is
    known of persons tries one; what two officers approved anybody with the right to simulate.

    Raises `DomainError('rule-set-not-found')`, `('scope-missing')` for such a draft, and `('invalid-request')` with everything
    that keeps a variant from being tried.
    """
    problems: list[FieldError] = []
    for name in ("before", "after"):
        asked = await _asked(work, getattr(body, name), f"/{name}", problems)
        if asked is not None and not asked.is_approved and FIELDS.scopes.sensitive not in work.principal.scopes:
            raise DomainError("scope-missing", extra={"scope": FIELDS.scopes.sensitive})
    if problems:
        raise invalid(problems)
    return await ask(work, KIND, body.model_dump(mode="json"))


async def read_simulation(work: Work, simulation_id: UUID) -> SimulationView:
    """What a simulation came to. Raises `DomainError('simulation-not-found')` also while it is worked on."""
    row = await store.find_simulation(work, simulation_id)
    if row is None:
        raise not_found("simulation")
    work.audit("read", RESOURCE, simulation_id)
    return SimulationView.model_validate_json(json.dumps(dict(row), default=str))


async def _asked(work: Work, variant: SimulatedVariant, where: str, problems: list[FieldError]) -> store.Asked | None:
    """The rule set of a variant, ready; what keeps it from being used is added to `problems`."""
    record = await find_rule_set(work, variant.rule_set_id)
    if record is None:
        raise not_found("rule-set")
    try:
        rule_set = compiled(record).covering(variant.applied_on)
        rule_set.service(variant.service)
    except RuleSetError:
        zh, en = "规则集尚不能使用,请先核验", "the rule set cannot be used yet; check it first"
        problems.append(FieldError(f"{where}/rule_set_id", "not_usable", zh, en, "P-38"))
        return None
    except NotCoveredError as error:
        problems.append(FieldError(f"{where}/applied_on", "not_valid_then", error.message_zh, error.message_en, "P-37"))
        return None
    except LookupError as error:
        zh, en = f"须指明服务之一:{error}", f"name one of its services: {error}"
        problems.append(FieldError(f"{where}/service", "service_unknown", zh, en, "P-11"))
        return None
    return store.Asked(rule_set, variant.applied_on, is_approved=record.status is RuleSetStatus.APPROVED)


@dataclass(slots=True)
class _Everybody:
    """What was read of people so far: columns of facts for each variant, page by page, and what they are told apart by."""

    before: list["Population"] = field(default_factory=list)
    after: list["Population"] = field(default_factory=list)
    codes: dict[str, list[str | None]] = field(default_factory=lambda: {"town": [], "origin": [], "industry": []})
    last: UUID = store.NOBODY

    def take(self, people: list[store.Somebody], asked: tuple[store.Asked, store.Asked]) -> None:
        """Add people; those of whom a rule set lacks what it must know are left out."""
        from services.points_hukou.rules.vectors.population import population_of  # noqa: PLC0415 - no request pays for it

        facts: list[list[Facts]] = []
        for each in people:
            try:
                facts.append([read_facts(raw, of.rule_set.facts, {}) for raw, of in zip(each.documents, asked, strict=True)])
            except FactsError:
                continue
            for name, codes in self.codes.items():
                codes.append(getattr(each, name))
        for pages, variant, of in zip((self.before, self.after), zip(*facts, strict=True), asked, strict=False):
            pages.append(population_of(variant, of.rule_set.facts))


async def simulate_everybody(course: Course) -> None:
    """Read everybody page by page, count them, keep the numbers."""
    body = SimulationRequest.model_validate_json(json.dumps(dict(course.operation.parameters)))
    asked = await _read(course, partial(_both, body=body))
    await course.tell_total(await _read(course, store.count_everybody))
    everybody = _Everybody()
    pages = 0
    while page := await _page(course, pages, everybody.last):
        everybody.take(await _facts(course, page, asked), asked)
        everybody.last = page[-1]
        pages += 1
    if course.parts_done > pages + 1:
        return
    if not everybody.codes["town"]:
        raise ActFailedError("simulation-of-nobody")
    told = await asyncio.to_thread(_tried, body, asked, everybody)
    await course.part(partial(_keep, course=course, body=body, told=told))


async def _page(course: Course, pages: int, last: UUID) -> list[UUID]:
    """The next people; a page that an earlier worker has done is read again and not counted again."""
    read = partial(store.page_of_everybody, after=last, limit=PAGE)
    if pages < course.parts_done:
        return await _read(course, read)
    found: list[UUID] = []

    async def part(work: Work) -> Part:
        found[:] = await read(work)
        return Part(len(found), {"people": len(found)})

    await course.part(part)
    return found


async def _facts(course: Course, page: list[UUID], asked: tuple[store.Asked, store.Asked]) -> list[store.Somebody]:
    async def body(tx: Transaction) -> list[store.Somebody]:
        return await store.facts_of_page(course.runtime.own_work(tx), page, asked)

    return await in_transaction(course.runtime.pool, body, rows=SERVICE)


async def _both(work: Work, body: SimulationRequest) -> tuple[store.Asked, store.Asked]:
    """Both variants, ready. What could be used when it was asked for may have been withdrawn or changed since."""
    problems: list[FieldError] = []
    try:
        found = [await _asked(work, getattr(body, name), f"/{name}", problems) for name in ("before", "after")]
    except DomainError:
        raise ActFailedError("rule-set-not-found") from None
    before, after = found
    if before is None or after is None:
        raise ActFailedError("simulation-not-possible", problems)
    return before, after


async def _read(course: Course, act: Callable[[Work], Awaitable[T]]) -> T:
    """Look at something in the client's rows, outside the parts."""
    principal = course.operation.principal

    async def body(tx: Transaction) -> T:
        return await act(course.runtime.work(tx, principal, request_id=course.operation.request_id))

    return await in_transaction(course.runtime.pool, body, rows=course.runtime.rows_of(principal))


def _tried(body: SimulationRequest, asked: tuple[store.Asked, store.Asked], everybody: _Everybody) -> dict[str, Any]:
    """Count everybody under both variants."""
    from services.points_hukou.rules import simulation  # noqa: PLC0415 - no request pays for it
    from services.points_hukou.rules.vectors.joining import joined  # noqa: PLC0415

    law = simulation_law()
    before_side, after_side = (
        simulation.Side(simulation.Variant(of.rule_set, of.on, variant.quota, variant.service, variant.use_in), joined(pages))
        for of, variant, pages in zip(asked, (body.before, body.after), (everybody.before, everybody.after), strict=True)
    )
    before = asked[0]
    births = facts_of_age(item.bundle for item in before.rule_set.items)
    bands = law.age_bands.on(before.on)
    traits = {name: simulation.labelled(codes) for name, codes in everybody.codes.items()}
    traits["age"] = simulation.ages(before_side.population, births[0] if births else "birth_date", before.on, bands)
    smallest = law.smallest_cell.on(before.on)
    told = simulation.simulate(before_side, after_side, traits, smallest)
    return {"smallest_shown": smallest, **_plain(asdict(told))}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return written(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


async def _keep(work: Work, *, course: Course, body: SimulationRequest, told: dict[str, Any]) -> Part:
    checked = SimulationToldView.model_validate_json(json.dumps(told))
    operation_id = course.operation.operation_id
    await store.insert_simulation(
        work,
        operation_id,
        asked_by=work.require_actor(),
        asked=body.model_dump(mode="json"),
        told=checked.model_dump(mode="json"),
    )
    work.audit("simulate", RESOURCE, operation_id, fields=["before", "after"])
    return Part(0, {})


ACTS = {KIND: simulate_everybody}
