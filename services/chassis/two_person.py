"""Acts that need two people (reliability.md 34): one officer proposes, another approves, and only then it happens.

A proposal is a row with the sealed content of what is to be done, bound to the version of the thing it is about and to a last
day of the law's calendar. The officer who approves is not the one who proposed, and belongs to the same organisation or to one
above it in the division tree. Approving runs the act in the same transaction; the act may lawfully refuse, with every reason.

Content is kept only until the proposal is decided or has expired; both names stay, in the row, the history and the evidence.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.chassis.db import Record, prepare
from services.chassis.errors import DomainError
from services.chassis.fields import PersonalView
from services.chassis.ids import new_id
from services.chassis.principal import division_prefix
from services.chassis.schemas import View
from services.chassis.work import Work

RESOURCE = "proposal"
DAYS_OPEN = 7
"""Days of the law's calendar on which a proposal may be approved, the first one apart. A choice (decision 0012)."""


class ProposalStatus(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RefusalReason(View):
    """One reason of a lawful refusal, with its article."""

    code: str
    article: str
    rule: str
    message_zh: str
    message_en: str


class ProposalView(PersonalView):
    """An act that one officer proposed and another has to approve."""

    proposal_id: UUID
    version: int
    act: str = Field(description="What is to be done, e.g. `person.correct`.")
    status: ProposalStatus = Field(description="`refused`: the act is not lawful at present, see `reasons`.")
    resource: str
    resource_id: UUID
    resource_version: int = Field(description="Version of the thing the proposal is based on; another one makes it outdated.")
    person_id: UUID | None
    proposed_by: str = Field(description="The officer who proposed it.")
    proposing_organisation: str
    proposed_at: datetime
    expires_on: date = Field(description="Last day of the law's calendar on which it may be approved.")
    decided_by: str | None = Field(description="The officer who approved, declined or withdrew it.")
    deciding_organisation: str | None
    decided_at: datetime | None
    reasons: list[RefusalReason] = Field(description="Every reason of a lawful refusal, all at once.")
    content: dict[str, Any] | None = Field(
        description="What is proposed, as this client may see it; absent once the proposal is decided or has expired."
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as the act that carries it out receives it; `content` is the sealed JSON, opened."""

    proposal_id: UUID
    act: str
    resource_id: UUID
    resource_version: int
    person_id: UUID | None
    content: bytes

    def expect_version(self, current: int) -> None:
        """Raises `DomainError('proposal-outdated')` when the thing is no longer as it was when this was proposed."""
        if self.resource_version != current:
            raise DomainError("proposal-outdated", extra={"current_version": current})


@dataclass(frozen=True, slots=True)
class TwoPersonAct:
    """An act that needs two people.

    `scope` is asked of both. `execute` locks, compares the version, and acts, or returns every reason why it may not. `show`
    gives the content as the asking client may see it, and raises what reading the thing itself would raise.
    """

    name: str
    scope: str
    execute: Callable[[Work, Proposal], Awaitable[Sequence[RefusalReason]]]
    show: Callable[[Work, Proposal], Awaitable[dict[str, Any]]]


Acts = Mapping[str, TwoPersonAct]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an act is about: the thing, the version it is based on, and the person concerned."""

    resource: str
    resource_id: UUID
    version: int
    person_id: UUID | None


async def propose(
    work: Work, act: TwoPersonAct, subject: Subject, content: BaseModel, reasons: Sequence[RefusalReason] = ()
) -> ProposalView:
    """Store a proposal of the acting officer; with `reasons` it is refused at once. The caller holds the thing's lock.

    Raises `DomainError('proposal-open')` while the same act is proposed for the same thing.
    """
    actor, proposal_id = work.require_actor(), new_id()
    _require_scope(work, act)
    await work.tx.execute(_EXPIRE, resource=subject.resource, resource_id=subject.resource_id, today=work.today)
    if (open_id := await work.tx.fetch_value(_OPEN, act=act.name, resource_id=subject.resource_id)) is not None:
        raise DomainError("proposal-open", extra={"proposal_id": str(open_id)})
    given = content.model_dump_json(exclude_unset=True).encode()
    sealed = None if reasons else work.keyring.seal(given, _context(proposal_id))
    row = await work.tx.fetch_row(
        _INSERT,
        proposal_id=proposal_id,
        act=act.name,
        status=ProposalStatus.REFUSED if reasons else ProposalStatus.OPEN,
        resource=subject.resource,
        resource_id=subject.resource_id,
        resource_version=subject.version,
        person_id=subject.person_id,
        client_id=work.principal.client_id,
        organisation=work.principal.organisation,
        division_code=work.principal.division_code,
        proposed_by=actor,
        proposed_at=work.now,
        expires_on=work.today + timedelta(days=DAYS_OPEN),
        content=sealed,
        reasons=[reason.model_dump() for reason in reasons],
    )
    assert row is not None
    outcome = "refused" if reasons else "done"
    work.audit(f"propose {act.name}", RESOURCE, proposal_id, person_id=subject.person_id, outcome=outcome)
    shown = None if reasons else await act.show(work, _proposal(work, row))
    return _view(work, row, shown)


async def approve(work: Work, acts: Acts, proposal_id: UUID) -> ProposalView:
    """The acting officer, another one than the proposer, lets it happen."""
    row = await _take(work, proposal_id)
    act = acts[row["act"]]
    _require_scope(work, act)
    _require_second_officer(work, row)
    work.proposer = row["proposed_by"]
    reasons = await act.execute(work, _proposal(work, row))
    return await _decide(work, row, ProposalStatus.REFUSED if reasons else ProposalStatus.APPROVED, reasons)


async def decline(work: Work, proposal_id: UUID) -> ProposalView:
    """The acting officer does not let it happen; who proposed it withdraws it instead."""
    row = await _take(work, proposal_id)
    _require_second_officer(work, row)
    return await _decide(work, row, ProposalStatus.DECLINED)


async def withdraw(work: Work, proposal_id: UUID) -> ProposalView:
    """Who proposed it takes it back. Raises `DomainError('proposal-of-another')` for anybody else."""
    row = await _take(work, proposal_id)
    if (row["organisation"], row["proposed_by"]) != (work.principal.organisation, work.require_actor()):
        raise DomainError("proposal-of-another")
    return await _decide(work, row, ProposalStatus.WITHDRAWN)


async def read(work: Work, acts: Acts, proposal_id: UUID) -> ProposalView:
    """One proposal, with its content while it is open."""
    row = await work.tx.fetch_row(_FIND, proposal_id=proposal_id)
    if row is None:
        raise DomainError("proposal-not-found")
    is_open = _status(work, row) is ProposalStatus.OPEN and row["content"] is not None
    shown = await acts[row["act"]].show(work, _proposal(work, row)) if is_open else None
    work.audit("read", RESOURCE, proposal_id, person_id=row["person_id"], fields=sorted(shown or ()))
    return _view(work, row, shown)


async def listed(
    work: Work, *, status: ProposalStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of proposals this client may see, oldest first; contents only one by one."""
    after_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, status=status, today=work.today, after_at=after_at, after_id=after_id, limit=limit + 1)


def view_of(work: Work, row: Record) -> ProposalView:
    """A listed proposal, without its content."""
    return _view(work, row, None)


async def forget_expired_contents(work: Work, *, limit: int) -> int:
    """Destroy the contents of proposals nobody decided in time; how many there were."""
    tag = await work.tx.execute(_FORGET, today=work.today, limit=limit)
    return int(tag.rpartition(" ")[2])


async def _take(work: Work, proposal_id: UUID) -> Record:
    """An open proposal, locked. Raises when there is none this client may see, or it is decided or too late."""
    row = await work.tx.fetch_row(_LOCK, proposal_id=proposal_id)
    if row is None:
        raise DomainError("proposal-not-found")
    work.expect_version(row["version"])
    status = _status(work, row)
    if status is ProposalStatus.EXPIRED:
        raise DomainError("proposal-expired", extra={"expires_on": row["expires_on"].isoformat()})
    if status is not ProposalStatus.OPEN:
        raise DomainError("proposal-decided", extra={"proposal_status": status.value})
    return row


async def _decide(work: Work, row: Record, status: ProposalStatus, reasons: Sequence[RefusalReason] = ()) -> ProposalView:
    decided = await work.tx.fetch_row(
        _DECIDE,
        proposal_id=row["proposal_id"],
        status=status,
        decided_by=work.require_actor(),
        organisation=work.principal.organisation,
        decided_at=work.now,
        reasons=[reason.model_dump() for reason in reasons],
    )
    assert decided is not None
    work.proposer = row["proposed_by"]
    work.audit(f"{_VERBS[status]} {row['act']}", RESOURCE, row["proposal_id"], person_id=row["person_id"], outcome=status)
    return _view(work, decided, None)


def _require_scope(work: Work, act: TwoPersonAct) -> None:
    if act.scope not in work.principal.scopes:
        raise DomainError("scope-missing", extra={"scope": act.scope})


def _require_second_officer(work: Work, row: Record) -> None:
    """Another officer, of the same organisation or one above. An officer's id that occurs in two organisations is taken for the
    same person: the cost of being wrong is that a third officer has to be asked.
    """
    if work.require_actor().casefold() == row["proposed_by"].casefold():
        raise DomainError("second-officer-needed")
    is_above = work.principal.division_prefix != division_prefix(row["division_code"])  # seen from there: the same or above
    if work.principal.organisation != row["organisation"] and not is_above:
        raise DomainError("organisation-not-superior")


def _status(work: Work, row: Record) -> ProposalStatus:
    status = ProposalStatus(row["status"])
    return ProposalStatus.EXPIRED if status is ProposalStatus.OPEN and row["expires_on"] < work.today else status


def _proposal(work: Work, row: Record) -> Proposal:
    return Proposal(
        proposal_id=row["proposal_id"],
        act=row["act"],
        resource_id=row["resource_id"],
        resource_version=row["resource_version"],
        person_id=row["person_id"],
        content=work.keyring.open(row["content"], _context(row["proposal_id"])),
    )


def _view(work: Work, row: Record, content: dict[str, Any] | None) -> ProposalView:
    return ProposalView(
        proposal_id=row["proposal_id"],
        version=row["version"],
        act=row["act"],
        status=_status(work, row),
        resource=row["resource"],
        resource_id=row["resource_id"],
        resource_version=row["resource_version"],
        person_id=row["person_id"],
        proposed_by=row["proposed_by"],
        proposing_organisation=row["organisation"],
        proposed_at=row["proposed_at"],
        expires_on=row["expires_on"],
        decided_by=row["decided_by"],
        deciding_organisation=row["decided_organisation"],
        decided_at=row["decided_at"],
        reasons=[RefusalReason(**reason) for reason in row["reasons"]],
        content=content,
    )


def _context(proposal_id: UUID) -> str:
    return f"proposal|content|{proposal_id}"


_VERBS = {
    ProposalStatus.APPROVED: "approve",
    ProposalStatus.REFUSED: "approve",
    ProposalStatus.DECLINED: "decline",
    ProposalStatus.WITHDRAWN: "withdraw",
}
_FIND = prepare("SELECT * FROM proposal WHERE proposal_id = :proposal_id")
_LOCK = prepare("SELECT * FROM proposal WHERE proposal_id = :proposal_id FOR UPDATE")
_OPEN = prepare("SELECT proposal_id FROM proposal WHERE act = :act AND resource_id = :resource_id AND status = 'open'")
_EXPIRE = prepare(
    """
    UPDATE proposal SET status = 'expired', content = NULL, version = version + 1
    WHERE resource = :resource AND resource_id = :resource_id AND status = 'open' AND expires_on < CAST(:today AS date)
    """
)
_FORGET = prepare(
    """
    UPDATE proposal SET status = 'expired', content = NULL, version = version + 1 WHERE proposal_id IN (
        SELECT proposal_id FROM proposal WHERE status = 'open' AND expires_on < CAST(:today AS date)
        ORDER BY expires_on LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED)
    """
)
_INSERT = prepare(
    """
    INSERT INTO proposal (proposal_id, act, status, resource, resource_id, resource_version, person_id, client_id, organisation,
        division_code, proposed_by, proposed_at, expires_on, content, reasons)
    VALUES (:proposal_id, :act, :status, :resource, :resource_id, :resource_version, :person_id, :client_id, :organisation,
        :division_code, :proposed_by, :proposed_at, :expires_on, :content, CAST(:reasons AS jsonb))
    RETURNING *
    """
)
_DECIDE = prepare(
    """
    UPDATE proposal SET status = :status, decided_by = :decided_by, decided_organisation = :organisation,
        decided_at = :decided_at, reasons = CAST(:reasons AS jsonb), content = NULL, version = version + 1
    WHERE proposal_id = :proposal_id RETURNING *
    """
)
_LIST = prepare(
    """
    SELECT * FROM proposal
    WHERE (CAST(:status AS text) IS NULL OR :status = CASE
        WHEN status = 'open' AND expires_on < CAST(:today AS date) THEN 'expired' ELSE status END)
    AND (CAST(:after_at AS timestamptz) IS NULL OR (proposed_at, proposal_id) > (:after_at, CAST(:after_id AS uuid)))
    ORDER BY proposed_at, proposal_id LIMIT CAST(:limit AS integer)
    """
)
