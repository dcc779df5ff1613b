"""The unit of work: one transaction and everything an action leaves behind in it.

Actions call `emit`, `remember` and `audit` while they decide; the rows are written by `flush`, in one statement, just
before the commit. So an event, its history and its audit line exist if and only if the business change does.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from services.chassis.clock import utc_now
from services.chassis.db import Record, Transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.events import EventData, producer_of
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.person_keys import DESTROY, KeysInUse
from services.chassis.principal import Principal

if TYPE_CHECKING:
    from services.chassis.attachments.keeping import Attachments


@dataclass(frozen=True, slots=True)
class _OutboxRow:
    event_id: UUID | str
    event_type: str
    partition_key: UUID
    division_codes: str
    data: str


@dataclass(frozen=True, slots=True)
class _HistoryRow:
    resource: str
    resource_id: UUID | str
    version: int
    person_id: UUID | None
    related_person_id: UUID | None
    changed: str
    snapshot: bytes

    @property
    def about(self) -> tuple[UUID, ...]:
        """The persons whose keys protect the snapshot."""
        return tuple(person for person in (self.person_id, self.related_person_id) if person is not None)

    def sealed(self, keyring: Keyring, keys: KeysInUse) -> bytes:
        """The snapshot under the keys of the persons it is about, or under the service's when it is about none."""
        if about := self.about:
            return keys.seal(self.snapshot, self.context, about)
        return keyring.seal(self.snapshot, self.context)

    @property
    def context(self) -> str:
        """Where the snapshot lives."""
        return history_context(self.resource, self.resource_id, self.version)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a command, sealed, as it is kept under its client's idempotency key."""

    operation: str
    key: str
    fingerprint: bytes
    status: int
    headers: dict[str, str]
    body: bytes


class AuditLine(NamedTuple):
    """One line of evidence: canonical JSON (RFC 8785; ids and field names only, never values) and its SHA-256."""

    audit_id: UUID
    person_id: UUID | None
    line: str
    digest: bytes


