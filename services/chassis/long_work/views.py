"""An operation as its client sees it."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.long_work.rows import OperationRecord, OperationState
from services.chassis.schemas import View


class OperationError(View):
    """Where an operation failed: one field that breaks one rule."""

    pointer: str
    code: str
    message_zh: str
    message_en: str
    rule: str | None


class OperationView(View):
    """Something that takes longer than a request, and how far it has come."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "operation_id": "019ab0c2-1111-7000-8000-000000000009",
                    "kind": "import.residents",
                    "state": "running",
                    "is_cancel_requested": False,
                    "done": 8000,
                    "total": 20000,
                    "counts": {"registered": 7994, "refused": 6},
                    "errors_attachment_id": None,
                    "notes_attachment_id": None,
                    "problem": None,
                    "errors": [],
                    "created_at": "2026-06-01T01:00:00Z",
                    "started_at": "2026-06-01T01:00:01Z",
                    "finished_at": None,
                    "kept_until": "2026-07-01",
                }
            ]
        }
    )

    operation_id: UUID
    kind: str = Field(description="What is done.")
    state: OperationState = Field(description="`cancelled`: what was done before stays done.")
    is_cancel_requested: bool
    done: int = Field(description="How much of it is committed; for an import, rows of the file.")
    total: int | None = Field(description="How much there is to do; null while that is not known.")
    counts: dict[str, int] = Field(description="What came of it, by outcome.")
    errors_attachment_id: UUID | None = Field(description="A file of what was not right, once the operation has ended.")
    notes_attachment_id: UUID | None = Field(
        description="A file of what was taken with a note that stopped nothing, once the operation has ended."
    )
    problem: str | None = Field(description="Why it failed, by the code of a problem.")
    errors: list[OperationError] = Field(description="Where it lies, when it failed: of a file its columns.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    kept_until: date = Field(description="Law date; after it the operation is forgotten.")

    @classmethod
    def of(cls, record: OperationRecord) -> Self:
        """The view of an operation."""
        return cls(
            operation_id=record.operation_id,
            kind=record.kind,
            state=record.state,
            is_cancel_requested=record.is_cancel_requested,
            done=record.done,
            total=record.total,
            counts=dict(record.counts),
            errors_attachment_id=record.result.get("errors_attachment_id"),
            notes_attachment_id=record.result.get("notes_attachment_id"),
            problem=record.problem,
            errors=record.result.get("errors", []),
            created_at=record.created_at,
            started_at=record.started_at,
            finished_at=record.finished_at,
            kept_until=record.kept_until,
        )
