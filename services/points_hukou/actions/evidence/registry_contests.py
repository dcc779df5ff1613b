"""A person contests what the registry says: it is asked to look, and its answer closes the contest (V-18, V-25).

As with evidence the fact counts, marked, until there is an answer. Nothing is corrected here: what the registry changes arrives
by its events. An answer that comes twice changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.events import Received
from services.chassis.fields import Sight, protection_of
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.points_hukou import (
    RegistryContestAnswered,
    RegistryContestOpened,
    RegistryContestOverdue,
    RegistryContestState,
)
from services.contracts.registry import CorrectionAnswered
from services.points_hukou.actions.evidence.checking import hold
from services.points_hukou.actions.evidence_law import LAW
from services.points_hukou.actions.rule_set_compiling import named
from services.points_hukou.rules.gathering.sources import RegistryField
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.schemas.household_transfers import RegistryReason
from services.points_hukou.schemas.registry_contests import (
    RegistryContestOpening,
    RegistryContestRecord,
    RegistryContestSecrets,
    RegistryContestStatus,
    RegistryContestsView,
    RegistryContestView,
)
from services.points_hukou.store import registry_contests as store
from services.points_hukou.store.evidence import divisions_of, person_seen
from services.points_hukou.store.person_facts import nobody
from services.points_hukou.store.source_law import SOURCES

RESOURCE = "registry_contest"


async def contest_register(work: Work, person_id: UUID, body: RegistryContestOpening) -> RegistryContestView:
    """Ask the registry to look. Raises `DomainError` `not-found`, `contest-open`, `invalid-request`."""
    field = await _field_of(work, body)
    human = await hold(work, person_id)
    if (other := await store.open_contest(work, human, field)) is not None:
        raise DomainError("contest-open", extra={"contest_id": str(other.contest_id)})
    record = RegistryContestRecord(
        contest_id=new_id(),
        person_id=human,
        rule_set=body.rule_set,
        fact=body.fact,
        field=field,
        division_code=work.principal.division_code,
        status=RegistryContestStatus.OPEN,
        opened_on=work.today,
        due_on=work.today + timedelta(days=LAW.registry_contest_days.on(work.today)),
        overdue_told_on=None,
        decided_on=None,
        rights_request_id=None,
        reasons=(),
        secrets=RegistryContestSecrets(reason=body.reason),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_contest(work, record)
    await _leave(work, "contest", RegistryContestOpened, None, record)
    return await _shown(work, record)


async def read_contest(work: Work, contest_id: UUID) -> RegistryContestView:
    """One contest. Raises `DomainError('registry-contest-not-found')`."""
    return await _shown(work, await _standing(work, contest_id))


async def read_contests(work: Work, person_id: UUID) -> RegistryContestsView:
    """The contests of a person, the newest first. Raises `DomainError('not-found')`."""
    human, sight = await _seen(work, person_id)
    views = [RegistryContestView.of(each, sight, work.today) for each in await store.contests_of(work, human)]
    work.audit("list", RESOURCE, None, person_id=human, fields=sight.shown)
    return RegistryContestsView(items=views)


async def read_versions(work: Work, contest_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[RegistryContestView]]:
    """The versions of a contest, newest first. Raises `DomainError('registry-contest-not-found')`."""
    found = await _standing(work, contest_id)
    _, sight = await _seen(work, found.person_id)
    page = await versions_of(
        work,
        RESOURCE,
        contest_id,
        record=RegistryContestRecord,
        view=lambda past: RegistryContestView.of(past, sight, past.opened_on),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, contest_id, person_id=found.person_id, fields=sight.shown)
    return page


async def take_answers(work: Work, events: Sequence[Received[CorrectionAnswered]]) -> None:
    """The registry has looked. What is answered already, or went with its person, stays as it is."""
    for event in events:
        before = await store.lock_contest(work, event.data.contest_id)
        if before is None or before.status is not RegistryContestStatus.OPEN:
            continue
        answered = {
            "status": RegistryContestStatus(event.data.outcome),
            "decided_on": work.today,
            "rights_request_id": event.data.rights_request_id,
            "reasons": tuple(RegistryReason.model_validate(reason.model_dump()) for reason in event.data.reasons),
        }
        await _go_on(work, "answer", RegistryContestAnswered, before, answered)


async def tell_overdue(work: Work, *, limit: int) -> int:
    """Tell of contests the registry did not answer in time, once each; how many."""
    late = await store.lock_late(work, limit=limit)
    for before in late:
        await _go_on(work, "tell_overdue", RegistryContestOverdue, before, {"overdue_told_on": work.today})
    return len(late)


async def _field_of(work: Work, body: RegistryContestOpening) -> RegistryField:
    rule_set = await named(work, body.rule_set)
    if rule_set is None:
        raise invalid([FieldError("/rule_set", "rule_set_unknown", "没有这份规则", "there is no such rule set", "P-10")])
    feed = SOURCES.feeds_of(rule_set, work.today).get(body.fact)
    if feed is None:
        zh, en = "该项事实不由登记系统供给;对证据的异议向提供单位提出", "the registry does not feed it; contest the evidence"
        raise invalid([FieldError("/fact", "not_of_registry", zh, en, "P-10")])
    return feed.field


async def _standing(work: Work, contest_id: UUID) -> RegistryContestRecord:
    found = await store.find_contest(work, contest_id)
    if found is None:
        raise not_found("registry-contest")
    return found


async def _seen(work: Work, person_id: UUID) -> tuple[UUID, Sight]:
    seen = await person_seen(work, person_id)
    if seen is None:
        raise nobody()
    return seen[0], FIELDS.sight(work.principal.scopes, protection_of(seen[1], work.today))


async def _shown(work: Work, record: RegistryContestRecord) -> RegistryContestView:
    _, sight = await _seen(work, record.person_id)
    work.audit("read", RESOURCE, record.contest_id, person_id=record.person_id, fields=sight.shown)
    return RegistryContestView.of(record, sight, work.today)


async def _go_on(
    work: Work,
    operation: str,
    event: type[RegistryContestState],
    before: RegistryContestRecord,
    changes: Mapping[str, object],
) -> None:
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_contest(work, after)
    await _leave(work, operation, event, before, after)


async def _leave(
    work: Work,
    operation: str,
    event: type[RegistryContestState],
    before: RegistryContestRecord | None,
    after: RegistryContestRecord,
) -> None:
    divisions = (await divisions_of(work, [after.person_id])).get(after.person_id, ())
    state = {name: getattr(after, name) for name in event.model_fields}
    work.emit(event.model_validate(state), division_codes=sorted({after.division_code, *divisions}))
    changed = changed_fields(before, after)
    work.remember(RESOURCE, after.contest_id, after.version, snapshot=after, changed=changed, person_id=after.person_id)
    work.audit(operation, RESOURCE, after.contest_id, person_id=after.person_id, fields=changed)