class Trail(NamedTuple):
    """What acts about one new person left on a unit of work without a transaction, sealed, for one that has one (`lay_trail`).

    Plain values, cheap to send to the database: ids are texts, and the rows those of the types that
    `_FLUSH_ROWS` takes.
    """

    person_id: str
    events: tuple[tuple[str, str, str, str, str], ...]
    versions: tuple[tuple[str, str, int, str, None, str, bytes], ...]
    lines: tuple[tuple[str, str, str, bytes], ...]
    key: tuple[str, str, int, bytes, str]


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
    proposer: str | None = None
    """The officer who proposed what another one has approved; versions and lines of evidence then name both."""
    _outbox: list[_OutboxRow] = field(default_factory=list)
    _history: list[_HistoryRow] = field(default_factory=list)
    _audit: list[AuditLine] = field(default_factory=list)
    _laid: list[Trail] = field(default_factory=list)
    _person_keys: KeysInUse = field(init=False)
    _version_compared: bool = False

    def __post_init__(self) -> None:
        """The keys of persons live no longer than this unit."""
        self._person_keys = KeysInUse(self.keyring)

    def emit(self, event: EventData, *, division_codes: Iterable[str] = ()) -> UUID:
        """Publish `event` of this service when this transaction commits; returns its id.

        `division_codes` say whose followers may see it.
        """
        if producer_of(event.event_type) != self.service:
            raise ValueError(f"{self.service} does not publish {event.event_type}")  # the relay could never send it
        event_id = new_id()
        row = _OutboxRow(
            event_id=event_id,
            event_type=event.event_type,
            partition_key=event.partition_key,
            division_codes=",".join(division_codes),
            data=event.model_dump_json(),
        )
        self._outbox.append(row)
        return event_id

    def remember(
        self,
        resource: str,
        resource_id: UUID,
        version: int,
        *,
        snapshot: BaseModel,
        changed: Sequence[str],
        person_id: UUID | None = None,
        related_person_id: UUID | None = None,
    ) -> None:
        """Add a version to the resource's history: names of the changed fields, and the encrypted state after the change.

        The state of a thing about a person is sealed under that person's own key; of a thing between two persons (`person_id`
        and `related_person_id`) under both, so that the erasure of either makes it unreadable.
        """
        if related_person_id is not None and (person_id is None or person_id == related_person_id):
            raise ValueError("a thing between persons names two of them")
        state = snapshot.model_dump_json().encode()
        row = _HistoryRow(resource, resource_id, version, person_id, related_person_id, ",".join(changed), state)
        self._history.append(row)

    def take_trail(self, person_id: UUID) -> Trail:
        """What was left here about a person who is new: sealed under a key made for it, and forgotten here."""
        made = self._person_keys.of(person_id)
        assert made.wrapped is not None, "the person is not new"
        assert made.kek_id is not None
        about, key = str(person_id), made.key
        trail = Trail(
            about,
            tuple((str(row.event_id), row.event_type, about, row.division_codes, row.data) for row in self._outbox),
            tuple(
                (row.resource, str(row.resource_id), row.version, about, None, row.changed, key.seal(row.snapshot, row.context))
                for row in self._history
            ),
            tuple((str(line.audit_id), about, line.line, line.digest) for line in self._audit),
            (about, str(made.key_id), int(key.suite), made.wrapped, made.kek_id),
        )
        self._outbox, self._history, self._audit, self._person_keys = [], [], [], KeysInUse(self.keyring)
        return trail

    def take_left(self) -> tuple[list[_OutboxRow], list[_HistoryRow], list[AuditLine]]:
        """The events, versions and lines that were left here, which are forgotten here; for who writes of many after a sample
        (`trail_forms.py`).
        """
        left = self._outbox, self._history, self._audit
        self._outbox, self._history, self._audit = [], [], []
        return left

    def lay_trail(self, trail: Trail) -> UUID:
        """Leave here what acts about a new person left elsewhere; the person's id."""
        self._laid.append(trail)
        return self._person_keys.bring(trail.key)

    def learn_person_key(self, row: Record) -> None:
        """Take a person's key from a row that was read anyway (`person_id` and `person_keys.COLUMNS`).

        It spares `flush` a round trip and is never needed: what the transaction does not know is looked up then.
        """
        self._person_keys.learn(row)

    async def make_person_keys(self, person_ids: Collection[UUID]) -> None:
        """Have each of these persons own a key, so that columns can be sealed under it (`seal_about`). The caller holds
        whatever an erasure of the person has to take first, so that the key is not destroyed until the commit.
        """
        await self._person_keys.make_sure(self.tx, person_ids)

    def seal_about(self, person_id: UUID, plaintext: bytes, context: str) -> bytes:
        """Seal a column under the key of the person it is about, after `make_person_keys`; `person_keys.opened` opens it."""
        return self._person_keys.seal(plaintext, context, [person_id])

    async def destroy_person_key(self, person_id: UUID) -> bool:
        """Erase all that was ever remembered of a person: once this commits its snapshots open for nobody, in no process.

        Returns whether there was a key. What the person's row and other tables hold is the caller's to delete. Snapshots
        written later, by somebody who registers the person again, have a key of their own.
        """
        return await self.tx.execute(DESTROY, person_id=person_id) == "DELETE 1"

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
            proposer=self.proposer,
        )
        self._audit.append(line)
        return line

    def audit_each(self, operation: str, resource: str, persons: Mapping[UUID, Sequence[str]]) -> None:
        """Add a line for each of several persons, with the fields shown of it: as `audit` of the person itself."""
        frame = _frame(self.principal, operation, resource, "done", self.request_id, self.now, self.proposer)
        self._audit += [_line(frame, person_id, person_id, fields) for person_id, fields in persons.items()]

    def leave_evidence(self, lines: Iterable[AuditLine]) -> None:
        """Lines of a transaction that was rolled back, of what was nevertheless asked and answered in it."""
        self._audit += lines

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
        return bool(self._outbox or self._laid)

    async def flush(self, answer: KeptAnswer | None = None) -> None:
        """Write the collected rows and a command's answer. Called once, before the commit, by whoever owns the transaction.

        One statement, unless a person has a key that this transaction did not know of: then the snapshots about that person
        are sealed again under it and written by a second one.
        """
        if self._laid:
            await self._write_laid()
        outbox, history, audit = self._outbox, self._history, self._audit
        for _ in range(_FLUSH_ATTEMPTS):
            if not (outbox or history or audit or answer):
                return
            unready = await self._write(outbox, history, audit, answer)
            outbox, audit, answer = [], [], None
            history = [row for row in history if not unready.isdisjoint(row.about)]
        raise DomainError("busy", retry_after=1)  # the person's key is destroyed and made again under our hands

    async def _write_laid(self) -> None:
        """Write the trails of new persons, in a statement of their own. Nobody else can have made them keys."""
        laid, who = self._laid, self.principal
        unready = await self.tx.fetch(
            _FLUSH_ROWS,
            events=[event for trail in laid for event in trail.events],
            versions=[version for trail in laid for version in trail.versions],
            lines=[line for trail in laid for line in trail.lines],
            keys=[trail.key for trail in laid],
            traceparent=self.traceparent,
            client_id=who.client_id,
            actor=who.actor,
            proposed_by=self.proposer,
            request_id=self.request_id,
        )
        if unready:
            raise RuntimeError("a new person had a key")
        self._laid = []

    async def _write(
        self, outbox: list[_OutboxRow], history: list[_HistoryRow], audit: list[AuditLine], answer: KeptAnswer | None
    ) -> set[UUID]:
        """Write the rows; returns the persons whose key turned out to be another one, and whose snapshots were left out."""
        who = self.principal
        snapshots = [row.sealed(self.keyring, self._person_keys) for row in history]
        keys = self._person_keys.offered(dict.fromkeys(person for row in history for person in row.about))
        unready = await self.tx.fetch(
            _FLUSH,
            event_ids=[row.event_id for row in outbox],
            event_types=[row.event_type for row in outbox],
            partition_keys=[row.partition_key for row in outbox],
            division_codes=[row.division_codes for row in outbox],
            event_data=[row.data for row in outbox],
            traceparent=self.traceparent,
            key_person_ids=[key.person_id for key in keys],
            key_ids=[key.key_id for key in keys],
            key_suites=[key.suite for key in keys],
            wrapped_keys=[key.wrapped for key in keys],
            kek_ids=[key.kek_id for key in keys],
            resources=[row.resource for row in history],
            resource_ids=[row.resource_id for row in history],
            versions=[row.version for row in history],
            history_person_ids=[row.person_id for row in history],
            related_person_ids=[row.related_person_id for row in history],
            changed=[row.changed for row in history],
            snapshots=snapshots,
            client_id=who.client_id,
            actor=who.actor,
            proposed_by=self.proposer,
            request_id=self.request_id,
            audit_ids=[row.audit_id for row in audit],
            audit_person_ids=[row.person_id for row in audit],
            lines=[row.line for row in audit],
            digests=[row.digest for row in audit],
            kept_operation=answer.operation if answer else None,
            kept_key=answer.key if answer else None,
            kept_fingerprint=answer.fingerprint if answer else None,
            kept_status=answer.status if answer else None,
            kept_headers=answer.headers if answer else None,
            kept_body=answer.body if answer else None,
        )
        self._person_keys.settle(keys)
        for row in unready:
            self._person_keys.learn(row)
        return {row["person_id"] for row in unready}


