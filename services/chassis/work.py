"""The unit of work: one transaction and everything an action leaves behind in it.

Actions call `emit`, `remember` and `audit` while they decide; the rows are written by `flush`, in one statement, just
before the commit. So an event, its history and its audit line exist if and only if the business change does.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.events import EventData, producer_of
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.principal import Principal

if TYPE_CHECKING:
    from services.chassis.attachments.keeping import Attachments


@dataclass(frozen=True, slots=True)
class _OutboxRow:
    event_id: UUID
    event_type: str
    partition_key: UUID
    division_codes: str
    data: str


@dataclass(frozen=True, slots=True)
class _HistoryRow:
    resource: str
    resource_id: UUID
    version: int
    person_id: UUID | None
    changed: str
    snapshot: bytes


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of evidence: canonical JSON (RFC 8785; ids and field names only, never values) and its SHA-256."""

    audit_id: UUID
    person_id: UUID | None
    line: str
    digest: bytes


@dataclass(slots=True)
class Work:
    """One request, message or job inside its transaction.

    `today` and `law_now` are the law clock, read once; `now` is the system clock. `if_match` is the version the
    client saw, when it said so. A read has no transaction of its own: its single statements see committed data.
    `attachments` is the service's store of files, where it has one.
    """

    tx: Transaction
    service: str
    principal: Principal
    keyring: Keyring
    today: date
    law_now: datetime
    request_id: str
    traceparent: str | None = None
    if_match: int | None = None
    attachments: "Attachments | None" = None
    now: datetime = field(default_factory=utc_now)
    _outbox: list[_OutboxRow] = field(default_factory=list)
    _history: list[_HistoryRow] = field(default_factory=list)
    _audit: list[AuditLine] = field(default_factory=list)
    _version_compared: bool = False

    def emit(self, event: EventData, *, division_codes: Iterable[str] = ()) -> UUID:
        """Publish `event` of this service when this transaction commits; returns its id.

        `division_codes` say whose followers may see it.
        """
        if producer_of(event.event_type) != self.service:
            raise ValueError(f"{self.service} does not publish {event.event_type}")  # the relay could never send it
        row = _OutboxRow(
            event_id=new_id(),
            event_type=event.event_type,
            partition_key=event.partition_key,
            division_codes=",".join(division_codes),
            data=event.model_dump_json(),
        )
        self._outbox.append(row)
        return row.event_id

    def remember(
        self,
        resource: str,
        resource_id: UUID,
        version: int,
        *,
        snapshot: BaseModel,
        changed: Sequence[str],
        person_id: UUID | None = None,
    ) -> None:
        """Add a version to the resource's history: names of the changed fields, and the encrypted state after the change."""
        sealed = self.keyring.seal(snapshot.model_dump_json().encode(), history_context(resource, resource_id, version))
        self._history.append(_HistoryRow(resource, resource_id, version, person_id, ",".join(changed), sealed))

    def audit(
        self,
        operation: str,
        resource: str,
        resource_id: UUID | None,
        *,
        person_id: UUID | None = None,
        fields: Sequence[str] = (),
        outcome: str = "done",
    ) -> AuditLine:
        """Add a line of evidence: who did what to which object, for what purpose."""
        line = audit_line(
            self.principal,
            operation=operation,
            resource=resource,
            resource_id=resource_id,
            person_id=person_id,
            fields=fields,
            outcome=outcome,
            request_id=self.request_id,
            at=self.now,
        )
        self._audit.append(line)
        return line

    def take_audit_lines(self) -> list[AuditLine]:
        """Hand the collected lines over to the group writer of reads, which commits them in a transaction of its own.

        Raises `RuntimeError` when the read emitted or remembered something, which would be lost: it should be a write.
        """
        if self._outbox or self._history:
            raise RuntimeError("a read has no transaction to leave an event or a history row in")
        lines, self._audit = self._audit, []
        return lines

    def require_actor(self) -> str:
        """The officer who acts, for an act that needs one only under some contents of its body (an operation that always
        does says `actor=True`). Raises `DomainError('actor-required')`.
        """
        if self.principal.actor is None:
            raise DomainError("actor-required")
        return self.principal.actor

    def expect_version(self, current: int) -> None:
        """Honour `If-Match`: raises `DomainError('stale-version')` when the client saw another version."""
        self._version_compared = True
        if self.if_match is not None and self.if_match != current:
            raise DomainError("stale-version", extra={"current_version": current})

    def refuse_ignored_version(self) -> None:
        """Called after the action: raises `DomainError('stale-version')` when the client named a version and nobody looked at
        it – then there was nothing it could have been the version of (RFC 9110 §13.1.1), and going on would ignore it."""
        if self.if_match is not None and not self._version_compared:
            raise DomainError("stale-version")

    @property
    def has_events(self) -> bool:
        """Whether the relay has to be woken after the commit."""
        return bool(self._outbox)

    async def flush(self) -> None:
        """Write the collected rows in one statement. Called once, before the commit, by whoever owns the transaction."""
        if not (self._outbox or self._history or self._audit):
            return
        outbox, history, audit = self._outbox, self._history, self._audit
        who = self.principal
        await self.tx.execute(
            _FLUSH,
            event_ids=[row.event_id for row in outbox],
            event_types=[row.event_type for row in outbox],
            partition_keys=[row.partition_key for row in outbox],
            division_codes=[row.division_codes for row in outbox],
            event_data=[row.data for row in outbox],
            traceparent=self.traceparent,
            resources=[row.resource for row in history],
            resource_ids=[row.resource_id for row in history],
            versions=[row.version for row in history],
            history_person_ids=[row.person_id for row in history],
            changed=[row.changed for row in history],
            snapshots=[row.snapshot for row in history],
            client_id=who.client_id,
            actor=who.actor,
            request_id=self.request_id,
            audit_ids=[row.audit_id for row in audit],
            audit_person_ids=[row.person_id for row in audit],
            lines=[row.line for row in audit],
            digests=[row.digest for row in audit],
        )


