"""The rows that tell of files. A file is announced in `attachment_unowned` before it is stored; whoever inserts its row in
`attachment` takes the announcement away, and whoever deletes the row puts it back. So every stored file is told of somewhere,
and a row never tells of a file that is not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self
from uuid import UUID

from services.chassis.attachments.cipher import FileOpener
from services.chassis.attachments.intake import TakenFile
from services.chassis.attachments.kinds import MediaType
from services.chassis.attachments.retention import AttachmentPurpose, RetentionClass
from services.chassis.db import Record, Transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.keyring import Keyring
from services.chassis.sealed_columns import SealedColumn
from services.chassis.sealing import Suite
from services.chassis.work import Work

# Equal files would be recognised by their digest; the key opens the file and is the only copy.
_DIGEST = SealedColumn.of("attachment", "attachment_id", "sealed_sha256")
_KEY = SealedColumn.of("attachment", "attachment_id", "sealed_key")
SEALED = (_DIGEST, _KEY)

_ANNOUNCE = prepare("INSERT INTO attachment_unowned (address) VALUES (:address)")
_TAKE_OVER = prepare("DELETE FROM attachment_unowned WHERE address = :address")
_INSERT = prepare(
    """
    INSERT INTO attachment (attachment_id, person_id, division_code, client_id, media_type, size_bytes, purpose,
        retention_class, kept_until, address, sealed_sha256, suite, sealed_key, recorded_at)
    VALUES (:attachment_id, :person_id, :division_code, :client_id, :media_type, :size_bytes, :purpose, :retention_class,
        :kept_until, :address, :sealed_sha256, :suite, :sealed_key, :recorded_at)
    """
)
_COLUMNS = """a.attachment_id, a.person_id, a.division_code, a.media_type, a.size_bytes, a.purpose, a.retention_class,
    a.kept_until, a.address, a.sealed_sha256, a.suite, a.sealed_key, a.recorded_at, ARRAY(
        SELECT DISTINCT r.person_id FROM attachment_reference r WHERE r.attachment_id = a.attachment_id
    ) AS referring_person_ids"""
_FIND = prepare(f"SELECT {_COLUMNS} FROM attachment a WHERE a.attachment_id = :attachment_id")  # noqa: S608 - constants
_HOLD = prepare("SELECT hold_attachments(CAST(:attachment_ids AS uuid[]))")
_RELEASE = prepare("SELECT attachment_id FROM release_attachments(CAST(:person_id AS uuid)) AS released (attachment_id)")
_FIND_ALL = prepare(
    f"SELECT {_COLUMNS} FROM attachment a WHERE a.attachment_id = ANY (CAST(:attachment_ids AS uuid[]))"  # noqa: S608
)
_REFER = prepare(
    """
    INSERT INTO attachment_reference (attachment_id, resource, resource_id, person_id)
    SELECT a.id, CAST(:resource AS text), CAST(:resource_id AS uuid), p.id
    FROM unnest(CAST(:attachment_ids AS uuid[])) AS a (id), unnest(CAST(:person_ids AS uuid[])) AS p (id)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """A stored file, as its row tells of it."""

    attachment_id: UUID
    person_id: UUID | None
    division_code: str
    media_type: MediaType
    size_bytes: int
    purpose: AttachmentPurpose
    retention_class: RetentionClass
    kept_until: date
    address: bytes
    recorded_at: datetime
    referring_person_ids: Sequence[UUID]
    sha256: bytes
    suite: Suite
    key: bytes = field(repr=False)

    @property
    def opener(self) -> FileOpener:
        """Decrypts the file, once."""
        return FileOpener(self.suite, self.key, self.attachment_id.bytes)

    @property
    def persons(self) -> list[UUID]:
        """Everybody whose file it is: the person named at the upload, and those of the cases it is evidence in."""
        named = [] if self.person_id is None else [self.person_id]
        return named + [person_id for person_id in self.referring_person_ids if person_id != self.person_id]

    @classmethod
    def of(cls, keyring: Keyring, row: Record) -> Self:
        """The record in a row."""
        columns = dict(row.items())
        columns["sha256"] = keyring.open(columns.pop("sealed_sha256"), _DIGEST.context_of(columns))
        columns["key"] = keyring.open(columns.pop("sealed_key"), _KEY.context_of(columns))
        columns["suite"] = Suite(columns["suite"])
        columns["media_type"] = MediaType(columns["media_type"])
        columns["purpose"] = AttachmentPurpose(columns["purpose"])
        columns["retention_class"] = RetentionClass(columns["retention_class"])
        return cls(**columns)


async def announce(tx: Transaction, address: bytes) -> None:
    """A file is about to be stored at `address`, and nobody owns it yet."""
    await tx.execute(_ANNOUNCE, address=address)


async def insert(
    work: Work, file: TakenFile, *, purpose: AttachmentPurpose, retention_class: RetentionClass, person_id: UUID | None
) -> AttachmentRecord:
    """The file, which is stored, becomes an attachment. Raises `DomainError` when it was removed meanwhile, being too old."""
    if await work.tx.execute(_TAKE_OVER, address=file.sealed.address) != "DELETE 1":
        raise DomainError("attachment-store-unavailable", retry_after=1)
    record = AttachmentRecord(
        attachment_id=file.attachment_id,
        person_id=person_id,
        division_code=work.principal.holder,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        purpose=purpose,
        retention_class=retention_class,
        kept_until=retention_class.kept_until(work.today),
        address=file.sealed.address,
        recorded_at=work.now,
        referring_person_ids=(),
        sha256=file.sha256,
        suite=file.suite,
        key=file.key,
    )
    place = {"attachment_id": record.attachment_id}
    await work.tx.execute(
        _INSERT,
        attachment_id=record.attachment_id,
        person_id=person_id,
        division_code=record.division_code,
        client_id=work.principal.client_id,
        media_type=record.media_type,
        size_bytes=record.size_bytes,
        purpose=purpose,
        retention_class=retention_class,
        kept_until=record.kept_until,
        address=record.address,
        sealed_sha256=work.keyring.seal(file.sha256, _DIGEST.context_of(place)),
        suite=file.suite,
        sealed_key=work.keyring.seal(file.key, _KEY.context_of(place)),
        recorded_at=record.recorded_at,
    )
    return record


async def find(work: Work, attachment_id: UUID) -> AttachmentRecord | None:
    """The attachment, if the caller may see it."""
    row = await work.tx.fetch_row(_FIND, attachment_id=attachment_id)
    return None if row is None else AttachmentRecord.of(work.keyring, row)


async def hold(work: Work, attachment_ids: Sequence[UUID]) -> dict[UUID, AttachmentRecord]:
    """Those the caller may see; none of them is deleted before this transaction ends."""
    await work.tx.execute(_HOLD, attachment_ids=list(attachment_ids))
    rows = await work.tx.fetch(_FIND_ALL, attachment_ids=list(attachment_ids))
    return {row["attachment_id"]: AttachmentRecord.of(work.keyring, row) for row in rows}


async def release(work: Work, person_id: UUID) -> list[UUID]:
    """Delete what belongs to a person whose cases are gone; which attachments that were."""
    rows = await work.tx.fetch(_RELEASE, person_id=person_id)
    return [row["attachment_id"] for row in rows]


async def insert_references(
    work: Work, attachment_ids: Sequence[UUID], resource: str, resource_id: UUID, person_ids: Sequence[UUID]
) -> None:
    """A case of these persons refers to these files."""
    await work.tx.execute(
        _REFER,
        attachment_ids=list(attachment_ids),
        resource=resource,
        resource_id=resource_id,
        person_ids=list(person_ids),
    )