def history_context(resource: str, resource_id: UUID | str, version: int) -> str:
    """Where a history snapshot lives; authenticated with it."""
    return f"history|{resource}|{resource_id}|{version}"


def canonical_json(value: dict[str, Any]) -> str:
    """RFC 8785 for what audit lines hold: strings, integers, lists and null under ASCII keys."""
    return to_json(dict(sorted(value.items()))).decode()


@lru_cache(maxsize=4096)
def _text(value: str | None) -> str:
    """In canonical JSON: names of fields, operations and clients come again and again."""
    return to_json(value).decode()


@lru_cache(maxsize=4096)
def _texts(values: tuple[str, ...]) -> str:
    return f"[{','.join(map(_text, values))}]"


@lru_cache(maxsize=64)
def _instant(at: datetime) -> str:
    """The lines of one act, and of all acts of one chunk of a roster, were left at one instant."""
    return at.isoformat(timespec="microseconds")


def _id(value: UUID | None) -> str:
    return f'"{value}"' if value else "null"


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
    proposer: str | None = None,
) -> AuditLine:
    """Build one audit line (fields by privacy.md V-51); an act that two officers share names the one who proposed it too.

    It is `canonical_json` of its members, spelled out: every act leaves one, and the members are always the same.
    """
    frame = _frame(principal, operation, resource, outcome, request_id, at, proposer)
    return _line(frame, resource_id, person_id, fields)


class _Frame(NamedTuple):
    """What the lines of one act share: the text up to the fields, on to the person, and on to the resource's id."""

    fields: str
    person: str
    resource_id: str


def _frame(
    principal: Principal, operation: str, resource: str, outcome: str, request_id: str, at: datetime, proposer: str | None
) -> _Frame:
    proposed = f',"proposer":{_text(proposer)}' if proposer else ""
    return _Frame(
        f'{{"actor":{_text(principal.actor)},"at":"{_instant(at)}","client":{_text(principal.client_id)}'
        f',"division":{_text(principal.division_code)},"fields":',
        f',"operation":{_text(operation)},"organisation":{_text(principal.organisation)},"outcome":{_text(outcome)},"person":',
        f'{proposed},"purpose":{_text(principal.purpose)},"request":{_text(request_id)},"resource":{_text(resource)}'
        f',"resource_id":',
    )


def _line(frame: _Frame, resource_id: UUID | None, person_id: UUID | None, fields: Sequence[str]) -> AuditLine:
    line = f"{frame.fields}{_texts(tuple(fields))}{frame.person}{_id(person_id)}{frame.resource_id}{_id(resource_id)}}}"
    return AuditLine(new_id(), person_id, line, hashlib.sha256(line.encode()).digest())


# Of a person whose key is destroyed and made anew by others, again and again, while one transaction ends.
_FLUSH_ATTEMPTS = 5

