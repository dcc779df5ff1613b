"""Evidence, contests and facts as a client may see them, each reading with its line of evidence."""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Sight, protection_of
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.points_hukou.actions.evidence.checking import standing
from services.points_hukou.actions.evidence.trail import CONTEST, EVIDENCE
from services.points_hukou.actions.rule_set_compiling import named
from services.points_hukou.schemas.contests import ContestRecord, ContestView
from services.points_hukou.schemas.evidence import EvidenceRecord, EvidenceSearch, EvidenceView
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.schemas.person_facts import PersonFactsView
from services.points_hukou.store import contests as contest_store
from services.points_hukou.store import evidence as store
from services.points_hukou.store.person_facts import facts_of, nobody


async def shown(work: Work, record: EvidenceRecord) -> EvidenceView:
    """One evidence, with what is contested of it."""
    sight = await _sight(work, record.person_id)
    contested = await contest_store.contested_series(work, [record.person_id])
    view = EvidenceView.of(record, sight, is_contested=_series(record) in contested)
    work.audit("read", EVIDENCE, record.evidence_id, person_id=record.person_id, fields=sight.shown)
    return view


async def shown_contest(work: Work, record: ContestRecord) -> ContestView:
    """One contest."""
    sight = await _sight(work, record.person_id)
    view = ContestView.of(record, sight, work.today)
    work.audit("read", CONTEST, record.contest_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_evidence(work: Work, evidence_id: UUID) -> EvidenceView:
    """One evidence. Raises `DomainError('evidence-not-found')`."""
    return await shown(work, await standing(work, evidence_id))


async def read_contests(work: Work, evidence_id: UUID) -> list[ContestView]:
    """The contests of one evidence, the newest first. Raises `DomainError('evidence-not-found')`."""
    found = await standing(work, evidence_id)
    sight = await _sight(work, found.person_id)
    views = [ContestView.of(each, sight, work.today) for each in await contest_store.contests_of(work, evidence_id)]
    work.audit("list", CONTEST, evidence_id, person_id=found.person_id, fields=sight.shown)
    return views


async def search_evidence(work: Work, body: EvidenceSearch, cursor: str | None, limit: int) -> Page[EvidenceView]:
    """Evidence of a person, under whatever id, the oldest first. Raises `DomainError('not-found')`."""
    sight = await _sight(work, body.person_id)
    scope = f"evidence {body.person_id} {body.fact} {body.include_closed} {body.known_at}"
    rows = await store.search(
        work,
        body.person_id,
        fact=body.fact,
        include_closed=body.include_closed,
        known_at=body.known_at,
        after=after(work.keyring, scope, cursor),
        limit=limit,
    )
    contested = await contest_store.contested_series(work, sorted({row["person_id"] for row in rows}))
    records = {row["evidence_id"]: store.record_of(work.keyring, row) for row in rows}
    views = {
        each.evidence_id: EvidenceView.of(each, sight, is_contested=_series(each) in contested) for each in records.values()
    }
    page = page_of(work.keyring, scope, rows, limit, lambda row: views[row["evidence_id"]], id_column="evidence_id")
    work.audit("search", EVIDENCE, None, person_id=body.person_id, fields=sight.shown)
    return page


async def read_facts(work: Work, person_id: UUID, rule_set: str, on: date | None) -> PersonFactsView:
    """What is known of a person for a rule set. Raises `DomainError` `not-found`, `invalid-request`."""
    wanted = await named(work, rule_set)
    if wanted is None:
        unknown = FieldError("?rule_set", "rule_set_unknown", "没有这份规则", "there is no such rule set", "P-10")
        raise DomainError("invalid-request", errors=[unknown])
    gathered, born = await facts_of(work, person_id, wanted, on or work.today)
    sight = FIELDS.sight(work.principal.scopes, protection_of(born, work.today))
    view = PersonFactsView.of(gathered, wanted, sight)
    work.audit("read", "person_facts", gathered.person_id, person_id=gathered.person_id, fields=sight.shown)
    return view


async def read_history(work: Work, evidence_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[EvidenceView]]:
    """The versions of an evidence, newest first. Raises `DomainError('evidence-not-found')`."""
    found = await standing(work, evidence_id)
    sight = await _sight(work, found.person_id)
    page = await versions_of(
        work,
        EVIDENCE,
        evidence_id,
        record=EvidenceRecord,
        view=lambda record: EvidenceView.of(record, sight, is_contested=False),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", EVIDENCE, evidence_id, person_id=found.person_id, fields=sight.shown)
    return page


async def _sight(work: Work, person_id: UUID) -> Sight:
    seen = await store.person_seen(work, person_id)
    if seen is None:
        raise nobody()
    return FIELDS.sight(work.principal.scopes, protection_of(seen[1], work.today))


def _series(record: EvidenceRecord) -> tuple[UUID, str, str, str]:
    return record.person_id, record.rule_set, record.fact, record.organisation