def history_context(resource: str, resource_id: UUID, version: int) -> str:
    """Where a history snapshot lives; authenticated with it."""
    return f"history|{resource}|{resource_id}|{version}"


def canonical_json(value: dict[str, Any]) -> str:
    """RFC 8785 for what audit lines hold: strings, integers, lists and null under ASCII keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def audit_line(  # noqa: PLR0913 - the fields of an audit line
    principal: Principal,
    *,
    operation: str,
    resource: str,
    resource_id: UUID | None,
    person_id: UUID | None,
    fields: Sequence[str],
    outcome: str,
    request_id: str,
    at: datetime,
) -> AuditLine:
    """Build one audit line (fields by privacy.md V-51)."""
    line = canonical_json(
        {
            "actor": principal.actor,
            "at": at.isoformat(timespec="microseconds"),
            "client": principal.client_id,
            "division": principal.division_code,
            "fields": list(fields),
            "operation": operation,
            "organisation": principal.organisation,
            "outcome": outcome,
            "person": str(person_id) if person_id else None,
            "purpose": principal.purpose,
            "request": request_id,
            "resource": resource,
            "resource_id": str(resource_id) if resource_id else None,
        }
    )
    return AuditLine(new_id(), person_id, line, hashlib.sha256(line.encode()).digest())


# Sequences are dense per key because the key's row stays locked until the commit; keys are taken in order, so that two
# transactions about the same two persons cannot deadlock.
_FLUSH = prepare(
    """
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:event_ids AS uuid[]), CAST(:event_types AS text[]), CAST(:partition_keys AS uuid[]),
            CAST(:division_codes AS text[]), CAST(:event_data AS text[])
        ) WITH ORDINALITY AS g (event_id, event_type, partition_key, division_codes, data, place)
    ), per_key AS (
        SELECT partition_key, count(*) AS events FROM given GROUP BY partition_key ORDER BY partition_key
    ), numbered AS (
        INSERT INTO event_sequence AS s (partition_key, last_sequence)
        SELECT partition_key, events FROM per_key ORDER BY partition_key
        ON CONFLICT (partition_key) DO UPDATE SET last_sequence = s.last_sequence + excluded.last_sequence
        RETURNING s.partition_key, s.last_sequence
    ), published AS (
        INSERT INTO outbox (event_id, event_type, partition_key, sequence, division_codes, traceparent, data)
        SELECT g.event_id, g.event_type, g.partition_key,
               n.last_sequence - k.events + row_number() OVER (PARTITION BY g.partition_key ORDER BY g.place),
               string_to_array(g.division_codes, ','), CAST(:traceparent AS text), g.data
        FROM given g JOIN per_key k USING (partition_key) JOIN numbered n USING (partition_key)
        ORDER BY g.place
    ), remembered AS (
        INSERT INTO history
            (resource, resource_id, version, person_id, client_id, actor, request_id, changed, snapshot)
        SELECT h.resource, h.resource_id, h.version, h.person_id, CAST(:client_id AS text), CAST(:actor AS text),
               CAST(:request_id AS text), string_to_array(h.changed, ','), h.snapshot
        FROM unnest(
            CAST(:resources AS text[]), CAST(:resource_ids AS uuid[]), CAST(:versions AS integer[]),
            CAST(:history_person_ids AS uuid[]), CAST(:changed AS text[]), CAST(:snapshots AS bytea[])
        ) AS h (resource, resource_id, version, person_id, changed, snapshot)
    )
    INSERT INTO audit_line (audit_id, person_id, line, digest)
    SELECT * FROM unnest(
        CAST(:audit_ids AS uuid[]), CAST(:audit_person_ids AS uuid[]), CAST(:lines AS text[]), CAST(:digests AS bytea[])
    )
    """
)