# Sequences are dense per key because the key's row stays locked until the commit; keys are taken in order, so that two
# transactions about the same two persons cannot deadlock. A person's key is `ready` when it is made here or is still the one
# the snapshot is sealed under; of the others the key in force comes back, or nulls when one was made since this began.
_LEFT_BEHIND = """
    WITH given AS (
        SELECT * FROM {events} WITH ORDINALITY AS g (event_id, event_type, partition_key, division_codes, data, place)
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
    ), offered AS (
        SELECT * FROM {keys} AS o (person_id, key_id, suite, wrapped, kek_id)
    ), made AS (
        INSERT INTO person_key (person_id, key_id, suite, wrapped, kek_id)
        SELECT * FROM offered WHERE wrapped IS NOT NULL ORDER BY person_id
        ON CONFLICT (person_id) DO NOTHING
        RETURNING person_id
    ), ready AS (
        SELECT person_id FROM made
        UNION ALL
        SELECT o.person_id FROM offered o JOIN person_key k USING (person_id, key_id) WHERE o.wrapped IS NULL
    ), remembered AS (
        INSERT INTO history
            (resource, resource_id, version, person_id, related_person_id, client_id, actor, proposed_by, request_id, changed,
             snapshot)
        SELECT h.resource, h.resource_id, h.version, h.person_id, h.related_person_id, CAST(:client_id AS text),
               CAST(:actor AS text), CAST(:proposed_by AS text), CAST(:request_id AS text),
               string_to_array(h.changed, ','), h.snapshot
        FROM {versions} AS h (resource, resource_id, version, person_id, related_person_id, changed, snapshot)
        WHERE (h.person_id IS NULL OR h.person_id IN (SELECT person_id FROM ready))
        AND (h.related_person_id IS NULL OR h.related_person_id IN (SELECT person_id FROM ready))
    ), noted AS (
        INSERT INTO audit_line (audit_id, person_id, line, digest) SELECT * FROM {lines}
    ){and_more}
    SELECT o.person_id, k.key_id AS person_key_id, k.suite AS person_key_suite, k.wrapped AS person_key_wrapped
    FROM offered o LEFT JOIN person_key k ON k.person_id = o.person_id
    WHERE o.person_id NOT IN (SELECT person_id FROM ready)
"""
_KEPT_ANSWER = """, kept AS (
        INSERT INTO idempotency_key AS k (client_id, operation, key, fingerprint, status, headers, body)
        SELECT CAST(:client_id AS text), CAST(:kept_operation AS text), CAST(:kept_key AS text),
               CAST(:kept_fingerprint AS bytea), CAST(:kept_status AS smallint), CAST(:kept_headers AS jsonb),
               CAST(:kept_body AS bytea)
        WHERE CAST(:kept_key AS text) IS NOT NULL
        ON CONFLICT (client_id, operation, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, body = excluded.body,
            recorded_at = now()
    )"""
_FLUSH = prepare(
    _LEFT_BEHIND.format(
        events="""unnest(
            CAST(:event_ids AS uuid[]), CAST(:event_types AS text[]), CAST(:partition_keys AS uuid[]),
            CAST(:division_codes AS text[]), CAST(:event_data AS text[]))""",
        keys="""unnest(
            CAST(:key_person_ids AS uuid[]), CAST(:key_ids AS uuid[]), CAST(:key_suites AS smallint[]),
            CAST(:wrapped_keys AS bytea[]), CAST(:kek_ids AS text[]))""",
        versions="""unnest(
            CAST(:resources AS text[]), CAST(:resource_ids AS uuid[]), CAST(:versions AS integer[]),
            CAST(:history_person_ids AS uuid[]), CAST(:related_person_ids AS uuid[]), CAST(:changed AS text[]),
            CAST(:snapshots AS bytea[]))""",
        lines="""unnest(
            CAST(:audit_ids AS uuid[]), CAST(:audit_person_ids AS uuid[]), CAST(:lines AS text[]),
            CAST(:digests AS bytea[]))""",
        and_more=_KEPT_ANSWER,
    )
)
# The same for many rows, which go as arrays of row types (`ground/0009.sql`). Of each element of an array asyncpg asks, by way
# of abstract base classes, whether it is an array itself; that takes longer than all else it does with it, and a row is one
# element. For a few rows arrays of columns are better: the types' make-up is read once per connection.
_FLUSH_ROWS = prepare(
    _LEFT_BEHIND.format(
        events="unnest(CAST(:events AS left_event[]))",
        keys="unnest(CAST(:keys AS left_key[]))",
        versions="unnest(CAST(:versions AS left_version[]))",
        lines="unnest(CAST(:lines AS left_line[]))",
        and_more="",
    )
)
