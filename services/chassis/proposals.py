"""Routes of the acts that need two people; a service includes them with the acts it has (`two_person.py`)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis import two_person
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page, after, page_of
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.two_person import Acts, ProposalStatus, ProposalView

_DECIDED = ("proposal-not-found", "proposal-decided", "proposal-expired", "stale-version")

StatusParameter = Annotated[ProposalStatus | None, Query(description="Only those that stand there now.")]


def proposals_router(path: str, acts: Acts, *, read_scope: str, decide_scope: str) -> ServiceRouter:
    """`GET {path}`, `GET {path}/{id}` and `POST {path}/{id}/approve|decline|withdraw`."""
    router = ServiceRouter(tags=["proposals"])
    known = {act.name: act for act in acts.values()}

    @router.get(path, **read(read_scope, summary_zh="待第二人核准的事项"))
    async def list_proposals(
        work: CurrentWork, status: StatusParameter = None, cursor: CursorParameter = None, limit: LimitParameter = 50
    ) -> Page[ProposalView]:
        """List acts that need a second officer, oldest first, without their contents."""
        scope = f"proposals {status}"
        rows = await two_person.listed(work, status=status, after=after(work.keyring, scope, cursor), limit=limit)
        page = page_of(
            work.keyring,
            scope,
            rows,
            limit,
            lambda row: two_person.view_of(work, row),
            id_column="proposal_id",
            created_column="proposed_at",
        )
        work.audit("list", two_person.RESOURCE, None, outcome=f"found {len(page.items)}")
        return page

    @router.get(f"{path}/{{proposal_id}}", **read(read_scope, summary_zh="读取待核准事项", problems=["proposal-not-found"]))
    async def read_proposal(work: CurrentWork, proposal_id: UUID) -> Answer[ProposalView]:
        """Read a proposal; while it is open with what is proposed, masked by the client's scopes."""
        found = await two_person.read(work, known, proposal_id)
        return Answer(found, version=found.version)

    @router.post(
        f"{path}/{{proposal_id}}/approve",
        **write(
            decide_scope,
            actor=True,
            summary_zh="第二人核准",
            problems=[*_DECIDED, "second-officer-needed", "organisation-not-superior", "proposal-outdated"],
        ),
    )
    async def approve_proposal(work: CurrentWork, proposal_id: UUID) -> Answer[ProposalView]:
        """Approve a proposal, which carries it out.

        By another officer than the one who proposed it, of the same organisation or of one above. An act that is not lawful
        at that moment is `refused`, with every reason.
        """
        decided = await two_person.approve(work, known, proposal_id)
        return Answer(decided, version=decided.version)

    @router.post(
        f"{path}/{{proposal_id}}/decline",
        **write(
            decide_scope,
            actor=True,
            summary_zh="第二人不予核准",
            problems=[*_DECIDED, "second-officer-needed", "organisation-not-superior"],
        ),
    )
    async def decline_proposal(work: CurrentWork, proposal_id: UUID) -> Answer[ProposalView]:
        """Decline a proposal; nothing happens."""
        decided = await two_person.decline(work, proposal_id)
        return Answer(decided, version=decided.version)

    @router.post(
        f"{path}/{{proposal_id}}/withdraw",
        **write(decide_scope, actor=True, summary_zh="提出人撤回", problems=[*_DECIDED, "proposal-of-another"]),
    )
    async def withdraw_proposal(work: CurrentWork, proposal_id: UUID) -> Answer[ProposalView]:
        """Withdraw one's own proposal."""
        decided = await two_person.withdraw(work, proposal_id)
        return Answer(decided, version=decided.version)

    return router
