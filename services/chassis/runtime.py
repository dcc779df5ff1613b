"""What one running service process holds; the route class, the jobs and the consumers work with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.chassis.attachments.keeping import Attachments
from services.chassis.audit import ReadAuditor
from services.chassis.auth import InsideTokens
from services.chassis.clock import LawClock
from services.chassis.db import Pool, Transaction
from services.chassis.evidence.watch import Watch
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.principal import Principal, service_principal
from services.chassis.problems import Catalogue
from services.chassis.rows import RowContext
from services.chassis.settings import ServiceSettings
from services.chassis.work import Work


@dataclass(slots=True)
class Runtime:
    """One service process. Built in the lifespan; nothing of it exists at import."""

    name: str
    settings: ServiceSettings
    pool: Pool
    keyring: Keyring
    tokens: InsideTokens
    catalogue: Catalogue
    read_auditor: ReadAuditor
    evidence: Watch
    wake_relay: Callable[[], None]
    learn_keys: Callable[[], Awaitable[None]]
    attachments: Attachments | None = None
    law_clock: LawClock = field(default_factory=LawClock)

    def work(
        self,
        tx: Transaction,
        principal: Principal,
        *,
        request_id: str | None = None,
        traceparent: str | None = None,
        if_match: int | None = None,
    ) -> Work:
        """A unit of work on `tx`; the law clock is read once, here."""
        law_now = self.law_clock.now()
        return Work(
            tx=tx,
            service=self.name,
            principal=principal,
            keyring=self.keyring,
            today=law_now.date(),
            law_now=law_now,
            request_id=request_id or str(new_id()),
            traceparent=traceparent,
            if_match=if_match,
            attachments=self.attachments,
        )

    def rows_of(self, principal: Principal) -> RowContext:
        """Which rows a client's request may see."""
        return RowContext.of(principal, self.law_clock.today())

    def own_work(self, tx: Transaction, traceparent: str | None = None) -> Work:
        """A unit of work of the service itself, for consumers and jobs."""
        return self.work(tx, service_principal(self.name), traceparent=traceparent)
