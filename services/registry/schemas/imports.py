"""Rosters as they come in: which file, what it is about."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command, PlainText
from services.registry.schemas.rosters.kinds import RosterKind

_MAPPINGS_MAX = 60

Header = Annotated[PlainText, Field(max_length=100)]


class ImportRequest(Command):
    """A roster to be imported. Columns are known by their Chinese or English names; `mapping` names the others."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attachment_id": "019ab0c2-1111-7000-8000-000000000003",
                    "kind": "residents",
                    "dry_run": True,
                    "mapping": {"工人姓名": "name"},
                }
            ]
        }
    )

    attachment_id: UUID = Field(description="A CSV or XLSX file uploaded with the purpose `import`.")
    kind: RosterKind
    dry_run: bool = Field(default=False, description="Only tell what would be refused; nothing is changed.")
    mapping: dict[Header, Header] = Field(
        default_factory=dict, max_length=_MAPPINGS_MAX, description="Header in the file → field."
    )
