"""Notes: the whole service in one file, because it is only a test's."""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, ClassVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import StringConstraints
from sqlalchemy import MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

from services.chassis.app import ServiceDefinition
from services.chassis.db import NAMING_CONVENTION, Record, prepare
from services.chassis.errors import DomainError
from services.chassis.events import EventData
from services.chassis.ids import new_id
from services.chassis.jobs import Job
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page, after, page_of
from services.chassis.parameters import History
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.chassis.schemas import Command, PlainText, View
from services.chassis.settings import ServiceSettings
from services.chassis.work import Work

METADATA = MetaData(naming_convention=NAMING_CONVENTION)
FOLDER = Path(__file__).parent
_NO_RULE: History[int] = History("closing_days_max", ())


class Table(SQLModel):
    """Base of the one table."""

    metadata = METADATA


class Note(Table, table=True):
    """A note."""

    __tablename__ = "note"
    __table_args__ = (UniqueConstraint("content", deferrable=True, initially="DEFERRED"),)

    note_id: UUID = Field(primary_key=True)
    content: str = Field(sa_type=sa.Text)
    closed: bool
    version: int
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))


class NoteChanged(EventData):
    """A note was written or closed."""

    event_type: ClassVar[str] = "office.note.changed.v1"

    note_id: UUID
    version: int

    @property
    def partition_key(self) -> UUID:
        """The note."""
        return self.note_id


class WriteNote(Command):
    """What to write."""

    content: Annotated[PlainText, StringConstraints(max_length=200)]
    urgent: bool = False
    tags: tuple[str, ...] = ()


class CloseNote(Command):
    """Nothing to say."""

    delay_s: float = 0.0
    fail: bool = False
    as_of: date | None = None


class NoteView(View):
    """A note."""

    note_id: UUID
    content: str
    closed: bool
    version: int


_ADD = prepare(
    sa.insert(Note.__table__).values(**{name: sa.bindparam(name) for name in Note.model_fields})  # type: ignore[attr-defined]
)
_GET = prepare("SELECT * FROM note WHERE note_id = :note_id")
_LOCK = prepare("SELECT * FROM note WHERE note_id = :note_id FOR UPDATE")
_CHANGE = prepare("UPDATE note SET content = :content, closed = :closed, version = version + 1 WHERE note_id = :note_id")
_LIST = prepare(
    """
    SELECT * FROM note WHERE CAST(:created_at AS timestamptz) IS NULL
        OR (created_at, note_id) > (CAST(:created_at AS timestamptz), CAST(:note_id AS uuid))
    ORDER BY created_at, note_id LIMIT CAST(:limit AS integer)
    """
)
_CLOSE_SOME = prepare(
    """
    UPDATE note SET closed = true, version = version + 1
    WHERE note_id IN (SELECT note_id FROM note WHERE NOT closed AND content LIKE 'due %' ORDER BY note_id LIMIT 2 FOR UPDATE)
    RETURNING note_id, version
    """
)

router = ServiceRouter(tags=["notes"])


def _view(row: Record) -> NoteView:
    return NoteView(note_id=row["note_id"], content=row["content"], closed=row["closed"], version=row["version"])


def _leave_traces(work: Work, note: NoteView, changed: list[str]) -> Answer[NoteView]:
    work.emit(NoteChanged(note_id=note.note_id, version=note.version), division_codes=[work.principal.division_code])
    work.remember("note", note.note_id, note.version, snapshot=note, changed=changed)
    work.audit("note.change", "note", note.note_id, fields=changed)
    return Answer(note, version=note.version, location=f"/v1/notes/{note.note_id}")


@router.post("/v1/notes", status_code=201, **write("office.note.write", summary_zh="写记录"))
async def write_note(work: CurrentWork, body: WriteNote) -> Answer[NoteView]:
    """Write a note."""
    note = NoteView(note_id=new_id(), content=body.content, closed=False, version=1)
    await work.tx.execute(_ADD, note_id=note.note_id, content=note.content, closed=False, version=1, created_at=work.now)
    return _leave_traces(work, note, ["content"])


@router.get("/v1/notes/{note_id}", **read("office.note.read"))
async def get_note(work: CurrentWork, note_id: UUID) -> Answer[NoteView]:
    """Read a note."""
    row = await work.tx.fetch_row(_GET, note_id=note_id)
    if row is None:
        raise DomainError("not-found")
    work.audit("read", "note", note_id)
    return Answer(_view(row), version=row["version"])


@router.get("/v1/notes", **read("office.note.read"))
async def list_notes(work: CurrentWork, cursor: CursorParameter = None, limit: LimitParameter = 2) -> Page[NoteView]:
    """Browse notes."""
    start = after(work.keyring, "notes", cursor)
    rows = await work.tx.fetch(
        _LIST, created_at=start[0] if start else None, note_id=start[1] if start else None, limit=limit + 1
    )
    return page_of(work.keyring, "notes", rows, limit, _view, id_column="note_id")


@router.patch("/v1/notes/{note_id}", **write("office.note.write", if_match=True))
async def change_note(work: CurrentWork, note_id: UUID, body: WriteNote) -> Answer[NoteView]:
    """Change a note."""
    row = await work.tx.fetch_row(_LOCK, note_id=note_id)
    if row is None:
        raise DomainError("not-found")
    work.expect_version(row["version"])
    await work.tx.execute(_CHANGE, note_id=note_id, content=body.content, closed=False)
    note = NoteView(note_id=note_id, content=body.content, closed=False, version=row["version"] + 1)
    return _leave_traces(work, note, ["content"])


@router.post("/v1/notes/{note_id}/close", **write("office.note.close", actor=True, problems=("note-closed",)))
async def close_note(work: CurrentWork, note_id: UUID, body: CloseNote) -> Answer[NoteView]:
    """Close a note; may dawdle, fail or ask for a rule nobody made on request."""
    row = await work.tx.fetch_row(_LOCK, note_id=note_id)
    if row is None:
        raise DomainError("not-found")
    work.expect_version(row["version"])
    if row["closed"]:
        raise DomainError("note-closed")
    await asyncio.sleep(body.delay_s)
    await work.tx.execute(_CHANGE, note_id=note_id, content=row["content"], closed=True)
    if body.as_of is not None:
        _NO_RULE.on(body.as_of)
    if body.fail:
        raise RuntimeError(f"a secret: {row['content']}")
    note = NoteView(note_id=note_id, content=row["content"], closed=True, version=row["version"] + 1)
    return _leave_traces(work, note, ["closed"])


async def close_due_notes(work: Work) -> bool:
    """Close notes that say they are due, two at a time."""
    rows = await work.tx.fetch(_CLOSE_SOME)
    for row in rows:
        work.emit(NoteChanged(note_id=row["note_id"], version=row["version"]), division_codes=["330282"])
    return len(rows) == 2


class OfficeSettings(ServiceSettings):
    """Nothing of its own."""

    process = "office"


DEFINITION = ServiceDefinition(
    name="office",
    title_zh="记录",
    title_en="Notes",
    settings=OfficeSettings,
    metadata=METADATA,
    migrations=FOLDER / "migrations",
    problems=FOLDER / "problems.toml",
    routers=(router,),
    changes_path="/v1/office/changes",
    changes_scope="office.changes.read",
    checkpoints_path="/v1/office/audit/checkpoints",
    checkpoints_scope="office.audit_checkpoint.read",
    follower_scopes={"note": "office.note.read"},
    publishes=(NoteChanged,),
    jobs=(Job("close due notes", close_due_notes),),
)
